"""Cells of a table -> columns of labels: which kind each is, and what its cells mean."""

import collections
import dataclasses
import difflib
import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .declared import Declared
from .files import natural_key
from .labels import Table

UNKNOWN = -1
_INTEGER = re.compile(r"[0-9]{1,6}", re.ASCII)
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+", re.ASCII)
# An integer column whose largest label is beyond the first and of whose values fewer than one in so many has a label is
# more likely something else: years, degrees, part numbers.
_LARGE, _SPARSE = 99, 10


@dataclasses.dataclass(frozen=True, eq=False)
class Column:
    """One factor of all images.

    Args:
        name: as in the table.
        kind: "integer", "categorical" or "decimal".
        values: [N] of the table's images: int64, -1 where unknown; of a decimal column float32, NaN where unknown.
        size: how many values it takes; 0 for a decimal column.
        categories: what its values are called; empty unless it is categorical.
        ends: (low, high) of a decimal column.
    """

    name: str
    kind: str
    values: np.ndarray
    size: int = 0
    categories: tuple[str, ...] = ()
    ends: tuple[float, float] = (0.0, 0.0)

    @property
    def known(self) -> np.ndarray:
        """bool [N]."""
        return ~np.isnan(self.values) if self.kind == "decimal" else self.values != UNKNOWN


def read_columns(table: Table, declared: Declared, skip_bad: bool) -> tuple[list[Column], list[tuple[str, str]]]:
    """Finds out what the columns are and what their cells mean.

    Args:
        table: the cells.
        declared: what the config says about columns.
        skip_bad: take a bad cell as unknown instead of stopping.

    Returns:
        the columns in the table's order, and (what, why) of each cell that was taken as unknown.

    Raises:
        ValueError: naming file, place and column.
    """
    declared.check_columns(table.factors, table.path)
    columns, skipped = [], []
    for k, name in enumerate(table.factors):
        cells = [row.cells[k] for row in table.rows]
        kind = declared.kind(name) or _guess(table, k)
        categories = tuple(declared.categories.get(name, ()))
        if kind == "categorical" and not categories:
            categories = tuple(sorted({cell for cell in cells if cell}, key=natural_key))
        value_of = _reader(name, kind, declared, categories)
        values = np.full(len(table.images), *((np.nan, np.float32) if kind == "decimal" else (UNKNOWN, np.int64)))
        for i, cell in enumerate(cells):
            try:
                if cell:
                    values[i] = value_of(cell)
            except ValueError as error:
                if not skip_bad:
                    raise ValueError(f"{_where(table, i, name)}: {error}") from None
                skipped.append((f"{table.path.name}, {table.rows[i].place}, column {name!r}", str(error)))
        columns.append(_column(name, kind, values, declared, categories))
    return columns, skipped


def _short(value: np.float32) -> float:
    """The number with the fewest figures that is stored as this one: 0.1, not 0.10000000149."""
    return float(str(value))


def _where(table: Table, row: int, name: str) -> str:
    return f"{table.path}, {table.rows[row].place}, column {name!r}"


def _guess(table: Table, k: int) -> str:
    """The kind of a column of which the config says nothing."""
    name = table.factors[k]
    known = [(i, row.cells[k]) for i, row in enumerate(table.rows) if row.cells[k]]
    numbers = [(i, cell) for i, cell in known if _NUMBER.fullmatch(cell)]
    words = [(i, cell) for i, cell in known if not _NUMBER.fullmatch(cell)]
    if numbers and words:
        # The fewer are the ones to look at.
        odd, usual = (words[0], numbers[0]) if len(words) <= len(numbers) else (numbers[0], words[0])
        raise ValueError(
            f"{_where(table, odd[0], name)}: expected a {'number' if odd in words else 'name'}, as {usual[1]!r} in "
            f"{table.rows[usual[0]].place}, or nothing where it is unknown. Received: {odd[1]!r}. If its values are "
            f'names, all of them, add "kinds": {{"{name}": "categorical"}} to the config.'
        )
    for i, cell in words:
        if _COMMA.fullmatch(cell):
            raise ValueError(
                f"{_where(table, i, name)}: expected a point in a decimal. Received: {cell!r}. If its values are "
                f'names, add "kinds": {{"{name}": "categorical"}} to the config.'
            )
    if words:
        return "categorical"
    if any(not cell.lstrip("+-").isdigit() for _, cell in numbers):
        return "decimal"
    for i, cell in numbers:
        if not _INTEGER.fullmatch(cell):
            raise ValueError(f"{_where(table, i, name)}: {_no_integer(name, cell)}")
    _check_gaps(table, name, [int(cell) for _, cell in numbers])
    return "integer"


