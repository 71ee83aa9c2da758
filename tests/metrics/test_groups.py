"""Rows that share a factor's value: who is drawn, how often, and that a whole grid is the simulator."""

import numpy as np
import pytest
from scipy.stats import chisquare

from ssgan_tf.metrics import Table
from ssgan_tf.metrics.groups import Groups, check_enough, is_whole_grid

SIZES = (2, 3, 4)


def make(factors, sizes=SIZES, names=()) -> Table:
    return Table(np.arange(len(factors), dtype=float)[:, None], factors, sizes, names)


def test_all_rows_of_a_group_have_one_value(grid, rng) -> None:
    table = make(grid(SIZES))
    chosen, rows = Groups(table, [0, 2]).held(500, 8, rng)
    assert rows.shape == (500, 8) and set(chosen) == {0, 1}
    for group, f in zip(rows, np.take([0, 2], chosen), strict=True):
        assert len(set(table.factors[group, f])) == 1


def test_the_rows_of_a_pair_have_one_value_and_pairs_differ(grid, rng) -> None:
    table = make(grid(SIZES))
    chosen, first, second = Groups(table, [0, 1, 2]).pairs(500, 8, rng)
    held = np.arange(3)[chosen][:, None, None]
    values = np.take_along_axis(table.factors[first], held, axis=2)
    np.testing.assert_array_equal(values, np.take_along_axis(table.factors[second], held, axis=2))
    assert np.mean([len(set(v)) for v in values[..., 0]]) > 1.5


def test_on_a_whole_grid_every_picture_is_as_likely_as_for_the_simulator(grid, rng) -> None:
    # The simulator draws all factors uniformly and holds one: with 2 x 3 x 4 values each of 24 pictures is drawn
    # 1 time in 24, given the held value each of the pictures that have it equally often.
    table = make(grid(SIZES))
    chosen, rows = Groups(table, [1]).held(20_000, 4, rng)
    assert chisquare(np.bincount(rows[:, 0], minlength=24)).pvalue > 1e-3
    for value in range(3):
        others = rows[table.factors[rows[:, 0], 1] == value, 1:]
        with_value = np.flatnonzero(table.factors[:, 1] == value)
        counts = np.bincount(others.ravel(), minlength=24)
        assert counts.sum() == counts[with_value].sum()
        assert chisquare(counts[with_value]).pvalue > 1e-3
    assert abs(np.corrcoef(rows[:, 2], rows[:, 3])[0, 1] - within(table, 1)) < 0.02


def within(table: Table, f: int) -> float:
    """Correlation of the numbers of two independent rows that share factor f: what is due to its value alone."""
    rows = np.arange(len(table.factors))
    means = [rows[table.factors[:, f] == v].mean() for v in range(table.sizes[f])]
    return float(np.var(means) / np.var(rows))


def test_every_factor_is_held_equally_often(grid, rng) -> None:
    chosen, _ = Groups(make(grid(SIZES)), [0, 1, 2]).held(9000, 2, rng)
    assert chisquare(np.bincount(chosen)).pvalue > 1e-3


def test_rows_that_do_not_know_a_factor_are_not_drawn_for_it(grid, rng) -> None:
    factors = grid(SIZES)
    factors[::2, 1] = -1
    table = make(factors)
    _, rows = Groups(table, [1]).held(300, 6, rng)
    _, first, second = Groups(table, [1]).pairs(300, 6, rng)
    for drawn in (rows, first, second):
        assert (table.factors[drawn, 1] != -1).all()


def test_what_a_whole_grid_is(grid) -> None:
    factors = grid(SIZES)
    assert is_whole_grid(make(factors))
    assert is_whole_grid(make(factors[::-1])), "in any order"
    assert is_whole_grid(make(np.concatenate([factors, factors]))), "every combination twice"
    assert not is_whole_grid(make(factors[:-1]))
    assert not is_whole_grid(make(np.concatenate([factors[1:], factors[1:2]]))), "as many rows, one twice"
    factors = factors.copy()
    factors[0, 0] = -1
    assert not is_whole_grid(make(factors))


def test_too_few_rows_are_refused_with_the_count(grid) -> None:
    table = make(np.repeat(grid(SIZES), 2, axis=0), names=("shape", "hue", "scale"))  # 48 rows
    check_enough(table, [0, 1, 2], 12, "FactorVAE")
    with pytest.raises(ValueError, match=r"FactorVAE .* 13 .* needs 52 samples .* 4 values of 'scale'.*Received: 48"):
        check_enough(table, [0, 1, 2], 13, "FactorVAE")
