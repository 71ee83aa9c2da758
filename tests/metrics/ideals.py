"""Codes with known scores, for the tests of every metric."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ssgan_tf.metrics import Table


def draw(sizes: Sequence[int], count: int, seed: int = 0) -> np.ndarray:
    """Factors [count, F], uniform and independent."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(size, size=count) for size in sizes], axis=1)


def exact(factors: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """Perfect codes, index / (size - 1)."""
    return factors / (np.asarray(sizes) - 1)


def mixed(factors: np.ndarray, sizes: Sequence[int], width: int, noise: float = 0.25, seed: int = 1) -> np.ndarray:
    """`width` codes that each know a little of everything."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(len(sizes), width))
    return exact(factors, sizes) @ weights + noise * rng.normal(size=(len(factors), width))


def rotated(codes: np.ndarray) -> np.ndarray:
    """The first two codes turned by 45 degrees, the others as they are."""
    result = codes.copy()
    result[:, 0], result[:, 1] = (codes[:, 0] + codes[:, 1]) / np.sqrt(2), (codes[:, 0] - codes[:, 1]) / np.sqrt(2)
    return result


def table(codes: np.ndarray, factors: np.ndarray, sizes: Sequence[int], names: Sequence[str] = ()) -> Table:
    return Table(codes, factors, tuple(sizes), tuple(names))
