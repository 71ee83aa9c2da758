"""The layers against closed forms and explicit NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.networks import layers


def test_dense_is_scaled_at_run_time():
    """gain / sqrt(fan_in) * lrmul * stored = sqrt(2) / sqrt(4) * 0.01 * 100 for each of four ones; bias * lrmul."""
    dense = layers.Dense(2, lrmul=0.01)
    dense(tf.zeros([1, 4]))
    dense.set_weights([np.full([4, 2], 100.0), np.array([300.0, 0.0])])
    np.testing.assert_allclose(dense(tf.ones([1, 4])), [[2 * 2**0.5 + 3, 2 * 2**0.5]], rtol=1e-6)


@pytest.mark.parametrize("lrmul", [1.0, 0.01])
def test_stored_weights_start_at_one_over_lrmul(lrmul):
    tf.keras.utils.set_random_seed(0)
    dense = layers.Dense(400, lrmul=lrmul)
    dense(tf.zeros([1, 400]))
    assert np.std(dense.kernel) == pytest.approx(1 / lrmul, rel=0.01)
    assert abs(np.mean(dense.kernel)) < 0.01 / lrmul
    assert not np.any(dense.bias)


@pytest.mark.parametrize(("kernel_size", "gain"), [(1, 1.0), (3, layers.RELU_GAIN)])
def test_conv_initially_keeps_the_variance(kernel_size, gain, rng):
    """White noise of variance 1 becomes variance gain^2 in the interior, for any fan-in."""
    tf.keras.utils.set_random_seed(0)
    conv = layers.Conv(64, kernel_size=kernel_size, gain=gain)
    y = conv(tf.constant(rng.normal(size=[4, 16, 16, 32]), tf.float32))[:, 1:-1, 1:-1]
    assert np.var(y) == pytest.approx(gain**2, rel=0.05)


def make_conv(rng, resample: str | None) -> layers.Conv:
    conv = layers.Conv(5, resample=resample)
    conv(tf.zeros([1, 8, 8, 3]))
    conv.set_weights([rng.normal(size=[3, 3, 3, 5]), rng.normal(size=[5])])
    return conv


def scaled(conv: layers.Conv) -> np.ndarray:
    """Returns the kernel that the layer should apply: sqrt(2) / sqrt(3 * 3 * 3 inputs) times the stored one."""
    return conv.kernel.numpy() * (2 / 27) ** 0.5


def test_conv_is_the_sum_over_nine_neighbours(rng, convolve):
    conv, x = make_conv(rng, None), rng.normal(size=[2, 8, 8, 3])
    expected = convolve(x, scaled(conv)) + conv.bias.numpy()
    np.testing.assert_allclose(conv(tf.constant(x, tf.float32)), expected, atol=1e-5)


def test_conv_up_is_nearest_doubling_then_conv(rng, convolve):
    conv, x = make_conv(rng, "up"), rng.normal(size=[2, 8, 8, 3])
    expected = convolve(x.repeat(2, axis=1).repeat(2, axis=2), scaled(conv)) + conv.bias.numpy()
    np.testing.assert_allclose(conv(tf.constant(x, tf.float32)), expected, atol=1e-5)


def test_conv_down_is_conv_then_mean_of_two_by_two(rng, convolve):
    conv, x = make_conv(rng, "down"), rng.normal(size=[2, 8, 8, 3])
    full = convolve(x, scaled(conv))
    expected = full.reshape(2, 4, 2, 4, 2, 5).mean(axis=(2, 4)) + conv.bias.numpy()
    np.testing.assert_allclose(conv(tf.constant(x, tf.float32)), expected, atol=1e-5)


@pytest.mark.parametrize(("resample", "kernel_size"), [("both", 3), ("up", 1), ("down", 1)])
def test_conv_names_the_unsupported_argument(resample, kernel_size):
    with pytest.raises(ValueError, match=f"Received: resample='{resample}', kernel_size={kernel_size}"):
        layers.Conv(4, kernel_size=kernel_size, resample=resample)


def test_conv_without_bias_has_one_weight():
    conv = layers.Conv(4, use_bias=False)
    conv(tf.zeros([1, 8, 8, 3]))
    assert [v.shape for v in conv.variables] == [(3, 3, 3, 4)]


def test_leaky_relu_has_slope_one_fifth():
    np.testing.assert_allclose(layers.leaky_relu(tf.constant([-5.0, 0.0, 3.0])), [-1, 0, 3])


def test_pixel_norm_of_a_row():
    # Mean square of (3, 4) is 12.5; of (0.6, 0.8) too once scaled; a row of zeros stays zeros.
    y = layers.pixel_norm(tf.constant([[3.0, 4.0], [30.0, 40.0], [0.0, 0.0]]))
    row = np.array([3, 4]) / 12.5**0.5
    np.testing.assert_allclose(y, [row, row, [0, 0]], rtol=1e-6)


def stddev_by_hand(x: np.ndarray, groups: list[list[int]]) -> np.ndarray:
    """Returns [B], the standard deviation over each image's group, averaged over pixels and channels."""
    result = np.zeros(len(x))
    for group in groups:
        result[group] = np.sqrt(np.var(x[group], axis=0) + 1e-8).mean()
    return result


@pytest.mark.parametrize(
    ("batch", "groups"),
    [
        (8, [[0, 2, 4, 6], [1, 3, 5, 7]]),  # image i belongs to group i mod 2
        (4, [[0, 1, 2, 3]]),
        (6, [[0, 1, 2, 3, 4, 5]]),  # not a multiple of 4: a single group
        (2, [[0, 1]]),
    ],
)
def test_minibatch_stddev_in_groups_of_four(batch, groups, rng):
    x = rng.normal(size=[batch, 4, 4, 3])
    y = layers.minibatch_stddev(tf.constant(x), 4).numpy()
    assert y.shape == (batch, 4, 4, 1)
    expected = stddev_by_hand(x, groups)
    np.testing.assert_allclose(y, np.broadcast_to(expected[:, None, None, None], y.shape), rtol=1e-9)


def test_minibatch_stddev_of_two_known_images():
    # Pixels 1 and 3 differ by 2: standard deviation 1. The other channel is equal: 0. The mean is 1/2.
    x = np.zeros([2, 4, 4, 2], np.float32)
    x[0, ..., 0], x[1, ..., 0] = 1, 3
    np.testing.assert_allclose(layers.minibatch_stddev(tf.constant(x)), np.full([2, 4, 4, 1], 0.5), atol=1e-4)


def test_minibatch_stddev_of_equal_images_is_almost_zero():
    # sqrt(0 + 1e-8) = 1e-4, the epsilon that keeps the gradient of the root finite.
    x = tf.tile(tf.random.stateless_normal([1, 4, 4, 3], [0, 0]), [8, 1, 1, 1])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layers.minibatch_stddev(x)
    np.testing.assert_allclose(y, np.full([8, 4, 4, 1], 1e-4), rtol=1e-3)
    assert np.isfinite(tape.gradient(y, x)).all()
