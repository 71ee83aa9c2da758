"""Turns the cells of a table into columns of labels: infers each column's kind and parses its cells."""

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
# An integer column with a label above _LARGE, and with labels for at most one in _SPARSE of its values, is more likely
# something else: years, degrees, part numbers.
_LARGE, _SPARSE = 99, 10


@dataclasses.dataclass(frozen=True, eq=False)
class Column:
    """Labels of one factor for all images.

    Args:
        name: Name of the column in the table.
        kind: "integer", "categorical" or "decimal".
        values: Labels [N] of the table's images: int64, -1 if unknown; for a decimal column float32, NaN if unknown.
        size: Number of possible values; 0 for a decimal column.
        categories: Names of the values; empty unless the column is categorical.
        bounds: (low, high) of a decimal column.
    """

    name: str
    kind: str
    values: np.ndarray
    size: int = 0
    categories: tuple[str, ...] = ()
    bounds: tuple[float, float] = (0.0, 0.0)

    @property
    def known(self) -> np.ndarray:
        """Mask bool [N] of the images with a label."""
        return ~np.isnan(self.values) if self.kind == "decimal" else self.values != UNKNOWN


def read_columns(table: Table, declared: Declared, skip_bad: bool) -> tuple[list[Column], list[tuple[str, str]]]:
    """Determines the kind of each column and parses its cells.

    Args:
        table: Table with the cells.
        declared: Column declarations of the config.
        skip_bad: If True, treats an invalid cell as unknown instead of raising.

    Returns:
        The columns in the table's order, and (place, reason) of each invalid cell that was treated as unknown.

    Raises:
        ValueError: naming the file, the place and the column.
    """
    declared.check_columns(table.factors, table.path)
    columns, skipped = [], []
    for k, name in enumerate(table.factors):
        cells = [row.cells[k] for row in table.rows]
        # Kind and possible values.
        kind = declared.kind(name) or _infer_kind(table, k)
        categories = tuple(declared.categories.get(name, ()))
        if kind == "categorical" and not categories:
            categories = tuple(sorted({cell for cell in cells if cell}, key=natural_key))
        parse = _parser(name, kind, declared, categories)
        # Labels; images without a row keep the fill value.
        values = np.full(len(table.images), *((np.nan, np.float32) if kind == "decimal" else (UNKNOWN, np.int64)))
        for i, cell in enumerate(cells):
            try:
                if cell:
                    values[i] = parse(cell)
            except ValueError as error:
                if not skip_bad:
                    raise ValueError(f"{_where(table, i, name)}: {error}") from None
                skipped.append((f"{table.path.name}, {table.rows[i].place}, column {name!r}", str(error)))
        columns.append(_column(name, kind, values, declared, categories))
    return columns, skipped


def _shortest(value: np.float32) -> float:
    """Returns the decimal number with the fewest digits that float32 stores as `value`: 0.1, not 0.10000000149."""
    return float(str(value))


def _where(table: Table, row: int, name: str) -> str:
    return f"{table.path}, {table.rows[row].place}, column {name!r}"


def _infer_kind(table: Table, k: int) -> str:
    """Infers the kind of column `k` from its cells, if the config does not declare it."""
    name = table.factors[k]
    known = [(i, row.cells[k]) for i, row in enumerate(table.rows) if row.cells[k]]
    numbers = [(i, cell) for i, cell in known if _NUMBER.fullmatch(cell)]
    words = [(i, cell) for i, cell in known if not _NUMBER.fullmatch(cell)]
    # Mixed columns must be declared.
    if numbers and words:
        # The rarer ones are more likely to be the mistake.
        odd, usual = (words[0], numbers[0]) if len(words) <= len(numbers) else (numbers[0], words[0])
        raise ValueError(
            f"{_where(table, odd[0], name)}: expected a {'number' if odd in words else 'name'} like {usual[1]!r} in "
            f"{table.rows[usual[0]].place}, or an empty cell for an unknown value. Received: {odd[1]!r}. If all "
            f'values of the column are names, add "kinds": {{"{name}": "categorical"}} to the config.'
        )
    # Words. A decimal comma is more likely a mistake.
    for i, cell in words:
        if _COMMA.fullmatch(cell):
            raise ValueError(
                f"{_where(table, i, name)}: expected a decimal point instead of a comma. Received: {cell!r}. If "
                f'the values are names, add "kinds": {{"{name}": "categorical"}} to the config.'
            )
    if words:
        return "categorical"
    # Numbers.
    if any(not cell.lstrip("+-").isdigit() for _, cell in numbers):
        return "decimal"
    for i, cell in numbers:
        if not _INTEGER.fullmatch(cell):
            raise ValueError(f"{_where(table, i, name)}: {_integer_error(name, cell)}")
    _check_gaps(table, name, [int(cell) for _, cell in numbers])
    return "integer"


