"""Groups of images that share the value of one factor, sampled as rows of a table.

The reference asks a simulator for images: all factors are sampled uniformly, and one of them is fixed. Here an image
is a row of the table: rows are sampled uniformly, and one factor is fixed. On a whole grid, where every combination of
values occurs equally often, the two distributions are the same. On a part of a grid, rows are sampled within that
part, so factors that are correlated in the table are also correlated in the groups.
"""

from __future__ import annotations

import math

import numpy as np

from ssgan_tf.metrics.table import Table


def is_whole_grid(table: Table) -> bool:
    """Returns True if every combination of factor values occurs equally often in the table."""
    combinations = math.prod(table.sizes)
    if len(table.codes) % combinations or not table.known.all():
        return False
    flat = np.ravel_multi_index(tuple(table.factors.T), table.sizes)
    counts = np.bincount(flat, minlength=combinations)
    return bool((counts == counts[0]).all())


def check_enough_rows(table: Table, factors: list[int], group: int, metric: str) -> None:
    """Checks that the table has at least `group` rows for each value of each factor, on average.

    Args:
        table: Table to sample groups from.
        factors: Indices of the factors to fix.
        group: Number of rows in a group.
        metric: Name of the metric for the message.

    Raises:
        ValueError: If there are too few rows; the message says how many are needed.
    """
    for f in sorted(factors, key=table.distinct, reverse=True):  # report the factor that needs the most rows
        values, rows = table.distinct(f), int(table.known[:, f].sum())
        if rows < group * values:
            raise ValueError(
                f"{metric} samples groups of {group} that share a value, and needs {group * values:,} samples for the "
                f"{values} values of {table.names[f]!r}. Received: {rows:,}. Take more samples."
            )


class Groups:
    """Sampler of table rows that share the value of one factor.

    Args:
        table: Table to sample rows from.
        factors: Indices of the factors to fix, each with at least one known value.
    """

    def __init__(self, table: Table, factors: list[int]):
        self.table = table
        self.factors = factors
        self._by_value = {f: _RowsByValue(table.factors[:, f], table.known[:, f]) for f in factors}

    def sample_groups(self, groups: int, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Samples groups of rows that have the same value of one factor (FactorVAE).

        Args:
            groups: Number of groups.
            size: Rows per group.
            rng: Random generator.

        Returns:
            Per group, the fixed factor as an index into `factors` [groups], uniformly distributed, and the group's
            rows [groups, size]. The first row is uniform among the rows with a label for the factor, the others are
            uniform among the rows with the same label.
        """
        fixed = rng.integers(len(self.factors), size=groups)
        rows = np.empty((groups, size), dtype=np.intp)
        for i, f in enumerate(self.factors):
            selected = np.flatnonzero(fixed == i)
            first = self._by_value[f].sample(rng, (len(selected), 1))
            rows[selected] = self._by_value[f].sample_like(np.repeat(first, size, axis=1), rng)
            rows[selected, :1] = first
        return fixed, rows

    def sample_pairs(
        self, groups: int, size: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Samples groups of pairs of rows; the two rows of a pair have the same value of one factor (BetaVAE).

        Args:
            groups: Number of groups.
            size: Pairs per group.
            rng: Random generator.

        Returns:
            Per group, the shared factor as an index into `factors` [groups], and the first and second rows of its
            pairs [groups, size] each. First rows are uniform among the rows with a label for the factor, second rows
            are uniform among the rows with the same label.
        """
        shared = rng.integers(len(self.factors), size=groups)
        first, second = np.empty((2, groups, size), dtype=np.intp)
        for i, f in enumerate(self.factors):
            selected = np.flatnonzero(shared == i)
            first[selected] = self._by_value[f].sample(rng, (len(selected), size))
            second[selected] = self._by_value[f].sample_like(first[selected], rng)
        return shared, first, second


class _RowsByValue:
    """Rows with a label for one factor, sorted by that label.

    Args:
        column: Labels of the factor [N].
        known: Mask of the known labels [N] bool.
    """

    def __init__(self, column: np.ndarray, known: np.ndarray):
        self._column = column
        rows = np.flatnonzero(known)
        self._rows = rows[np.argsort(column[rows], kind="stable")]
        # Value v has the rows _rows[_start[v] : _start[v] + _count[v]].
        self._count = np.bincount(column[rows])
        self._start = np.cumsum(self._count) - self._count

    def sample(self, rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        """Samples rows of any value."""
        return self._rows[rng.integers(len(self._rows), size=shape)]

    def sample_like(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Samples, for each of `rows`, a row with the same value, which may be the row itself."""
        value = self._column[rows]
        # Random numbers are below 1, so their product with a count under 2**53 is below the count.
        return self._rows[self._start[value] + (rng.random(rows.shape) * self._count[value]).astype(np.intp)]
