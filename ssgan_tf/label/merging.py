"""Merges the tables of several people, and lists the labels on which they differ."""

import collections
import os
from collections.abc import Sequence
from typing import NamedTuple

from ssgan_tf.label.table import Table, is_known, save

_CLOSE = 0.1  # decimals that differ by at most this share of their column's range are replaced by their mean


class Conflict(NamedTuple):
    """Cell on which tables differ.

    Args:
        image: The row.
        factor: The column.
        cells: {path of a table: its cell}.
    """

    image: str
    factor: str
    cells: dict[str, str]


class Merged(NamedTuple):
    """Result of merging tables.

    Args:
        rows: Number of rows written.
        labels: Number of labels written.
        shared: {factor: number of images that several tables label}.
        averaged: {factor: number of decimals that were replaced by their mean}.
        conflicts: Cells on which the tables differ; they are written empty, so that they are asked again.
    """

    rows: int
    labels: int
    shared: dict[str, int]
    averaged: dict[str, int]
    conflicts: list[Conflict]


def merge(paths: Sequence[str], out: str) -> Merged:
    """Writes one table with the labels of several.

    Names must be equal. Decimals count as equal if they differ by at most a tenth of their column's range; their mean
    is written.

    Args:
        paths: Tables to merge, two or more.
        out: File to write; it must not exist.

    Raises:
        OSError: A table cannot be read, or the file not written.
        ValueError: A table is damaged, or `out` exists.
    """
    if len(paths) < 2:
        raise ValueError(f"merge: expected two or more tables. Received: {len(paths)}.")
    for path in paths:
        if not os.path.isfile(path):
            raise FileNotFoundError(f"merge: expected tables such as labels.csv. Received: {path!r}, which is no file.")
    if os.path.exists(out):
        raise ValueError(f"out: expected a new file, since tables are never overwritten. Received: {out!r}.")
    tables = [Table(path) for path in paths]
    factors = list(dict.fromkeys(name for table in tables for name in table.header[1:]))
    images = list(dict.fromkeys(image for table in tables for image in table.rows))
    ranges = {name: _decimal_range(tables, name) for name in factors}
    shared: collections.Counter[str] = collections.Counter()
    averaged: collections.Counter[str] = collections.Counter()
    conflicts, rows = [], {}
    for image in images:
        rows[image] = [""] * len(factors)
        for k, name in enumerate(factors):
            cells = {table.path: cell for table in tables if (cell := table.cell(image, name))}
            shared[name] += len(cells) > 1
            cell, mean = _agree(list(cells.values()), ranges[name])
            averaged[name] += mean
            rows[image][k] = cell
            if cells and not cell:
                conflicts.append(Conflict(image, name, cells))
    save(out, ["image", *factors], rows)
    return Merged(len(rows), sum(map(bool, sum(rows.values(), []))), dict(shared), dict(averaged), conflicts)


def _decimal_range(tables: Sequence[Table], name: str) -> float:
    """Returns the difference of the largest and smallest value of a column of decimals; 0 for any other column."""
    cells = [cell for table in tables for cell in table.columns().get(name, {}).values() if is_known(cell)]
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        return 0.0
    return max(numbers) - min(numbers) if any(not cell.lstrip("+-").isdigit() for cell in cells) else 0.0


def _agree(cells: list[str], width: float) -> tuple[str, bool]:
    """Returns the cell on which all agree, "" if they do not, and whether it is a mean."""
    if len(set(cells)) <= 1:
        return (cells[0] if cells else ""), False
    if not width:
        return "", False
    numbers = [float(cell) for cell in cells]
    if max(numbers) - min(numbers) > _CLOSE * width:
        return "", False
    return repr(round(sum(numbers) / len(numbers), 6)), True
