"""Tiny networks, double precision on request, and convolution written out in NumPy."""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.networks.options import NetworkOptions

TINY = NetworkOptions(
    resolution=16, channels=3, fmap_base=64, fmap_max=8, noise_size=8, style_size=8, mapping_layers=2, stddev_group=2
)


@pytest.fixture
def float64() -> Iterator[None]:
    """Makes layers created in the test double precision, so that finite differences are accurate."""
    before = tf.keras.backend.floatx()
    tf.keras.backend.set_floatx("float64")
    yield
    tf.keras.backend.set_floatx(before)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


@pytest.fixture
def tiny() -> Callable[..., NetworkOptions]:
    """Makes options of networks that run in milliseconds; keyword arguments replace fields."""
    return lambda **changes: dataclasses.replace(TINY, **changes)


@pytest.fixture
def randomize(rng) -> Callable[[tf.keras.layers.Layer], None]:
    """Assigns random values to every weight of a layer: initial zeros and ones would hide mistakes."""

    def assign(layer: tf.keras.layers.Layer) -> None:
        for variable in layer.variables:
            variable.assign(tf.constant(rng.normal(size=variable.shape), variable.dtype))

    return assign


@pytest.fixture
def convolve() -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Convolves x [B,H,W,I] with a kernel [3,3,I,O], zero-padded: the sum over the nine neighbours, [B,H,W,O]."""

    def conv3x3(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        batch, height, width, _ = x.shape
        padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
        result = np.zeros([batch, height, width, kernel.shape[-1]])
        for i in range(3):
            for j in range(3):
                result += padded[:, i : i + height, j : j + width] @ kernel[i, j]
        return result

    return conv3x3
