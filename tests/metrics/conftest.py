"""Fixtures for the tests of the metrics: grids of factors and a seeded random generator."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

GridMaker = Callable[[Sequence[int]], np.ndarray]


@pytest.fixture
def grid() -> GridMaker:
    """Returns a function from sizes to all combinations of factor values [prod(sizes), F]."""

    def make(sizes: Sequence[int]) -> np.ndarray:
        return np.stack([axis.ravel() for axis in np.indices(tuple(sizes))], axis=1)

    return make


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)
