"""Grids of factors: which picture stands where, when every combination of values is there once.

Pictures are numbered like the figures of a number whose digits have different bases: the first factor is the most
significant one, the last factor changes from each picture to the next.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class Grid:
    """Every combination of the factors' values.

    Args:
        factors: name -> number of values, the most significant factor first.

    Raises:
        ValueError: if there is no factor, or one without values.
    """

    factors: Mapping[str, int]

    def __post_init__(self):
        if not self.factors or min(self.factors.values()) < 1:
            raise ValueError(f"factors: expected names with 1 value or more each. Received: {dict(self.factors)}.")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.factors)

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(self.factors.values())

    @property
    def size(self) -> int:
        """How many combinations there are."""
        return math.prod(self.sizes)

    @property
    def bases(self) -> dict[str, int]:
        """How far apart two pictures stand that differ by one in a factor's value."""
        sizes = self.sizes
        return {name: math.prod(sizes[i + 1 :]) for i, name in enumerate(self.factors)}

    def index_of(self, values: Mapping[str, int]) -> int:
        """Number of the picture with these values.

        Raises:
            ValueError: if a factor is missing, unknown, or its value out of range.
        """
        if set(values) != set(self.factors):
            raise ValueError(f"values: expected one of each of {list(self.factors)}. Received: {dict(values)}.")
        for name, value in values.items():
            if not 0 <= value < self.factors[name]:
                raise ValueError(f"{name}: expected a value from 0 to {self.factors[name] - 1}. Received: {value}.")
        return sum(base * values[name] for name, base in self.bases.items())

    def values_of(self, index: int) -> dict[str, int]:
        """The values of picture number `index`.

        Raises:
            ValueError: if there is no such picture.
        """
        if not 0 <= index < self.size:
            raise ValueError(f"index: expected 0 to {self.size - 1}. Received: {index}.")
        values: dict[str, int] = {}
        for name, base in self.bases.items():
            values[name], index = divmod(index, base)
        return values

    def indices(self, first: Mapping[str, int] | None = None) -> np.ndarray:
        """Numbers of the pictures [n], ascending; of those alone whose values are below `first`, for its factors.

        Raises:
            ValueError: as `part`.
        """
        wanted = np.indices(self.part(first or {}).sizes).reshape(len(self.factors), -1)
        return np.array(list(self.bases.values())) @ wanted

    def part(self, first: Mapping[str, int]) -> Grid:
        """The grid that is left when each factor named in `first` has its first values only.

        Raises:
            ValueError: naming what is wrong with `first`.
        """
        for name, count in first.items():
            if name not in self.factors:
                near = difflib.get_close_matches(name, self.factors, 1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise ValueError(f"first: expected names among {list(self.factors)}. Received: {name!r}.{hint}")
            if type(count) is not int or not 1 <= count <= self.factors[name]:
                raise ValueError(f"first[{name!r}]: expected 1 to {self.factors[name]}. Received: {count!r}.")
        return Grid({name: first.get(name, size) for name, size in self.factors.items()})


def check_names(found: Collection[str], expected: Sequence[str], known: Collection[str], where: str) -> None:
    """Raises if a file is missing or too many: readers that number files in sorted order would shift every label.

    Args:
        found: names of the files that are there.
        expected: names that must be there, in order.
        known: names that may be there, a superset of `expected`.
        where: folder or archive, for the message.

    Raises:
        ValueError: with how many are missing and unexpected, and the first name of each.
    """
    present, allowed = set(found), set(known)
    missing = [name for name in expected if name not in present]
    unexpected = sorted(name for name in present if name not in allowed)
    if not missing and not unexpected:
        return
    parts = [
        f"{len(names):,} {kind}, the first {names[0]!r}"
        for kind, names in (("missing", missing), ("unexpected", unexpected))
        if names
    ]
    raise ValueError(
        f"{where}: expected {len(expected):,} files, {expected[0]!r} to {expected[-1]!r}. "
        f"Received: {'; '.join(parts)}. Labels follow from the files' numbers, so that none may be wanting: unpack or "
        "download the archive again, and take away what is not of it."
    )


def check_labels(labels: np.ndarray, grid: Grid, where: str) -> None:
    """Raises unless a table of labels says of every picture what its number says.

    A row is a picture, a column a factor. The values themselves are free, as long as they rise with the factor's:
    the published tables hold value / (number of values - 1).

    Raises:
        ValueError: naming the first cell that contradicts.
    """
    shape = (grid.size, len(grid.factors))
    if labels.shape != shape or labels.dtype.kind not in "fiu":
        raise ValueError(f"{where}: expected numbers {list(shape)}. Received: {labels.dtype} {list(labels.shape)}.")
    for column, (name, size) in enumerate(grid.factors.items()):
        values = labels[:, column]
        expected = np.arange(grid.size) // grid.bases[name] % size
        levels = values[np.arange(size) * grid.bases[name]]  # all other factors at 0
        if np.all(np.diff(levels) > 0) and np.array_equal(values, levels[expected]):
            continue
        reason = f"values that rise in the rows 0, {grid.bases[name]}, ... Received: {levels.tolist()}"
        if np.all(np.diff(levels) > 0):
            row = int(np.argmax(values != levels[expected]))
            reason = f"{levels[expected[row]]} in row {row} (counted from 0). Received: {values[row]}"
        raise ValueError(
            f"{where}, column {column} ({name}): expected {reason}. The labels contradict the order "
            f"{list(grid.factors)} of the files: this is another release, or the wrong table."
        )
