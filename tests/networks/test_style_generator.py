"""The generator: its equations, the path of the code, noise inputs, lower resolutions, fading, options."""

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.core.images import blur, upsample
from ssgan_tf.networks import layers
from ssgan_tf.networks.style_generator import StyleGenerator, code_features


@pytest.fixture
def make(tiny, randomize):
    def make_generator(**changes) -> StyleGenerator:
        generator = StyleGenerator(tiny(**changes), code_size=3)
        randomize(generator.synthesis)
        return generator

    return make_generator


@pytest.fixture
def noise() -> tf.Tensor:
    return tf.random.stateless_normal([4, 8], [1, 0])


@pytest.fixture
def codes() -> tf.Tensor:
    return tf.random.stateless_uniform([4, 3], [2, 0])


def mapping_by_hand(generator: StyleGenerator, noise: np.ndarray, codes: np.ndarray, joint: bool) -> np.ndarray:
    def norm(x):
        return x / np.sqrt(np.mean(x**2, axis=1, keepdims=True) + 1e-8)

    embedded = codes @ generator.mapping.embedding.kernel.numpy()
    x = np.concatenate([noise, embedded], axis=1)
    x = norm(x) if joint else np.concatenate([norm(noise), embedded], axis=1)
    for dense in generator.mapping.hidden:
        kernel, bias = dense.get_weights()  # stored with standard deviation 100, multiplied by 0.01
        x = x @ (kernel * 2**0.5 / len(kernel) ** 0.5 * 0.01) + 0.01 * bias
        x = np.where(x > 0, x, 0.2 * x)
    return x


def test_fourier_features_by_hand():
    found = code_features(tf.constant([[0.5, 0.25]]), 2).numpy()
    root = 0.5**0.5
    assert found[0].tolist() == pytest.approx([0.5, 0.25, 1, root, 0, 1, 0, root, -1, 0], abs=1e-6)
    assert code_features(tf.constant([[0.5, 0.25]]), 0).numpy().tolist() == [[0.5, 0.25]]


def test_the_embedding_sees_the_features(make, noise, codes):
    generator = make(code_features=3)
    assert generator.mapping.embedding.kernel.shape == (3 * 7, 8)
    features = code_features(codes, 3).numpy()
    expected = mapping_by_hand(generator, noise.numpy(), features, joint=False)
    assert generator.mapping((noise, codes)).numpy() == pytest.approx(expected, abs=1e-5)
    ends = tf.constant([[0.0] * 3, [1.0] * 3])
    assert np.abs(code_features(ends, 3).numpy()[0, 9:] - code_features(ends, 3).numpy()[1, 9:]).max() == 2  # cos pi c


@pytest.mark.parametrize("joint_norm", [False, True])
def test_mapping_is_the_equations_written_out(joint_norm, make, noise, codes):
    generator = make(joint_norm=joint_norm)
    generator.mapping.hidden[0].bias.assign(tf.random.stateless_normal([8], [5, 0], stddev=50.0))
    expected = mapping_by_hand(generator, noise.numpy(), codes.numpy(), joint_norm)
    np.testing.assert_allclose(generator.mapping((noise, codes)), expected, rtol=1e-4, atol=1e-5)


def test_the_length_of_z_does_not_matter_but_its_direction_does(make, noise, codes):
    generator = make()
    w = generator.mapping((noise, codes))
    np.testing.assert_allclose(generator.mapping((7 * noise, codes)), w, rtol=1e-4, atol=1e-5)
    assert np.abs(w - generator.mapping((noise[::-1], codes))).max() > 0.1


def test_the_code_enters_through_the_mapping_alone(make, noise, codes):
    """With an embedding of zeros the code no longer reaches the image."""
    generator = make()
    assert np.abs(generator((noise, codes)) - generator((noise, 1 - codes))).max() > 0.1
    np.testing.assert_array_equal(generator((noise, codes)), generator.synthesis(generator.mapping((noise, codes))))
    generator.mapping.embedding.kernel.assign(tf.zeros([3, 8]))
    np.testing.assert_array_equal(generator((noise, codes)), generator((noise, 1 - codes)))


@pytest.mark.parametrize("edge_blur", [False, True])
def test_synthesis_is_the_blocks_written_out(edge_blur, make, noise, codes):
    generator = make(edge_blur=edge_blur)
    w = generator.mapping((noise, codes))
    x = tf.repeat(generator.synthesis.blocks[0].constant, 4, axis=0)
    for block in generator.synthesis.blocks:
        if block.resolution > 4:
            x = blur(block.conv_up(x), repeat_edges=edge_blur)
        x = block.epilogue1(block.conv(block.epilogue0(x, w)), w)
    image = generator.synthesis.to_rgb[-1](x)
    assert image.shape == (4, 16, 16, 3)
    np.testing.assert_allclose(generator.synthesis(w), image, rtol=1e-4, atol=1e-4)


