"""Tables refuse invalid input and name the column; splits and replicates."""

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


def test_unsigned_labels_and_other_number_types_are_accepted() -> None:
    table = Table(np.array([[0], [1]], np.int8), np.array([[0], [255]], np.uint8), (256,))
    assert table.codes.dtype == np.float64
    assert Table(CODES.astype(np.float32), FACTORS, SIZES).codes.dtype == np.float32
    assert table.known.all() and table.factors[1, 0] == 255


def test_every_listed_metric_returns_its_own_name_first_and_only_finite_numbers(grid, rng) -> None:
    factors = np.repeat(grid((3, 4)), 30, axis=0)  # FactorVAE needs 64 rows per value
    table = Table(factors / [2, 3], factors, (3, 4), ("shape", "hue"))
    for name, metric in METRICS.items():
        scores = metric(table, rng)
        assert next(iter(scores)) == name
        assert all(key.split("/")[0] == name for key in scores)
        assert all(np.isfinite(value) for value in scores.values())


def long_table(count: int = 90) -> Table:
    rng = np.random.default_rng(0)
    return Table(rng.normal(size=(count, 2)), rng.integers(2, size=(count, 2)), SIZES)


def test_a_split_has_every_row_once_and_the_requested_share() -> None:
    table = long_table()
    train, test = table.split(np.random.default_rng(1), 2 / 3)
    assert (len(train.codes), len(test.codes)) == (60, 30)
    assert sorted([*train.origins, *test.origins]) == list(range(90))
    np.testing.assert_array_equal(train.codes, table.codes[train.origins])
    np.testing.assert_array_equal(test.factors, table.factors[test.origins])


def test_a_split_of_a_replicate_never_has_an_image_on_both_sides() -> None:
    replicate = long_table().resample(np.random.default_rng(2))
    assert len(set(replicate.origins)) < 90, "some rows must occur twice"
    train, test = replicate.split(np.random.default_rng(1), 0.5)
    assert len(train.codes) + len(test.codes) == 90
    assert not set(train.origins) & set(test.origins)


@pytest.mark.parametrize("share", [0.001, 0.999])
def test_neither_side_of_a_split_is_empty(share: float) -> None:
    assert min(len(side.codes) for side in long_table(2).split(np.random.default_rng(1), share)) == 1


def test_one_image_cannot_be_split() -> None:
    with pytest.raises(ValueError, match="at least two images. Received: 1"):
        long_table(5).rows(np.zeros(5, int)).split(np.random.default_rng(1), 0.5)


def test_a_replicate_consists_of_rows_of_the_table() -> None:
    table = long_table()
    replicate = table.resample(np.random.default_rng(3))
    np.testing.assert_array_equal(replicate.codes, table.codes[replicate.origins])
    np.testing.assert_array_equal(replicate.factors, table.factors[replicate.origins])


def test_origins_must_fit_the_rows() -> None:
    with pytest.raises(ValueError, match="`origins` must hold 3 numbers"):
        Table(CODES, FACTORS, SIZES, (), origins=np.arange(2))
