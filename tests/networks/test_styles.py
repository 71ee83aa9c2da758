"""Styles per layer, style mixing, the mean style, truncation."""

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.core.images import blur
from ssgan_tf.networks import layers
from ssgan_tf.networks.style_generator import StyleGenerator, mix_styles, sample_crossovers

LAYERS, WIDTH = 6, 8  # of the tiny network: 4x4, 8x8 and 16x16


@pytest.fixture
def make(tiny, randomize):
    def make_generator(**changes) -> StyleGenerator:
        generator = StyleGenerator(tiny(**changes), code_size=3)
        randomize(generator)
        return generator

    return make_generator


@pytest.fixture
def latent(rng) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.constant(rng.normal(size=[4, 8]), tf.float32), tf.constant(rng.uniform(size=[4, 3]), tf.float32)


@pytest.fixture
def styles(rng) -> tf.Tensor:
    """A different style for each image and layer, [B,L,W]."""
    return tf.constant(rng.normal(size=[4, LAYERS, WIDTH]), tf.float32)


# --- Styles per layer.


@pytest.mark.parametrize(("resolution", "fade"), [(None, None), (16, 0.3), (8, 0.3), (8, None)])
def test_one_style_for_all_layers_is_its_repetition(resolution, fade, make, styles):
    synthesis = make(noise_inputs=True).synthesis
    w = styles[:, 0]
    expected = synthesis(w, resolution, fade, noise_seed=[1, 2])
    repeated = synthesis(tf.repeat(w[:, None], LAYERS, axis=1), resolution, fade, noise_seed=[1, 2])
    np.testing.assert_array_equal(repeated, expected)


