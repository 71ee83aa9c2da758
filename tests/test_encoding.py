"""Encoding: tables do not depend on how the images are batched, and codes and factors stay together."""

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf import encoding
from ssgan_tf.codes import CodeSpec, FactorSpec
from ssgan_tf.images import to_uint8

SPEC = CodeSpec((FactorSpec("a", 3), FactorSpec("b", 5)))
IMAGES = np.random.default_rng(0).integers(0, 256, [23, 4, 4, 3], np.uint8)


def corner(images):
    """An encoder that reads two pixels."""
    return tf.stack([images[:, 0, 0, 0], images[:, 1, 2, 1]], axis=1)


def paint(inputs):
    """A generator that shows its code in those pixels, and noise beside them; and leaves [-1, 1] on purpose."""
    noise, codes = inputs
    pixels = tf.tile(noise[:, :1, None, None] * 3.0, [1, 4, 4, 3])
    first = tf.one_hot(0, 4)[:, None, None] * tf.one_hot(0, 4)[None, :, None] * tf.one_hot(0, 3)
    second = tf.one_hot(1, 4)[:, None, None] * tf.one_hot(2, 4)[None, :, None] * tf.one_hot(1, 3)
    pixels *= 1 - first - second
    return pixels + codes[:, 0, None, None, None] * first + codes[:, 1, None, None, None] * second


@pytest.mark.parametrize("batch", [1, 5, 23, 256])
def test_codes_are_those_of_each_image(batch):
    codes = encoding.encode_images(corner, IMAGES, batch)
    assert codes.shape == (23, 2)
    assert codes.dtype == np.float32
    expected = np.stack([IMAGES[:, 0, 0, 0], IMAGES[:, 1, 2, 1]], axis=1) / np.float32(127.5) - 1
    assert np.allclose(codes, expected, atol=1e-6)


def test_never_more_images_at_a_time_than_asked():
    sizes = []

    def encoder(images):
        tf.py_function(lambda x: sizes.append(len(x)), [images], [])
        return corner(images)

    encoding.encode_images(encoder, IMAGES, 10)
    encoding.encode_generated(encoder, paint, SPEC, 6, 23, 0, 10)
    assert sizes == [10, 10, 3] * 2


@pytest.mark.parametrize("batch", [1, 7, 100])
def test_generated_codes_and_factors_belong_together(batch):
    codes, factors = encoding.encode_generated(corner, paint, SPEC, 6, 40, seed=3, batch=batch)
    assert codes.shape == (40, 2)
    assert factors.shape == (40, 2)
    assert np.allclose(codes, SPEC.encode(factors), atol=0.6 / 127.5)  # half a level, and rounding
    assert set(factors[:, 0]) == {0, 1, 2} and set(factors[:, 1]) == {0, 1, 2, 3, 4}


def test_draws_are_a_function_of_the_seed():
    def draw(seed, batch):
        return encoding.encode_generated(lambda x: x[:, 3, 3, :2], paint, SPEC, 6, 40, seed, batch)

    for first, second in zip(draw(1, 8), draw(1, 40), strict=True):
        assert np.array_equal(first, second)
    assert not np.array_equal(draw(1, 40)[0], draw(2, 40)[0])  # noise
    assert not np.array_equal(draw(1, 40)[1], draw(2, 40)[1])  # codes


def test_the_oracle_sees_generated_pictures_as_files_hold_them():
    seen = []

    def encoder(images):
        tf.py_function(lambda x: seen.append(x.numpy()), [images], [])
        return corner(images)

    encoding.encode_generated(encoder, paint, SPEC, 6, 40, seed=0)
    (images,) = seen
    again = to_uint8(images).astype(np.float32) / np.float32(127.5) - 1
    assert np.abs(images - again).max() < 1e-6  # 256 levels, cut off at -1 and 1
    assert images.min() == -1 and images.max() == 1
