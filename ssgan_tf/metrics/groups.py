"""Groups of pictures that share the value of one factor, drawn as rows of a table.

The reference asks a simulator for pictures of factor vectors: uniform ones, with one factor held. Here a picture is
a row: uniform rows, with one factor held. On a whole grid (every combination of values equally often) the two are the
same distribution. On a part of it the rows are drawn within that part, so that factors that hang together there hang
together in the groups too.
"""

from __future__ import annotations

import math

import numpy as np

from ssgan_tf.metrics.table import Table


def is_whole_grid(table: Table) -> bool:
    """Is every combination of factor values in the table equally often?"""
    combinations = math.prod(table.sizes)
    if len(table.codes) % combinations or not table.known.all():
        return False
    flat = np.ravel_multi_index(tuple(table.factors.T), table.sizes)
    counts = np.bincount(flat, minlength=combinations)
    return bool((counts == counts[0]).all())


def check_enough(table: Table, factors: list[int], group: int, metric: str) -> None:
    """Refuses a table that has fewer rows than `group` times the values of a factor.

    Raises:
      ValueError: naming the count that is needed.
    """
    for f in sorted(factors, key=table.distinct, reverse=True):  # the largest need is said
        values, rows = table.distinct(f), int(table.known[:, f].sum())
        if rows < group * values:
            raise ValueError(
                f"{metric} draws groups of {group} that share a value, and needs {group * values:,} samples for the "
                f"{values} values of {table.names[f]!r}. Received: {rows:,}. Take more samples."
            )


class Groups:
    """Draws rows of a table that share the value of one factor.

    Args:
      table: where from.
      factors: those that are held, each with at least one known value.
    """

    def __init__(self, table: Table, factors: list[int]):
        self.table = table
        self.factors = factors
        self._ranked = {f: _Ranked(table.factors[:, f], table.known[:, f]) for f in factors}

    def held(self, groups: int, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Groups of rows that all have the same value of a factor (FactorVAE).

        Returns:
          For each group an index into `factors` [groups], drawn uniformly, and its rows [groups, size]. The first
          row is uniform among those that know the factor, the others among those that have its value.
        """
        chosen = rng.integers(len(self.factors), size=groups)
        rows = np.empty((groups, size), dtype=np.intp)
        for i, f in enumerate(self.factors):
            mine = np.flatnonzero(chosen == i)
            first = self._ranked[f].any(rng, (len(mine), 1))
            rows[mine] = self._ranked[f].like(np.repeat(first, size, axis=1), rng)
            rows[mine, :1] = first
        return chosen, rows

    def pairs(self, groups: int, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Groups of pairs of rows, the two of a pair with the same value of a factor (BetaVAE).

        Returns:
          For each group an index into `factors` [groups], and the pairs' first and second rows [groups, size] each.
          First rows are uniform among those that know the factor, second rows among those that have its value.
        """
        chosen = rng.integers(len(self.factors), size=groups)
        first, second = np.empty((2, groups, size), dtype=np.intp)
        for i, f in enumerate(self.factors):
            mine = np.flatnonzero(chosen == i)
            first[mine] = self._ranked[f].any(rng, (len(mine), size))
            second[mine] = self._ranked[f].like(first[mine], rng)
        return chosen, first, second


class _Ranked:
    """The rows that know a factor, ordered by its value."""

    def __init__(self, column: np.ndarray, known: np.ndarray):
        self._column = column
        rows = np.flatnonzero(known)
        self._rows = rows[np.argsort(column[rows], kind="stable")]
        self._count = np.bincount(column[rows])
        self._start = np.cumsum(self._count) - self._count

    def any(self, rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        return self._rows[rng.integers(len(self._rows), size=shape)]

    def like(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """For each of the rows one that has its value, uniformly, itself among them."""
        value = self._column[rows]
        # A random number is below 1, and stays so when it is multiplied by a count below 2**53.
        return self._rows[self._start[value] + (rng.random(rows.shape) * self._count[value]).astype(np.intp)]