def test_images_do_not_depend_on_each_other(make, noise, codes):
    generator = make()
    np.testing.assert_allclose(
        generator((noise, codes))[1:2], generator((noise[1:2], codes[1:2])), rtol=1e-3, atol=1e-4
    )


def test_without_noise_inputs_a_seed_changes_nothing(make, noise, codes):
    generator = make()
    np.testing.assert_array_equal(generator((noise, codes), noise_seed=[1, 2]), generator((noise, codes)))


def test_noise_inputs_follow_their_seed(make, noise, codes):
    generator = make(noise_inputs=True)
    a, again = generator((noise, codes), noise_seed=[1, 2]), generator((noise, codes), noise_seed=[1, 2])
    np.testing.assert_array_equal(a, again)
    assert np.abs(a - generator((noise, codes), noise_seed=[1, 3])).max() > 0.1
    repeatable = generator((noise, codes))
    np.testing.assert_array_equal(repeatable, generator((noise, codes)))
    assert np.abs(a - repeatable).max() > 0.1


def test_noise_inputs_differ_between_images_layers_and_resolutions(make):
    """Two layers of four images in each of two blocks: 16 noise images, no two of which correlate."""
    blocks = make(noise_inputs=True).synthesis.blocks
    resolutions = [block.resolution for block in blocks[1:]]
    noises = [noise for r in resolutions for noise in layers.sample_noise_inputs(4, r, [1, 2])]  # [4,r,r,1]
    rows = np.concatenate([np.reshape(noise, [4, -1])[:, :64] for noise in noises])
    assert np.abs(np.corrcoef(rows) - np.eye(16)).max() < 0.5


def test_tanh_squashes_the_linear_image(make, noise, codes):
    linear, squashed = make(), make(tanh=True)
    squashed.set_weights(linear.get_weights())
    image = linear((noise, codes))
    assert np.abs(image).max() > 1
    np.testing.assert_allclose(squashed((noise, codes)), np.tanh(image), atol=1e-5)


@pytest.mark.parametrize("tanh", [False, True])
def test_fade_one_is_no_fade_and_fade_zero_the_doubled_level_below(tanh, make, noise, codes):
    generator = make(tanh=tanh)
    full, below = generator((noise, codes)), generator((noise, codes), resolution=8)
    assert below.shape == (4, 8, 8, 3)
    np.testing.assert_allclose(generator((noise, codes), fade=1.0), full, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(generator((noise, codes), fade=0.0), upsample(below), rtol=1e-4, atol=1e-4)
    assert np.abs(full - upsample(below)).max() > 0.3


def test_fade_is_linear(make, noise, codes):
    generator = make()
    full, below = generator((noise, codes)), upsample(generator((noise, codes), resolution=8))
    np.testing.assert_allclose(generator((noise, codes), fade=0.75), 0.75 * full + 0.25 * below, rtol=1e-4, atol=1e-4)


def test_a_lower_resolution_does_not_use_the_blocks_above(make, noise, codes):
    generator = make()
    before = generator((noise, codes), resolution=8)
    for variable in (*generator.synthesis.blocks[2].variables, *generator.synthesis.to_rgb[2].variables):
        variable.assign(tf.zeros_like(variable))
    np.testing.assert_array_equal(generator((noise, codes), resolution=8), before)


def test_initially_the_constant_is_one_and_the_embedding_standard_normal(tiny):
    tf.keras.utils.set_random_seed(0)
    generator = StyleGenerator(tiny(noise_size=400), code_size=10)
    np.testing.assert_array_equal(generator.synthesis.blocks[0].constant, np.ones([1, 4, 4, 8]))
    assert np.std(generator.mapping.embedding.kernel) == pytest.approx(1, rel=0.05)


def test_the_constructor_builds_all_weights(make, noise, codes):
    """Embedding 1, mapping 2 x 2, 3 RGB heads x 2, constant 1, convolutions 5, epilogues 6 x 3, mean style 1."""
    generator = make()
    assert len(generator.variables) == 1 + 4 + 6 + 1 + 5 + 18 + 1
    generator((noise, codes)), generator((noise, codes), resolution=8, fade=0.5)
    assert len(generator.variables) == 1 + 4 + 6 + 1 + 5 + 18 + 1
