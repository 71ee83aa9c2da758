"""Conversion between uint8 and float images, blur, upsampling and downsampling."""

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.core import images


def test_bytes_become_floats_from_minus_one_to_one():
    # 51 / 127.5 = 0.4
    floats = images.to_float(np.uint8([[0, 51, 255]])).numpy()
    assert floats.dtype == np.float32
    np.testing.assert_allclose(floats, [[-1, -0.6, 1]], atol=1e-7)


def test_every_byte_survives_the_round_trip():
    every = np.arange(256, dtype=np.uint8)
    back = images.to_uint8(images.to_float(every))
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, every)


def test_floats_are_rounded_and_clipped():
    # (0.1 + 1) * 127.5 = 140.25; (-0.9 + 1) * 127.5 = 12.75; values outside the range do not wrap around.
    np.testing.assert_array_equal(images.to_uint8(np.array([0.1, -0.9, 1.7, -40.0])), [140, 13, 255, 0])


def impulse(size: int, row: int, column: int) -> np.ndarray:
    x = np.zeros([1, size, size, 1], np.float32)
    x[0, row, column, 0] = 1
    return x


def test_blur_of_an_impulse_is_the_filter():
    y = images.blur(tf.constant(impulse(5, 2, 2)))[0, :, :, 0]
    expected = np.zeros([5, 5])
    expected[1:4, 1:4] = np.outer([1, 2, 1], [1, 2, 1]) / 16
    np.testing.assert_allclose(y, expected, atol=1e-7)


def test_blur_keeps_a_constant_inside_and_is_zero_padded():
    # At an edge (1 + 2) / 4 remain, at a corner 9/16.
    y = images.blur(tf.fill([1, 6, 6, 2], 8.0))[0, :, :, 1].numpy()
    np.testing.assert_allclose(y[1:-1, 1:-1], 8, rtol=1e-6)
    np.testing.assert_allclose([y[0, 2], y[2, -1], y[0, 0]], [6, 6, 4.5], rtol=1e-6)


def test_blur_that_repeats_edges_keeps_a_constant_everywhere_and_equals_the_other_inside():
    np.testing.assert_allclose(images.blur(tf.fill([1, 6, 6, 2], 8.0), repeat_edges=True), np.full([1, 6, 6, 2], 8.0))
    x = np.random.default_rng(0).normal(size=[2, 5, 6, 3])
    outside = tf.constant(np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], "edge"))
    np.testing.assert_allclose(
        images.blur(tf.constant(x), repeat_edges=True), images.blur(outside)[:, 1:-1, 1:-1], atol=1e-12
    )


def test_blur_does_not_mix_channels():
    x = np.concatenate([impulse(5, 2, 2), np.zeros([1, 5, 5, 1], np.float32)], axis=-1)
    assert not np.any(images.blur(tf.constant(x))[..., 1])


def test_upsample_repeats_each_pixel():
    x = np.random.default_rng(0).normal(size=[2, 3, 4, 5])
    np.testing.assert_array_equal(images.upsample(tf.constant(x)), x.repeat(2, axis=1).repeat(2, axis=2))


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_downsample_takes_the_mean_of_each_block(factor):
    x = np.random.default_rng(0).normal(size=[2, 8, 8, 3])
    expected = x.reshape(2, 8 // factor, factor, 8 // factor, factor, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(images.downsample(tf.constant(x), factor), expected, atol=1e-12)
