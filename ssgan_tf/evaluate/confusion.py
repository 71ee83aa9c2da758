"""Confusion tables: how often E reads each value of a factor as each other value."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ssgan_tf.metrics.table import UNKNOWN

if TYPE_CHECKING:  # the table of scores needs no TensorFlow
    from ssgan_tf.core.codes import CodeSpec

MOST_VALUES = 10
"""Number of values up to which a factor has a confusion table."""


def count(codes: np.ndarray, factors: np.ndarray, spec: "CodeSpec") -> dict[str, dict[str, Any]]:
    """Counts how often each value is read as each other value.

    Args:
        codes: E's codes [N,K].
        factors: Labels [N,K], -1 if unknown.
        spec: Names and sizes of the factors.

    Returns:
        For each factor with at most MOST_VALUES values, none of them a number: "values", their names, and "counts", one
        list for each true value, with the number of images read as each value.
    """
    read = spec.decode(codes)
    found: dict[str, dict[str, Any]] = {}
    for k, factor in enumerate(spec.factors):
        if factor.range is not None or factor.size > MOST_VALUES:
            continue
        known = factors[:, k] != UNKNOWN
        counts = np.zeros([factor.size, factor.size], int)
        np.add.at(counts, (factors[known, k], read[known, k]), 1)
        names = factor.values or tuple(map(str, range(factor.size)))
        found[factor.name] = {"values": list(names), "counts": counts.tolist()}
    return found


def to_lines(tables: Mapping[str, Mapping[str, Any]], width: int) -> list[str]:
    """Returns the confusion tables as text: a line for each true value, a column for each value that was read.

    Args:
        tables: Result of `count`.
        width: Width of the first column.
    """
    lines: list[str] = []
    for name, table in tables.items():
        cells = [[name, *table["values"]], *([f"  {v}", *row] for v, row in _rows(table))]
        column = 2 + max(len(str(cell)) for row in cells for cell in row[1:])
        lines += [f"{row[0]:<{width}}" + "".join(f"{cell:>{column}}" for cell in row[1:]) for row in cells]
    return lines


def _rows(table: Mapping[str, Any]) -> Sequence[tuple[str, list[int]]]:
    return list(zip(table["values"], table["counts"], strict=True))
