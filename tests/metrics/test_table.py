"""The table refuses what no metric could score, and names the column."""

import numpy as np
import pytest

from ssgan_tf.metrics import METRICS, Table

CODES = np.array([[0.0, 0.5], [1.0, 0.5], [0.5, 0.25]])
FACTORS = np.array([[0, 1], [2, 0], [1, -1]])
SIZES = (3, 2)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_code_that_is_not_finite_is_refused_by_column(value: float, dtype: type) -> None:
    codes: np.ndarray = CODES.astype(dtype)
    codes[2, 1] = value
    with pytest.raises(ValueError, match=r"in column 1 \(row 2; 1 of 3 rows"):
        Table(codes, FACTORS, SIZES)


@pytest.mark.parametrize("value", [3, -2])
def test_a_label_outside_its_factor_is_refused_by_column_and_name(value: int) -> None:
    factors = FACTORS.copy()
    factors[1, 0] = value
    with pytest.raises(ValueError, match=rf"column 0 \(shape\) must lie in 0\.\.2.*{value}"):
        Table(CODES, factors, SIZES, ("shape", "hue"))


def test_labels_that_are_not_integers_are_refused() -> None:
    with pytest.raises(ValueError, match="Received: dtype float64"):
        Table(CODES, FACTORS / 2, SIZES)


@pytest.mark.parametrize(
    ("codes", "factors", "sizes", "names", "message"),
    [
        (CODES[:, 0], FACTORS, SIZES, (), r"`codes` must be.*\(3,\)"),
        (CODES[:0], FACTORS[:0], SIZES, (), r"`codes` must be.*\(0, 2\)"),
        (CODES, FACTORS[:2], SIZES, (), r"`factors` must.*\(3, 2\).*\(2, 2\)"),
        (CODES, FACTORS, (3, 2, 2), (), r"`factors` must.*\(3, 3\).*\(3, 2\)"),
        (CODES, FACTORS * 0, (1, 0), (), r"`sizes\[1\]` \(1\) must be 1 or more. Received: 0"),
        (CODES, FACTORS, SIZES, ("hue", "hue"), "2 different names"),
        (CODES, FACTORS, SIZES, ("hue",), "2 different names"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(codes, factors, sizes, names, message) -> None:
    with pytest.raises(ValueError, match=message):
        Table(codes, factors, sizes, names)


def test_known_and_distinct_leave_out_unknown_labels() -> None:
    table = Table(CODES, FACTORS, SIZES)
    np.testing.assert_array_equal(table.known, [[True, True], [True, True], [True, False]])
    assert [table.distinct(0), table.distinct(1)] == [3, 2]
    assert Table(CODES, np.full((3, 1), -1), (4,)).distinct(0) == 0


def test_unsigned_labels_and_other_number_types_are_taken() -> None:
    table = Table(np.array([[0], [1]], np.int8), np.array([[0], [255]], np.uint8), (256,))
    assert table.codes.dtype == np.float64
    assert Table(CODES.astype(np.float32), FACTORS, SIZES).codes.dtype == np.float32
    assert table.known.all() and table.factors[1, 0] == 255


def test_every_listed_metric_returns_its_own_name_first_and_only_finite_numbers(grid, rng) -> None:
    factors = grid((3, 4))
    table = Table(factors / [2, 3], factors, (3, 4), ("shape", "hue"))
    for name, metric in METRICS.items():
        scores = metric(table, rng)
        assert next(iter(scores)) == name
        assert all(key.split("/")[0] == name for key in scores)
        assert all(np.isfinite(value) for value in scores.values())