def _check_gaps(table: Table, name: str, values: Sequence[int]) -> None:
    top, different = max(values, default=0), len(set(values))
    if top > _LARGE and different * _SPARSE <= top:
        raise ValueError(
            f"{table.path}, column {name!r}: expected integers that count from 0. Received: {different} different "
            f"values from {min(values)} to {top}. Declare in the config what they are: "
            f'"kinds": {{"{name}": "categorical"}} (each is a separate category), "kinds": {{"{name}": "decimal"}} '
            f'(a quantity in that range) or "sizes": {{"{name}": {top + 1}}} (all integers from 0 on are possible).'
        )


def _integer_error(name: str, cell: str) -> str:
    text = f"expected an integer from 0 to 999999, or an empty cell for an unknown value. Received: {cell!r}."
    if _NUMBER.fullmatch(cell):
        return text + f' If it is a quantity, add "kinds": {{"{name}": "decimal"}} to the config.'
    return text + f' If the values are names, add "kinds": {{"{name}": "categorical"}} to the config.'


def _integer(cell: str, name: str, size: int | None) -> int:
    if not _INTEGER.fullmatch(cell):
        raise ValueError(_integer_error(name, cell))
    if size is not None and int(cell) >= size:
        raise ValueError(f"expected 0 to {size - 1}, since sizes declares {size} values. Received: {cell}.")
    return int(cell)


def _category(cell: str, categories: dict[str, int]) -> int:
    if cell not in categories:
        near = difflib.get_close_matches(cell, categories, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"expected one of the categories {list(categories)}. Received: {cell!r}.{hint}")
    if len(cell.splitlines()) > 1:
        raise ValueError(f"expected a name on one line. Received: {cell!r}.")
    return categories[cell]


def _decimal(cell: str, bounds: Sequence[float] | None) -> np.float32:
    if not _NUMBER.fullmatch(cell):
        raise ValueError(f"expected a number like 0.5, or an empty cell for an unknown value. Received: {cell!r}.")
    with np.errstate(over="ignore"):
        value = np.float32(float(cell))
    if not np.isfinite(value):
        raise ValueError(f"expected a number that fits into 32 bits. Received: {cell}.")
    if bounds is None:
        return value
    if not bounds[0] <= float(cell) <= bounds[1]:
        raise ValueError(f"expected {bounds[0]} to {bounds[1]}, as declared in ranges. Received: {cell}.")
    # Rounding to 32 bits may leave the range.
    if float(value) > bounds[1]:
        return np.nextafter(value, np.float32(-np.inf))
    return np.nextafter(value, np.float32(np.inf)) if float(value) < bounds[0] else value


def _parser(name: str, kind: str, declared: Declared, categories: Sequence[str]) -> Callable[[str], Any]:
    """Returns the function that turns a cell into its label or raises ValueError."""
    if kind == "integer":
        return functools.partial(_integer, name=name, size=declared.sizes.get(name))
    if kind == "categorical":
        return functools.partial(_category, categories={c: i for i, c in enumerate(categories)})
    return functools.partial(_decimal, bounds=declared.ranges.get(name))


def _column(name: str, kind: str, values: np.ndarray, declared: Declared, categories: tuple[str, ...]) -> Column:
    if kind == "categorical":
        return Column(name, kind, values, len(categories), categories)
    if kind == "integer":
        return Column(name, kind, values, declared.sizes.get(name, int(values.max(initial=0)) + 1))
    known = values[~np.isnan(values)]
    bounds = declared.ranges.get(name, (_shortest(known.min()), _shortest(known.max())) if len(known) else (0, 0))
    return Column(name, kind, values, bounds=(float(bounds[0]), float(bounds[1])))


def check_variation(table: Table, columns: Sequence[Column], declared: Declared, rows: Sequence[int]) -> None:
    """Raises ValueError if a column has fewer than two values in `rows` and the config does not declare its values."""
    for column in columns:
        known = column.values[rows][column.known[rows]]
        if declared.declares_values(column.name) or len(np.unique(known)) > 1:
            continue
        if not len(known):
            what = "no value at all"
        else:
            what = f"only the value {column.categories[known[0]] if column.categories else known[0]}"
        lost = "" if len(rows) == len(table.images) else f" in the {len(rows)} images that are not skipped"
        example = {
            "integer": f'"sizes": {{"{column.name}": 2}}',
            "categorical": f'"categories": {{"{column.name}": ["one", "other"]}}',
            "decimal": f'"ranges": {{"{column.name}": [0, 1]}}',
        }[column.kind]
        raise ValueError(
            f"{table.path}, column {column.name!r}: {what}{lost}; a factor needs at least two. Remove the column, "
            f"label more images, or declare the possible values in the config, for example {example}."
        )


def label_counts(column: Column, rows: Sequence[int]) -> collections.Counter:
    """Returns {value: number of `rows` with that label}."""
    return collections.Counter(column.values[rows][column.known[rows]].tolist())
