"""Image arrays: uint8 in files, float32 in [-1, 1] in the networks; blur, upsampling and downsampling."""

import numpy as np
import tensorflow as tf


def to_float(images: np.ndarray | tf.Tensor) -> tf.Tensor:
    """Converts uint8 in 0..255 to float32 in [-1, 1]."""
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def to_uint8(images: np.ndarray | tf.Tensor) -> np.ndarray:
    """Converts float in [-1, 1], clipped, to uint8 in 0..255."""
    return np.clip(np.rint((np.asarray(images) + 1.0) * 127.5), 0, 255).astype(np.uint8)


def blur(x: tf.Tensor, repeat_edges: bool = False) -> tf.Tensor:
    """Filters [B,H,W,C] with [1,2,1] x [1,2,1] / 16, at the same size.

    Args:
        x: Images or maps.
        repeat_edges: Whether the pixels at the edges continue outside, so that a constant stays constant. Otherwise
            zeros do, so that edges lose a quarter.
    """
    line = np.array([1.0, 2.0, 1.0]) / 4.0
    kernel = np.outer(line, line)[:, :, None, None]  # [3,3,1,1]
    kernel = tf.constant(np.tile(kernel, [1, 1, x.shape[-1], 1]), x.dtype)  # [3,3,C,1]
    if repeat_edges:
        x = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")  # [B,H+2,W+2,C]
    return tf.nn.depthwise_conv2d(x, kernel, [1, 1, 1, 1], "VALID" if repeat_edges else "SAME")


def upsample(x: tf.Tensor) -> tf.Tensor:
    """Doubles height and width of [B,H,W,C] by repeating each pixel (nearest neighbour)."""
    height, width, channels = x.shape[1:]
    x = tf.reshape(x, [-1, height, 1, width, 1, channels])
    x = tf.tile(x, [1, 1, 2, 1, 2, 1])
    return tf.reshape(x, [-1, 2 * height, 2 * width, channels])


def downsample(x: tf.Tensor, factor: int = 2) -> tf.Tensor:
    """Divides height and width of [B,H,W,C] by `factor`, averaging each block of pixels."""
    return x if factor == 1 else tf.nn.avg_pool2d(x, factor, factor, "VALID")
