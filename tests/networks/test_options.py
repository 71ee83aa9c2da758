"""Sizes: parameter counts against the published ones, widths, and errors for bad sizes."""

import pytest

from ssgan_tf.networks import layers
from ssgan_tf.networks.discriminator import Discriminator
from ssgan_tf.networks.options import NetworkOptions, small_64, small_128
from ssgan_tf.networks.style_generator import StyleGenerator

PAPER_64 = NetworkOptions(resolution=64, channels=1)
PAPER_128 = NetworkOptions(resolution=128, channels=3)


@pytest.mark.parametrize(
    ("options", "code_size", "expected"),
    [
        (PAPER_64, 5, 47_889_419),  # published 47.89M, dSprites
        (PAPER_128, 9, 49_051_676),  # published 49.05M, Isaac3D at 128
        (small_64(), 5, 741_067),  # published 0.74M
        (small_128(), 9, 3_438_748),  # published 3.44M
    ],
    ids=["paper 64", "paper 128", "small 64", "small 128"],
)
def test_generator_and_discriminator_have_the_published_number_of_parameters(options, code_size, expected):
    generator, discriminator = StyleGenerator(options, code_size), Discriminator(options, code_size)
    assert layers.count_parameters(generator) + layers.count_parameters(discriminator) == expected
    # All variables are counted except the mean style.
    assert generator.count_params() + discriminator.count_params() == expected + options.style_size


@pytest.mark.parametrize(
    ("options", "code_size", "expected"),
    [(PAPER_64, 5, 47_894_027 - 47_889_419), (PAPER_128, 9, 49_056_540 - 49_051_676)],
    ids=["paper 64", "paper 128"],
)
def test_noise_inputs_add_two_weights_per_feature_map(options, code_size, expected):
    """One per map and epilogue: 2 * (4 * 512 + 256) = 4608 at 64x64, and 2 * 128 more at 128x128."""
    assert 2 * sum(options.feature_maps(r) for r in options.resolutions) == expected


def test_noise_inputs_add_those_weights(tiny):
    plain, noisy = (layers.count_parameters(StyleGenerator(tiny(noise_inputs=on), 3)) for on in (False, True))
    assert noisy - plain == 2 * (8 + 8 + 8)


def test_feature_maps_of_the_paper():
    options = NetworkOptions(resolution=1024)
    assert options.resolutions == (4, 8, 16, 32, 64, 128, 256, 512, 1024)
    assert options.style_layers == 18
    assert [options.feature_maps(r) for r in options.resolutions] == [512, 512, 512, 512, 256, 128, 64, 32, 16]


def test_the_generator_may_have_feature_maps_of_its_own(tiny):
    options = NetworkOptions(32, fmap_base=128, fmap_max=64, generator_fmap_base=512, generator_fmap_max=128)
    assert [options.feature_maps(r) for r in options.resolutions] == [64, 32, 16, 8]
    assert [options.generator.feature_maps(r) for r in options.resolutions] == [128, 128, 64, 32]
    assert NetworkOptions(32).generator == NetworkOptions(32)
    wide = tiny(generator_fmap_base=128, generator_fmap_max=16)
    assert StyleGenerator(wide, 3).synthesis.blocks[0].constant.shape == (1, 4, 4, 16)
    sizes = [layers.count_parameters(Discriminator(options, 3)) for options in (tiny(), wide)]
    assert sizes[0] == sizes[1]


def test_feature_maps_never_vanish():
    assert NetworkOptions(resolution=1024, fmap_base=64).feature_maps(1024) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("resolution", 48),
        ("resolution", 4),
        ("resolution", 2048),
        ("resolution", 0),
        ("channels", 2),
        ("fmap_base", 0),
        ("fmap_max", -1),
        ("noise_size", 0),
        ("style_size", 0),
        ("mapping_layers", 0),
        ("stddev_group", 0),
        ("mapping_lrmul", 0.0),
        ("precision", "float16"),
        ("precision", ""),
    ],
)
def test_a_field_out_of_range_is_named(field, value):
    with pytest.raises(ValueError, match=f"^{field}: expected .* Received: {value}"):
        NetworkOptions(**{field: value})
