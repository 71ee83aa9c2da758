"""The style epilogue after each convolution of the synthesis, against NumPy and TensorFlow Addons."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_addons as tfa

from ssgan_tf.networks import layers


@pytest.fixture
def epilogue(randomize) -> layers.StyleEpilogue:
    layer = layers.StyleEpilogue()
    layer(tf.zeros([1, 4, 4, 3]), tf.zeros([1, 6]))
    randomize(layer)
    return layer


@pytest.fixture
def inputs(rng) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.constant(2 + 3 * rng.normal(size=[4, 8, 8, 3]), tf.float32), tf.constant(
        rng.normal(size=[4, 6]), tf.float32
    )


def styles(epilogue: layers.StyleEpilogue, w: tf.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Returns (scale, shift), [B,1,1,C] each: the two halves of w @ kernel / sqrt(6) + bias, with gain 1."""
    affine = w.numpy() @ epilogue.affine.kernel.numpy() / 6**0.5 + epilogue.affine.bias.numpy()
    return affine[:, None, None, :3], affine[:, None, None, 3:]


def test_equals_the_equation_in_its_docstring(epilogue, inputs):
    x, w = inputs
    y = x.numpy().astype(np.float64) + epilogue.bias.numpy()
    y = np.where(y > 0, y, 0.2 * y)
    normed = (y - y.mean(axis=(1, 2), keepdims=True)) / np.sqrt(y.var(axis=(1, 2), keepdims=True) + 1e-8)
    scale, shift = styles(epilogue, w)
    np.testing.assert_allclose(epilogue(x, w), normed * (scale + 1) + shift, atol=2e-5)


def test_equals_addons_instance_normalization_and_a_style(epilogue, inputs):
    x, w = inputs
    norm = tfa.layers.InstanceNormalization(center=False, scale=False, epsilon=1e-8)
    normed = norm(layers.leaky_relu(x + epilogue.bias))
    scale, shift = styles(epilogue, w)
    np.testing.assert_allclose(epilogue(x, w), normed * (scale + 1) + shift, atol=2e-5)


def test_each_image_is_normalised_by_itself(epilogue, inputs):
    x, w = inputs
    np.testing.assert_allclose(epilogue(x, w)[:1], epilogue(x[:1], w[:1]), atol=1e-5)


def test_the_style_sets_mean_and_standard_deviation_of_each_map(epilogue, inputs):
    """For any input, a map of the output has mean `shift` and standard deviation |scale + 1|."""
    x, w = inputs
    y = epilogue(x, w).numpy()
    scale, shift = styles(epilogue, w)
    np.testing.assert_allclose(y.mean(axis=(1, 2)), shift[:, 0, 0], atol=1e-5)
    np.testing.assert_allclose(y.std(axis=(1, 2)), np.abs(scale + 1)[:, 0, 0], atol=1e-5)


def test_a_constant_map_stays_finite(epilogue):
    y = epilogue(tf.ones([2, 4, 4, 3]), tf.zeros([2, 6])).numpy()
    _, shift = styles(epilogue, tf.zeros([2, 6]))
    np.testing.assert_allclose(y, np.broadcast_to(shift, y.shape), atol=1e-2)  # rounding / sqrt(1e-8)


def test_initially_it_only_normalises():
    """Bias and affine bias are 0: with w = 0 the map is scaled by 1 and shifted by 0."""
    layer = layers.StyleEpilogue(noise=True)
    x = tf.abs(tf.random.stateless_normal([2, 8, 8, 3], [1, 0]))
    y = layer(x, tf.zeros([2, 6]), tf.random.stateless_normal([2, 8, 8, 1], [2, 0])).numpy()
    np.testing.assert_allclose(y.mean(axis=(1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(y.std(axis=(1, 2)), 1, atol=1e-5)


def test_noise_is_added_by_a_weight_per_map_that_starts_at_zero(inputs):
    x, w = inputs
    plain, noisy = layers.StyleEpilogue(), layers.StyleEpilogue(noise=True)
    noise = tf.random.stateless_normal([4, 8, 8, 1], [3, 0])
    plain(x, w), noisy(x, w, noise)
    noisy.affine.set_weights(plain.affine.get_weights())
    np.testing.assert_array_equal(noisy(x, w, noise), plain(x, w))
    noisy.noise_weight.assign([0.0, 2.0, -1.0])
    np.testing.assert_allclose(noisy(x, w, noise), plain(x + noise * [0.0, 2.0, -1.0], w), atol=1e-5)