def _check_gaps(table: Table, name: str, values: Sequence[int]) -> None:
    top, different = max(values, default=0), len(set(values))
    if top > _LARGE and different * _SPARSE <= top:
        raise ValueError(
            f"{table.path}, column {name!r}: expected values that count from 0. Received: {different} different ones "
            f"from {min(values)} to {top}. Say in the config what they are: "
            f'"kinds": {{"{name}": "categorical"}} (each is a value of its own), "kinds": {{"{name}": "decimal"}} '
            f'(a measure in that range) or "sizes": {{"{name}": {top + 1}}} (there are all values from 0 on).'
        )


def _no_integer(name: str, cell: str) -> str:
    text = f"expected an integer from 0 to 999999, or nothing where it is unknown. Received: {cell!r}."
    if _NUMBER.fullmatch(cell):
        return text + f' If it is a measure, add "kinds": {{"{name}": "decimal"}} to the config.'
    return text + f' If its values are names, add "kinds": {{"{name}": "categorical"}} to the config.'


def _integer(cell: str, name: str, size: int | None) -> int:
    if not _INTEGER.fullmatch(cell):
        raise ValueError(_no_integer(name, cell))
    if size is not None and int(cell) >= size:
        raise ValueError(f"expected 0 to {size - 1}, since sizes says {size} values. Received: {cell}.")
    return int(cell)


def _category(cell: str, categories: dict[str, int]) -> int:
    if cell not in categories:
        near = difflib.get_close_matches(cell, categories, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"expected one of the categories {list(categories)}. Received: {cell!r}.{hint}")
    if len(cell.splitlines()) > 1:
        raise ValueError(f"expected a name on one line. Received: {cell!r}.")
    return categories[cell]


def _decimal(cell: str, ends: Sequence[float] | None) -> np.float32:
    if not _NUMBER.fullmatch(cell):
        raise ValueError(f"expected a number like 0.5, or nothing where it is unknown. Received: {cell!r}.")
    with np.errstate(over="ignore"):
        value = np.float32(float(cell))
    if not np.isfinite(value):
        raise ValueError(f"expected a number that 32 bits can hold. Received: {cell}.")
    if ends is None:
        return value
    if not ends[0] <= float(cell) <= ends[1]:
        raise ValueError(f"expected {ends[0]} to {ends[1]}, since ranges says so. Received: {cell}.")
    # Rounding to 32 bits may step over an end.
    if float(value) > ends[1]:
        return np.nextafter(value, np.float32(-np.inf))
    return np.nextafter(value, np.float32(np.inf)) if float(value) < ends[0] else value


def _reader(name: str, kind: str, declared: Declared, categories: Sequence[str]) -> Callable[[str], Any]:
    """What turns a cell into its label, or raises ValueError."""
    if kind == "integer":
        return functools.partial(_integer, name=name, size=declared.sizes.get(name))
    if kind == "categorical":
        return functools.partial(_category, categories={c: i for i, c in enumerate(categories)})
    return functools.partial(_decimal, ends=declared.ranges.get(name))


def _column(name: str, kind: str, values: np.ndarray, declared: Declared, categories: tuple[str, ...]) -> Column:
    if kind == "categorical":
        return Column(name, kind, values, len(categories), categories)
    if kind == "integer":
        return Column(name, kind, values, declared.sizes.get(name, int(values.max(initial=0)) + 1))
    known = values[~np.isnan(values)]
    ends = declared.ranges.get(name, (_short(known.min()), _short(known.max())) if len(known) else (0, 0))
    return Column(name, kind, values, ends=(float(ends[0]), float(ends[1])))


def check_variation(table: Table, columns: Sequence[Column], declared: Declared, rows: Sequence[int]) -> None:
    """Raises ValueError for a column of one value only in `rows`, unless the config says which values there are."""
    for column in columns:
        known = column.values[rows][column.known[rows]]
        if declared.says_values(column.name) or len(np.unique(known)) > 1:
            continue
        if not len(known):
            what = "no value at all"
        else:
            what = f"only the value {column.categories[known[0]] if column.categories else known[0]}"
        lost = "" if len(rows) == len(table.images) else f" in the {len(rows)} images that are not skipped"
        say = {
            "integer": f'"sizes": {{"{column.name}": 2}}',
            "categorical": f'"categories": {{"{column.name}": ["one", "other"]}}',
            "decimal": f'"ranges": {{"{column.name}": [0, 1]}}',
        }[column.kind]
        raise ValueError(
            f"{table.path}, column {column.name!r}: {what}{lost}; a factor needs two or more. Remove the column, label "
            f"more images, or say in the config which values there are, for example {say}."
        )


def label_counts(column: Column, rows: Sequence[int]) -> collections.Counter:
    """{value: how many of `rows` have that label}."""
    return collections.Counter(column.values[rows][column.known[rows]].tolist())
