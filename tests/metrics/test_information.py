"""Binning and mutual information compared with NumPy, scikit-learn and numbers computed by hand."""

import math

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from ssgan_tf.metrics import Table
from ssgan_tf.metrics.information import (
    discretize,
    entropy,
    information_matrix,
    mutual_information,
)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bins", [2, 10, 20])
def test_bins_equal_the_reference(rng, dtype: type, bins: int) -> None:
    # The values of the grid columns lie exactly on edges, where the rounding of the type decides.
    columns = [rng.normal(size=2000), rng.integers(11, size=2000) / 10, rng.integers(41, size=2000)]
    codes = np.stack(columns, axis=1).astype(dtype)
    expected = [np.digitize(x, np.histogram(x, bins)[1][:-1]) - 1 for x in codes.T]
    np.testing.assert_array_equal(discretize(codes, bins), np.stack(expected, axis=1))


def test_bins_by_hand() -> None:
    codes = np.array([[0.0, 3.0], [0.24, 3.0], [0.25, 3.0], [0.99, 3.0], [1.0, 3.0]])
    np.testing.assert_array_equal(discretize(codes, 4).T, [[0, 0, 1, 3, 3], [0, 0, 0, 0, 0]])


def test_a_code_constant_up_to_its_last_bit_is_binned() -> None:
    one = np.float32(1)
    codes = np.array([[one], [np.nextafter(one, np.float32(2))]])
    binned = discretize(codes, 20)
    assert binned[0, 0] < binned[1, 0] <= 19


@pytest.mark.parametrize("bins", [1, 0, -3])
def test_fewer_than_two_bins_are_refused(bins: int) -> None:
    with pytest.raises(ValueError, match=f"`bins` must be 2 or more.*Received: {bins}"):
        discretize(np.zeros((3, 1)), bins)


@pytest.mark.parametrize("seed", range(20))
def test_information_equals_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, height, width = rng.integers((1, 1, 1), (5000, 30, 200))
    first = rng.integers(height, size=n)
    second = (first * rng.integers(1, 4) + rng.integers(width, size=n)) % width
    assert mutual_information(first, second) == pytest.approx(mutual_info_score(first, second), abs=1e-12)
    assert entropy(second) == pytest.approx(mutual_info_score(second, second), abs=1e-12)


def test_information_by_hand() -> None:
    # Counts [[2, 1], [0, 1]] of 4 samples.
    first, second = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    expected = 2 / 4 * math.log(4 * 2 / (3 * 2)) + math.log(4 / (3 * 2)) / 4 + math.log(2) / 4
    assert mutual_information(first, second) == pytest.approx(expected, abs=1e-15)
    assert entropy(first) == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))


def test_independent_labels_have_exactly_zero_information(grid) -> None:
    factors = grid((7, 11, 3))
    assert mutual_information(factors[:, 0], factors[:, 1]) == 0.0
    assert entropy(factors[:, 0] * 0) == 0.0


def test_rows_without_a_label_for_a_factor_are_ignored(rng) -> None:
    codes = rng.normal(size=(500, 3))
    factors = rng.integers(4, size=(500, 2))
    factors[100:, 1] = -1
    codes[100:] *= 10  # must not widen the bins for the second factor
    matrix = information_matrix(Table(codes, factors, (4, 4)), bins=20)
    alone = information_matrix(Table(codes[:100], factors[:100], (4, 4)), bins=20)
    np.testing.assert_array_equal(matrix[:, 1], alone[:, 1])
    assert not np.array_equal(matrix[:, 0], alone[:, 0])
