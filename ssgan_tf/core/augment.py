"""Differentiable augmentation: random changes of images that gradients pass through, as functions of given numbers.

Sizes of the changes: Zhao et al. 2020 (DiffAugment, arXiv 2006.10738). A probability below 1, so that the generator
cannot take augmented images for the data: Karras et al. 2020 (ADA, arXiv 2006.06676).
"""

from collections.abc import Callable, Collection

import tensorflow as tf

_SHIFT = 8  # a translation moves by at most 1/8 of the size
_BRIGHTNESS = 0.5  # largest change, where images lie in [-1, 1]


def augment(images: tf.Tensor, transforms: Collection[str], numbers: tf.Tensor, probability: float = 1.0) -> tf.Tensor:
    """Changes each image by each of the transforms with the given probability.

    Args:
        images: [B,H,W,C] in about [-1, 1].
        transforms: Names in TRANSFORMS; they are applied in the order of that table, whatever their order here.
        numbers: Uniform random numbers in [0, 1), [B,NUMBERS]. Each transform uses columns of its own, so that what it
            does depends on no other transform.
        probability: Probability of each transform; that of a mirror image is half of it.

    Returns:
        [B,H,W,C]. Whatever moves into an image from outside is its reflection; what is cut out is 0.
    """
    columns = tf.split(numbers, [count for count, _ in TRANSFORMS.values()], axis=1)
    for (name, (_, change)), own in zip(TRANSFORMS.items(), columns, strict=True):
        if name in transforms:
            images = change(images, [n[:, None, None, None] for n in tf.unstack(own, axis=1)], probability)
    return images


def _flip(x: tf.Tensor, numbers: list[tf.Tensor], probability: float) -> tf.Tensor:
    """Mirrors left and right: half of the images at a probability of 1."""
    return tf.where(numbers[0] < 0.5 * probability, tf.reverse(x, [2]), x)


def _translate(x: tf.Tensor, numbers: list[tf.Tensor], probability: float) -> tf.Tensor:
    """Moves by whole pixels, up to 1/8 of height and width."""
    for axis, number in ((1, numbers[1]), (2, numbers[2])):
        size = x.shape[axis]
        most = max(1, size // _SHIFT)
        shift = tf.cast(number * (2 * most + 1), tf.int32) - most  # [B,1,1,1]
        shift = tf.where(numbers[0] < probability, shift, 0)[:, :, 0, 0]  # [B,1]
        # Reflect positions outside of the image, without repeating its edge.
        source = abs(tf.range(size)[None] - shift)
        x = tf.gather(x, size - 1 - abs(size - 1 - source), axis=axis, batch_dims=1)
    return x


def _change_colour(x: tf.Tensor, numbers: list[tf.Tensor], probability: float) -> tf.Tensor:
    """Changes brightness by up to 0.5, saturation by a factor of 0 to 2, and contrast by one of 0.5 to 1.5."""
    changed = x + 2.0 * _BRIGHTNESS * (numbers[1] - 0.5)
    grey = tf.reduce_mean(changed, axis=3, keepdims=True)
    changed = grey + 2.0 * numbers[2] * (changed - grey)
    mean = tf.reduce_mean(changed, axis=[1, 2, 3], keepdims=True)
    changed = mean + (0.5 + numbers[3]) * (changed - mean)
    return tf.where(numbers[0] < probability, changed, x)


def _cut_out(x: tf.Tensor, numbers: list[tf.Tensor], probability: float) -> tf.Tensor:
    """Sets a square of half the height and width around a random pixel to 0; a part of it may lie outside."""
    inside = numbers[0] < probability  # [B,1,1,1]
    for axis, number in ((1, numbers[1]), (2, numbers[2])):
        size = x.shape[axis]
        half = size // 4
        position = tf.reshape(tf.range(size), [-1 if i == axis else 1 for i in range(4)])
        center = tf.cast(number * size, tf.int32)
        inside &= (position >= center - half) & (position < center + half)
    return tf.where(inside, 0.0, x)


_Change = Callable[[tf.Tensor, list[tf.Tensor], float], tf.Tensor]
TRANSFORMS: dict[str, tuple[int, _Change]] = {
    "flip": (1, _flip),
    "translation": (3, _translate),
    "colour": (4, _change_colour),
    "cutout": (3, _cut_out),
}
"""Each transform's number of random numbers, and its function."""
NUMBERS = sum(count for count, _ in TRANSFORMS.values())
