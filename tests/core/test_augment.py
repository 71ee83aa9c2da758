"""Augmentation: what each transform does with given numbers, and its gradient against finite differences."""

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.core.augment import NUMBERS, TRANSFORMS, augment

ALL = tuple(TRANSFORMS)
FIRST = dict(zip(ALL, np.cumsum([0, *(count for count, _ in TRANSFORMS.values())]), strict=False))


@pytest.fixture
def images() -> np.ndarray:
    """Images that are higher than wide, so that no axis can be mistaken for another."""
    return np.random.default_rng(0).uniform(-1, 1, [6, 24, 16, 3]).astype(np.float32)


def numbers(count: int, name: str = "", *values: float, seed: int = 1) -> np.ndarray:
    """Returns random numbers for `count` images, with the given values in the columns of a transform."""
    result = np.random.default_rng(seed).uniform(0, 1, [count, NUMBERS]).astype(np.float32)
    for i, value in enumerate(values):
        result[:, FIRST[name] + i] = value
    return result


@pytest.mark.parametrize("transforms", [(name,) for name in ALL] + [ALL])
def test_the_gradient_is_that_of_finite_differences(transforms, images):
    """Every transform is affine in the images, so that differences of any length are exact."""
    random, weights = numbers(6), np.random.default_rng(2).normal(size=images.shape).astype(np.float32)
    moved = np.random.default_rng(3).normal(size=images.shape).astype(np.float32)
    x = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(weights * augment(x, transforms, random), axis=[1, 2, 3])
    gradient = tape.gradient(value, x)
    change = augment(images + moved, transforms, random) - augment(images, transforms, random)
    difference = np.sum(weights * change, axis=(1, 2, 3))
    np.testing.assert_allclose(np.sum(gradient * moved, axis=(1, 2, 3)), difference, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("name", ALL)
def test_a_transform_changes_the_given_share_of_the_images(name, images):
    many = np.tile(images[:1], [2000, 1, 1, 1])
    changed = np.any(augment(many, [name], numbers(2000), 0.4) != many, axis=(1, 2, 3)).mean()
    expected = {"flip": 0.2, "translation": 0.4 * (1 - 1 / (7 * 5))}.get(name, 0.4)  # up to 3 and 2 pixels
    assert changed == pytest.approx(expected, abs=0.05)


def test_what_a_transform_does_depends_on_no_other(images):
    random = numbers(6)
    one_by_one = images
    for name in ALL:
        one_by_one = augment(one_by_one, [name], random)
    np.testing.assert_array_equal(augment(images, ALL[::-1], random), one_by_one)
    np.testing.assert_array_equal(augment(images, (), random), images)


def test_flip_mirrors_left_and_right(images):
    np.testing.assert_array_equal(augment(images, ["flip"], numbers(6, "flip", 0.1)), images[:, :, ::-1])
    np.testing.assert_array_equal(augment(images, ["flip"], numbers(6, "flip", 0.6)), images)


def test_translation_moves_by_whole_pixels_and_reflects(images):
    """0 is the largest move up and left, 0.999 the largest one down and right: 3 of 24 pixels, and 2 of 16."""
    up, down = (np.asarray(augment(images, ["translation"], numbers(6, "translation", 0, n, n))) for n in (0, 0.999))
    np.testing.assert_array_equal(up[:, :-3, :-2], images[:, 3:, 2:])
    np.testing.assert_array_equal(up[:, -3:, :-2], images[:, -2:-5:-1, 2:])
    np.testing.assert_array_equal(down[:, 3:, 2:], images[:, :-3, :-2])
    np.testing.assert_array_equal(down[:, 3:, :2], images[:, :-3, 2:0:-1])


def test_colour_changes_brightness_saturation_and_contrast(images):
    grey = np.asarray(augment(images, ["colour"], numbers(6, "colour", 0, 0.5, 0, 0.5)))
    np.testing.assert_allclose(grey, np.repeat(images.mean(axis=3, keepdims=True), 3, axis=3), atol=1e-6)
    brighter = np.asarray(augment(images, ["colour"], numbers(6, "colour", 0, 0.75, 0.5, 0.5)))
    np.testing.assert_allclose(brighter, images + 0.25, atol=1e-6)
    flat = np.asarray(augment(images, ["colour"], numbers(6, "colour", 0, 0.5, 0.5, 0)))
    mean = images.mean(axis=(1, 2, 3), keepdims=True)
    np.testing.assert_allclose(flat, mean + 0.5 * (images - mean), atol=1e-5)


def test_cutout_removes_a_square_of_half_the_size(images):
    inside = np.array(augment(images, ["cutout"], numbers(6, "cutout", 0, 0.5, 0.5)))
    assert np.all(inside[:, 6:18, 4:12] == 0)
    inside[:, 6:18, 4:12] = images[:, 6:18, 4:12]
    np.testing.assert_array_equal(inside, images)
    corner = np.asarray(augment(images, ["cutout"], numbers(6, "cutout", 0, 0, 0)))
    np.testing.assert_array_equal(np.argwhere(np.all(corner == 0, axis=(0, 3))).max(axis=0), [5, 3])


def test_the_smallest_images_have_every_transform():
    images = np.random.default_rng(0).uniform(-1, 1, [4, 4, 4, 1]).astype(np.float32)
    result = np.asarray(augment(images, ALL, numbers(4)))
    assert result.shape == images.shape and np.isfinite(result).all()
