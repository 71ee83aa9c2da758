"""Kinds of columns: each becomes a factor with names, integers or numbers, or is left out with a reason.

What can only be one thing is taken, and noted where it is not as it was written. What may be several things raises
`Ambiguous` with the option that settles it.
"""

import collections
import dataclasses
import re
import unicodedata
from collections.abc import Mapping, Sequence

from ssgan_tf.label.table import is_known
from ssgan_tf.new.labels.factor import NUMBER, Factor, LeftOut, as_names
from ssgan_tf.new.labels.formats import short
from ssgan_tf.new.labels.numeric import read_numbers, with_point, with_points
from ssgan_tf.new.labels.words import check_words, read_several

WORDS = ("names", "integers", "numbers", "several")


@dataclasses.dataclass(frozen=True)
class Reading:
    """Options of how cells are read.

    Args:
        values: {column: one of WORDS, "0..1", or "cube,ball"}: what the user says about columns.
        unknown: {column: cells that mean unknown}; the column "" stands for all.
        decimal: "comma" if 1,234 is a decimal, "point" if it is a thousand, "" to ask.
    """

    values: Mapping[str, str] = dataclasses.field(default_factory=dict)
    unknown: Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)
    decimal: str = ""


def read_column(name: str, cells: Sequence[str], reading: Reading, notes: list[str], kind: str = "") -> list[Factor]:
    """Returns the factors that a column becomes: one, or one for each label if its cells have several.

    Args:
        name: Name of the column.
        cells: Its cells.
        reading: Options of how they are read.
        notes: Receives sentences on what was not taken as it was written.
        kind: "names" or "signs" if the format of the table says so.

    Raises:
        Ambiguous: They may be read in several ways.
        LeftOut: They cannot be a factor.
        ValueError: They do not fit the options.
    """
    declared = reading.values.get(name, "")
    cells = _without_unknown(name, cells, reading, _names(declared), notes)
    if declared in ("", *WORDS):
        values = len({cell for cell in cells if cell})
        if values < 2:
            raise LeftOut("has no label" if not values else f"has only the value {short(max(cells))}")
    if declared == "several":
        return read_several(name, cells, notes)
    if declared not in ("", *WORDS):
        return [_declared(name, cells, declared, reading.decimal, notes)]
    if kind == "signs" or not declared and {cell for cell in cells if cell} == {"-1", "1"}:
        notes.append(f"column {name!r}: -1 is read as no, and 1 as yes.")
        return [as_names(name, [{"-1": "no"}.get(cell, cell and "yes") for cell in cells], ("no", "yes"))]
    cells = with_points(name, cells, reading.decimal, notes)
    known = [cell for cell in cells if cell]
    if declared != "names" and all(NUMBER.fullmatch(cell) for cell in known):
        return [read_numbers(name, cells, declared or kind, notes)]
    if declared in ("integers", "numbers"):
        odd = next(cell for cell in known if not NUMBER.fullmatch(cell))
        raise ValueError(f"values: expected {declared} in column {name!r}. Received: {short(odd)}.")
    if not declared:
        check_words(name, known)
    return [as_names(name, cells)]


def _names(declared: str) -> tuple[str, ...]:
    """Returns the names in a declaration such as "cube,ball"; none if it is a word or a range."""
    if declared in ("", *WORDS) or ".." in declared:
        return ()
    return tuple(_clean(value) for value in declared.split(","))


def _clean(cell: str) -> str:
    """Returns a cell on one line, with composed characters."""
    return " ".join(unicodedata.normalize("NFC", cell).split())


def _without_unknown(
    name: str, cells: Sequence[str], reading: Reading, declared: Sequence[str], notes: list[str]
) -> list[str]:
    """Returns the cells without spaces around them, "" where unknown; declared values are always known."""
    words = reading.unknown.get("", frozenset()) | reading.unknown.get(name, frozenset())
    result, dropped = [], collections.Counter[str]()
    for cell in map(_clean, cells):
        unknown = cell in words or not is_known(cell) and cell not in declared
        dropped[cell] += unknown and bool(cell)
        result.append("" if unknown else cell)
    if found := [f"{short(cell)} ({count})" for cell, count in dropped.items() if count]:
        notes.append(f"column {name!r}: {', '.join(found[:5])} counted as unknown.")
    return result


def _declared(name: str, cells: Sequence[str], declared: str, decimal: str, notes: list[str]) -> Factor:
    """Returns the factor with the values that the user gave."""
    if bounds := re.fullmatch(r"\s*(\S+?)\s*\.\.\s*(\S+)\s*", declared):
        if not all(map(NUMBER.fullmatch, bounds.groups())) or not float(bounds[1]) < float(bounds[2]):
            raise ValueError(f"values: expected a range from low to high for {name!r}. Received: {short(declared)}.")
        low, high = float(bounds[1]), float(bounds[2])
        cells = with_points(name, list(cells), decimal, notes)
        for cell in filter(None, cells):
            if not NUMBER.fullmatch(cell) or not low <= float(cell) <= high:
                raise ValueError(f"values: expected {declared} in column {name!r}. Received: {short(cell)}.")
        return Factor(name, "numbers", tuple(map(with_point, cells)), range=(low, high))
    values = _names(declared)
    if len(values) < 2 or len(set(values)) < len(values) or not all(values):
        raise ValueError(
            f"values: expected two or more different names, a range such as 0..1, or one of {', '.join(WORDS)} for "
            f"{name!r}. Received: {short(declared)}."
        )
    folded = collections.defaultdict(list)
    for value in values:
        folded[_fold(value)].append(value)
    result, changed = [], collections.Counter[str]()
    for cell in cells:
        near = [cell] if cell in values or not cell else folded.get(_fold(cell), [])
        if len(near) != 1:
            raise ValueError(
                f"values: expected one of {short(declared)} in column {name!r}. Received: {short(cell)}; add it to the "
                f"values, or --unknown={name}={cell[:20]}."
            )
        changed[f"{short(cell)} is {short(near[0])}"] += near[0] != cell
        result.append(near[0])
    notes += [f"column {name!r}: {text} ({count})." for text, count in changed.items() if count]
    return as_names(name, result, values)


def _fold(cell: str) -> str:
    """Returns a cell in lower case, whole numbers without their decimals."""
    return re.sub(r"^([+-]?[0-9]+)\.0*$", r"\1", cell.casefold())
