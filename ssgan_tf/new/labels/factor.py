"""Factors that columns become, and the reasons why one does not."""

import collections
import dataclasses
import re
from collections.abc import Sequence

from ssgan_tf.label.table import natural_key

NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)


@dataclasses.dataclass(frozen=True)
class Factor:
    """Column that becomes a slider.

    Args:
        name: Name of the factor.
        kind: "names", "integers" or "numbers".
        cells: Cells as labeled_folder reads them, "" where unknown.
        values: Names of the values in order, if `kind` is "names".
        size: Number of values from 0 on, if `kind` is "integers".
        range: Smallest and largest value, if `kind` is "numbers".
        in_order: Whether the order of the names is known, and not only alphabetical.
    """

    name: str
    kind: str
    cells: tuple[str, ...]
    values: tuple[str, ...] = ()
    size: int = 0
    range: tuple[float, float] = (0.0, 0.0)
    in_order: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """{value: number of its labels} in the order of the values."""
        found = collections.Counter(cell for cell in self.cells if cell)
        if self.kind == "names":
            return {value: found[value] for value in self.values}
        return {cell: found[cell] for cell in sorted(found, key=float)}


class Ambiguous(ValueError):
    """Column that may be read in several ways.

    Args:
        kind: Kind of the question, so that columns with the same one are asked for together.
        column: Name of the column.
        sentence: What was found, and the options that settle it, with {} for the column's name.
    """

    def __init__(self, kind: str, column: str, sentence: str):
        super().__init__(sentence.replace("{}", column))
        self.kind, self.column, self.sentence = kind, column, sentence


class LeftOut(Exception):
    """Column that cannot be a factor; the message says why."""


def as_names(name: str, cells: Sequence[str], values: Sequence[str] = ()) -> Factor:
    """Returns a factor with names; by default those in the cells, numbers by value and others by the alphabet."""
    known = {cell for cell in cells if cell}
    numeric = all(map(NUMBER.fullmatch, known))
    ordered = sorted(known, key=float) if numeric else sorted(known, key=natural_key)
    in_order = bool(values) or numeric or len(ordered) < 3
    return Factor(name, "names", tuple(cells), tuple(values or ordered), in_order=in_order)