@pytest.mark.parametrize("resolution", [16, 8])
def test_each_layer_uses_its_own_style(resolution, make, styles):
    """Each block has two, one before and one after `conv`, starting at 4x4."""
    synthesis = make().synthesis
    x = tf.repeat(synthesis.blocks[0].constant, 4, axis=0)
    number = 0
    for block in synthesis.blocks:
        if block.resolution > resolution:
            break
        if block.resolution > 4:
            x = blur(block.conv_up(x))
        x = block.epilogue0(x, styles[:, number])
        x = block.epilogue1(block.conv(x), styles[:, number + 1])
        number += 2
    image = synthesis.to_rgb[number // 2 - 1](x)
    np.testing.assert_allclose(synthesis(styles, resolution), image, rtol=1e-4, atol=1e-4)


def test_a_lower_resolution_uses_the_first_styles_alone(make, styles):
    synthesis = make().synthesis
    before = synthesis(styles, resolution=8)
    for layer in range(LAYERS):
        one_off = tf.tensor_scatter_nd_add(styles, [[0, layer]], tf.ones([1, WIDTH]))
        moved = np.abs(synthesis(one_off, resolution=8) - before).max(axis=(1, 2, 3))
        assert (moved[0] > 0.01) == (layer < 4), layer
        assert not moved[1:].any()


@pytest.mark.parametrize("shape", [[4, 5, 8], [4, 7, 8], [4, 4, 8], [4, 6, 9], [4, 9], [4, 1, 6, 8], [8]])
def test_styles_of_another_shape_are_an_error(shape, make):
    expected = rf"Styles: expected \[B,8\] or \[B,6,8\], two .* 4 to 16,.* Received: \({', '.join(map(str, shape))},?\)"
    with pytest.raises(ValueError, match=expected):
        make().synthesis(tf.zeros(shape), resolution=8)


# --- Style mixing.


def test_mixed_styles_are_the_first_up_to_the_crossover_and_then_the_second(rng):
    first, second = rng.normal(size=[2, 4, WIDTH])
    mixed = mix_styles(tf.constant(first), tf.constant(second), tf.constant([1, 3, 5, 6]), LAYERS).numpy()
    expected = np.repeat(first[:, None], LAYERS, axis=1)
    expected[0, 1:], expected[1, 3:], expected[2, 5:] = second[0], second[1], second[2]
    np.testing.assert_array_equal(mixed, expected)


def test_without_a_crossover_mixing_changes_no_bit_of_the_image(make, styles):
    synthesis = make().synthesis
    mixed = mix_styles(styles[:, 0], styles[:, 1], tf.fill([4], LAYERS), LAYERS)
    np.testing.assert_array_equal(synthesis(mixed), synthesis(styles[:, 0]))


@pytest.mark.parametrize("layers_now", [4, 6])
def test_every_crossover_is_as_likely_as_any_other(layers_now):
    """90 % of 30,000 samples are mixed; each of 1 .. layers_now - 1 is within four standard deviations of its share."""
    count = 30_000
    sampled = sample_crossovers(count, layers_now, 0.9, tf.constant([3, 4])).numpy()
    found = np.bincount(sampled, minlength=layers_now + 1)
    share = np.array([0, *[0.9 / (layers_now - 1)] * (layers_now - 1), 0.1])
    assert len(found) == layers_now + 1
    assert np.all(np.abs(found - count * share) <= 4 * np.sqrt(count * share * (1 - share)))


@pytest.mark.parametrize(("probability", "unmixed"), [(0.0, True), (1.0, False)])
def test_probabilities_0_and_1_are_never_and_always(probability, unmixed):
    sampled = sample_crossovers(1000, LAYERS, probability, tf.constant([0, 0])).numpy()
    assert np.all((sampled == LAYERS) == unmixed)


def test_crossovers_are_a_function_of_the_seed():
    sampled, again, other = (sample_crossovers(100, LAYERS, 0.5, tf.constant([1, n])).numpy() for n in (1, 1, 2))
    np.testing.assert_array_equal(sampled, again)
    both = (sampled < LAYERS) & (other < LAYERS)
    assert np.any((sampled < LAYERS) != (other < LAYERS)) and np.any(sampled[both] != other[both])


# --- The mean style, and truncation towards it.


def test_the_mean_style_starts_at_zero_and_is_neither_trained_nor_counted(tiny):
    generator = StyleGenerator(tiny(), code_size=3)
    np.testing.assert_array_equal(generator.w_average, np.zeros(8))
    assert "w_average:0" in [v.name for v in generator.variables]
    assert "w_average:0" not in [v.name for v in generator.trainable_variables]
    assert layers.count_parameters(generator) == generator.count_params() - 8


def test_truncation_by_none_one_or_in_no_layer_changes_no_bit(make, latent):
    generator = make()
    plain = generator(latent)
    np.testing.assert_array_equal(generator(latent, truncation=None), plain)
    np.testing.assert_array_equal(generator(latent, truncation=1.0), plain)
    np.testing.assert_array_equal(generator(latent, truncation=tf.constant(1.0)), plain)
    np.testing.assert_array_equal(generator(latent, truncation=0.3, truncation_cutoff=0), plain)
    assert np.abs(generator(latent, truncation=0.99) - plain).max() > 1e-3


@pytest.mark.parametrize(("cutoff", "moved"), [(3, 3), (6, 6), (8, 6)])
def test_truncation_is_its_equation_in_the_first_layers(cutoff, moved, make, latent):
    generator = make()
    w, average = generator.mapping(latent).numpy(), generator.w_average.numpy()
    expected = np.repeat(w[:, None], LAYERS, axis=1)
    expected[:, :moved] = (average + 0.7 * (w - average))[:, None]
    np.testing.assert_allclose(generator.truncate(w, 0.7, cutoff), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        generator(latent, truncation=0.7, truncation_cutoff=cutoff), generator.synthesis(expected), atol=1e-3, rtol=1e-3
    )


def test_the_default_cutoff_is_eight_layers(tiny, latent):
    """These are 4x4 to 32x32: at 64x64 the last two layers keep their styles."""
    generator = StyleGenerator(tiny(resolution=64), code_size=3)
    w = generator.mapping(latent).numpy()
    expected = np.repeat(w[:, None], 10, axis=1)
    expected[:, :8] = 0.0
    np.testing.assert_allclose(generator.truncate(w, 0.0), expected, atol=1e-6)
    np.testing.assert_array_equal(generator(latent, truncation=0.0), generator.synthesis(generator.truncate(w, 0.0)))


def test_styles_of_each_layer_can_be_truncated_too(make, styles):
    generator = make()
    expected = styles.numpy()
    expected[:, :2] = generator.w_average
    np.testing.assert_allclose(generator.truncate(styles, 0.0, 2), expected, atol=1e-5)


def test_truncated_to_the_average_all_images_are_equal(make, latent):
    images = make()(latent, truncation=0.0).numpy()
    np.testing.assert_allclose(images[1:], np.repeat(images[:1], 3, axis=0), atol=1e-3)
