"""Pixels as files have them (uint8) and as the networks see them (float in [-1, 1])."""

import numpy as np
import tensorflow as tf


def to_float(images: np.ndarray | tf.Tensor) -> tf.Tensor:
    """uint8 0..255 -> float32 in [-1, 1]."""
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def to_uint8(images: np.ndarray | tf.Tensor) -> np.ndarray:
    """float in [-1, 1] (values outside are cut off) -> uint8 0..255."""
    return np.clip(np.rint((np.asarray(images) + 1.0) * 127.5), 0, 255).astype(np.uint8)
