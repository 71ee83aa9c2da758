"""Factors that the page asks for: a choice among values, or a number in a range."""

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping

from ssgan_tf.label.table import is_known, natural_key

MOST_VALUES = 50  # of a choice; a column with more is rather free text
_BINS = 5  # intervals in which the answers of a range are counted
_RANGE = re.compile(r"\s*(-?[0-9.]+)\s*\.\.\s*(-?[0-9.]+)\s*")
_EXAMPLE = "'shape=cube,ball,cylinder;size=0..1'"


@dataclasses.dataclass(frozen=True)
class Factor:
    """Factor that the page asks for.

    Args:
        name: Name of its column in the table.
        values: Values of a choice, in order; empty for a number.
        range: Smallest and largest value of a number; None for a choice.
    """

    name: str
    values: tuple[str, ...] = ()
    range: tuple[float, float] | None = None

    def cell(self, answer: object) -> str:
        """Returns the cell for an answer; raises ValueError if the answer is not a value of this factor."""
        if self.range is None:
            if answer in self.values:
                return str(answer)
            raise ValueError(f"{self.name}: expected one of {', '.join(self.values)}. Received: {str(answer)[:80]!r}.")
        try:
            number = float(str(answer))
        except ValueError:
            number = math.nan
        low, high = self.range
        if not low <= number <= high:
            raise ValueError(
                f"{self.name}: expected a number from {low:g} to {high:g}. Received: {str(answer)[:80]!r}."
            )
        # With a decimal point, so that labeled_folder takes the column for decimals.
        return repr(round(number, 6))

    @property
    def bins(self) -> tuple[str, ...]:
        """Names of the values, or of the intervals of a range, whose answers are counted."""
        if self.range is None:
            return self.values
        low, high = self.range
        ends = [f"{low + (high - low) * i / _BINS:.4g}" for i in range(_BINS + 1)]
        return tuple(f"{a} to {b}" for a, b in zip(ends[:-1], ends[1:], strict=True))

    def bin(self, cell: str) -> int:
        """Returns the index in `bins` of a cell; -1 if the cell is unknown or not a value of this factor."""
        if self.range is None:
            return self.values.index(cell) if cell in self.values else -1
        try:
            share = (float(cell) - self.range[0]) / (self.range[1] - self.range[0])
        except ValueError:
            return -1
        return min(int(share * _BINS), _BINS - 1) if 0 <= share <= 1 else -1


def read_factors(text: str, columns: Mapping[str, Mapping[str, str]]) -> tuple[Factor, ...]:
    """Returns the factors to ask for.

    Args:
        text: "shape=cube,ball;size=0..1;hue": values, a range, or only the name of a column, whose values are then
            those in the table. Empty: all columns of the table.
        columns: {column: {image: cell}} of the table.

    Raises:
        ValueError: The text or a column cannot be used; the message begins with "factors:".
    """
    parts = [part for part in text.split(";") if part.strip()] or list(columns)
    if not parts:
        raise ValueError(f"factors: expected what to ask for, such as {_EXAMPLE}, since the table has no column yet.")
    factors = tuple(_factor(part, columns) for part in parts)
    names = [factor.name for factor in factors]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"factors: expected every name once. Received: {twice[0]!r} twice.")
    return factors


def _factor(part: str, columns: Mapping[str, Mapping[str, str]]) -> Factor:
    name, equals, values = part.partition("=")
    name = name.strip()
    if not name or "/" in name or "," in name or name.casefold() == "image" or len(name.splitlines()) > 1:
        raise ValueError(f"factors: expected names and values such as {_EXAMPLE}. Received: {part[:80]!r}.")
    if not equals:
        return _from_column(name, columns.get(name, {}).values())
    factor = _declared(name, values)
    for image, cell in columns.get(name, {}).items():
        if is_known(cell) and factor.bin(cell) < 0:
            raise ValueError(
                f"factors: expected every value of column {name!r} in the table to be among {values.strip()!r}. "
                f"Received: {cell[:80]!r} for {image[:80]!r}; add it to the values, or empty that cell."
            )
    return factor


def _declared(name: str, text: str) -> Factor:
    if found := _RANGE.fullmatch(text):
        try:
            low, high = map(float, found.groups())
        except ValueError:
            low = high = 0.0
        if not low < high:
            raise ValueError(f"factors: expected a range from low to high for {name!r}. Received: {text[:80]!r}.")
        return Factor(name, range=(low, high))
    values = [value.strip() for value in text.split(",")]
    if len(values) < 2 or not all(map(is_known, values)) or len(set(values)) < len(values):
        raise ValueError(
            f"factors: expected two or more different values for {name!r}, such as cube,ball, or a range such as 0..1. "
            f"Received: {text[:80]!r}."
        )
    if len(values) > MOST_VALUES:
        raise ValueError(f"factors: expected at most {MOST_VALUES} values for {name!r}. Received: {len(values)}.")
    numbers = [_is_number(value) for value in values]
    if any(numbers) and not all(numbers):
        raise ValueError(
            f"factors: expected only names or only numbers for {name!r}, since a column with both cannot be read "
            f"later. Received: {text[:80]!r}."
        )
    return Factor(name, tuple(values))


def _from_column(name: str, cells: Iterable[str]) -> Factor:
    """Returns the factor that the cells of a column describe."""
    known = sorted({cell for cell in cells if is_known(cell)}, key=natural_key)
    advice = f"declare them: --factors='{name}=cube,ball' or '{name}=0..1'"
    if len(known) < 2:
        raise ValueError(f"factors: expected two or more values of {name!r} in the table; {advice}.")
    if all(cell.isascii() and cell.isdigit() for cell in known) and int(known[-1]) < MOST_VALUES:
        return Factor(name, tuple(str(value) for value in range(int(known[-1]) + 1)))
    if all(map(_is_number, known)) and not all(cell.lstrip("+-").isdigit() for cell in known):
        numbers = list(map(float, known))
        return Factor(name, range=(min(numbers), max(numbers)))
    if len(known) > MOST_VALUES:
        raise ValueError(
            f"factors: expected at most {MOST_VALUES} values of {name!r} in the table. Received: {len(known):,}. If it "
            "is not a factor, list the others: --factors=shape;hue"
        )
    return Factor(name, tuple(known))


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def declarations(factors: Iterable[Factor]) -> dict[str, dict]:
    """Returns the fields of labeled_folder's --config that declare the values, labelled or not."""
    factors = list(factors)
    names = {f.name: list(f.values) for f in factors if f.values and not all(map(_is_number, f.values))}
    ranges = {f.name: list(f.range) for f in factors if f.range}
    return {field: value for field, value in (("categories", names), ("ranges", ranges)) if value}
