"""Codes with known scores, for the tests of the metrics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ssgan_tf.metrics import Table


def sample_factors(sizes: Sequence[int], count: int, seed: int = 0) -> np.ndarray:
    """Samples uniform and independent factors [count, F]."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(size, size=count) for size in sizes], axis=1)


def exact(factors: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """Returns perfect codes, index / (size - 1)."""
    return factors / (np.asarray(sizes) - 1)


def mixed(factors: np.ndarray, sizes: Sequence[int], width: int, noise: float = 0.25, seed: int = 1) -> np.ndarray:
    """Returns `width` noisy codes, each a random linear combination of all factors."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(len(sizes), width))
    return exact(factors, sizes) @ weights + noise * rng.normal(size=(len(factors), width))


def rotated(codes: np.ndarray) -> np.ndarray:
    """Rotates the first two codes by 45 degrees and leaves the others unchanged."""
    result = codes.copy()
    result[:, 0], result[:, 1] = (codes[:, 0] + codes[:, 1]) / np.sqrt(2), (codes[:, 0] - codes[:, 1]) / np.sqrt(2)
    return result


def make_table(codes: np.ndarray, factors: np.ndarray, sizes: Sequence[int], names: Sequence[str] = ()) -> Table:
    """Returns a table with sequences of any type as sizes and names."""
    return Table(codes, factors, tuple(sizes), tuple(names))
