"""Sampling of rows that share a factor's value; on a whole grid it equals the reference's simulator."""

import numpy as np
import pytest
from scipy.stats import chisquare

from ssgan_tf.metrics import Table
from ssgan_tf.metrics.groups import Groups, check_enough_rows, is_whole_grid

SIZES = (2, 3, 4)


def make(factors, sizes=SIZES, names=()) -> Table:
    return Table(np.arange(len(factors), dtype=float)[:, None], factors, sizes, names)


def test_all_rows_of_a_group_have_one_value(grid, rng) -> None:
    table = make(grid(SIZES))
    chosen, rows = Groups(table, [0, 2]).sample_groups(500, 8, rng)
    assert rows.shape == (500, 8) and set(chosen) == {0, 1}
    for group, f in zip(rows, np.take([0, 2], chosen), strict=True):
        assert len(set(table.factors[group, f])) == 1


def test_the_rows_of_a_pair_have_one_value_and_pairs_differ(grid, rng) -> None:
    table = make(grid(SIZES))
    chosen, first, second = Groups(table, [0, 1, 2]).sample_pairs(500, 8, rng)
    shared = np.arange(3)[chosen][:, None, None]
    values = np.take_along_axis(table.factors[first], shared, axis=2)
    np.testing.assert_array_equal(values, np.take_along_axis(table.factors[second], shared, axis=2))
    assert np.mean([len(set(v)) for v in values[..., 0]]) > 1.5


def test_on_a_whole_grid_every_image_is_as_likely_as_for_the_simulator(grid, rng) -> None:
    # The simulator samples all factors uniformly and fixes one. With 2 x 3 x 4 values, each of the 24 images is equally
    # likely to come first, and each image with the fixed value is equally likely to follow.
    table = make(grid(SIZES))
    chosen, rows = Groups(table, [1]).sample_groups(20_000, 4, rng)
    assert chisquare(np.bincount(rows[:, 0], minlength=24)).pvalue > 1e-3
    for value in range(3):
        others = rows[table.factors[rows[:, 0], 1] == value, 1:]
        with_value = np.flatnonzero(table.factors[:, 1] == value)
        counts = np.bincount(others.ravel(), minlength=24)
        assert counts.sum() == counts[with_value].sum()
        assert chisquare(counts[with_value]).pvalue > 1e-3
    assert abs(np.corrcoef(rows[:, 2], rows[:, 3])[0, 1] - within(table, 1)) < 0.02


def within(table: Table, f: int) -> float:
    """Computes the correlation of the numbers of two independent rows that share factor f, due to its value alone."""
    rows = np.arange(len(table.factors))
    means = [rows[table.factors[:, f] == v].mean() for v in range(table.sizes[f])]
    return float(np.var(means) / np.var(rows))


def test_every_factor_is_fixed_equally_often(grid, rng) -> None:
    chosen, _ = Groups(make(grid(SIZES)), [0, 1, 2]).sample_groups(9000, 2, rng)
    assert chisquare(np.bincount(chosen)).pvalue > 1e-3


def test_rows_without_a_label_for_a_factor_are_not_sampled_for_it(grid, rng) -> None:
    factors = grid(SIZES)
    factors[::2, 1] = -1
    table = make(factors)
    _, rows = Groups(table, [1]).sample_groups(300, 6, rng)
    _, first, second = Groups(table, [1]).sample_pairs(300, 6, rng)
    for sampled in (rows, first, second):
        assert (table.factors[sampled, 1] != -1).all()


def test_a_whole_grid_has_every_combination_equally_often(grid) -> None:
    factors = grid(SIZES)
    assert is_whole_grid(make(factors))
    assert is_whole_grid(make(factors[::-1])), "in any order"
    assert is_whole_grid(make(np.concatenate([factors, factors]))), "every combination twice"
    assert not is_whole_grid(make(factors[:-1]))
    assert not is_whole_grid(make(np.concatenate([factors[1:], factors[1:2]]))), "the right number of rows, one twice"
    factors = factors.copy()
    factors[0, 0] = -1
    assert not is_whole_grid(make(factors))


def test_too_few_rows_are_refused_with_the_count(grid) -> None:
    table = make(np.repeat(grid(SIZES), 2, axis=0), names=("shape", "hue", "scale"))  # 48 rows
    check_enough_rows(table, [0, 1, 2], 12, "FactorVAE")
    with pytest.raises(ValueError, match=r"FactorVAE .* 13 .* needs 52 samples .* 4 values of 'scale'.*Received: 48"):
        check_enough_rows(table, [0, 1, 2], 13, "FactorVAE")
