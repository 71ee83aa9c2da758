"""Grids of factors: the index of each image in a data set that has every combination of factor values once.

The index is a mixed-radix number: the first factor is the most significant digit, the last factor changes from one
image to the next.
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
        factors: Factor name -> number of values, most significant factor first.

    Raises:
        ValueError: if there are no factors, or a factor has no values.
    """

    factors: Mapping[str, int]

    def __post_init__(self):
        if not self.factors or min(self.factors.values()) < 1:
            raise ValueError(f"factors: expected names with at least 1 value each. Received: {dict(self.factors)}.")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.factors)

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(self.factors.values())

    @property
    def size(self) -> int:
        """Number of combinations."""
        return math.prod(self.sizes)

    @property
    def bases(self) -> dict[str, int]:
        """Index difference between two images whose values of a factor differ by one."""
        sizes = self.sizes
        return {name: math.prod(sizes[i + 1 :]) for i, name in enumerate(self.factors)}

    def index_of(self, values: Mapping[str, int]) -> int:
        """Returns the index of the image with these values.

        Raises:
            ValueError: if a factor is missing or unknown, or its value is out of range.
        """
        if set(values) != set(self.factors):
            raise ValueError(f"values: expected one of each of {list(self.factors)}. Received: {dict(values)}.")
        for name, value in values.items():
            if not 0 <= value < self.factors[name]:
                raise ValueError(f"{name}: expected a value from 0 to {self.factors[name] - 1}. Received: {value}.")
        return sum(base * values[name] for name, base in self.bases.items())

    def values_of(self, index: int) -> dict[str, int]:
        """Returns the factor values of image `index`.

        Raises:
            ValueError: if the index is out of range.
        """
        if not 0 <= index < self.size:
            raise ValueError(f"index: expected 0 to {self.size - 1}. Received: {index}.")
        values: dict[str, int] = {}
        for name, base in self.bases.items():
            values[name], index = divmod(index, base)
        return values

    def indices(self, first: Mapping[str, int] | None = None) -> np.ndarray:
        """Returns the image indices [n] in ascending order, restricted to the first values of the factors in `first`.

        Raises:
            ValueError: if `first` is invalid; see `part`.
        """
        wanted = np.indices(self.part(first or {}).sizes).reshape(len(self.factors), -1)
        return np.array(list(self.bases.values())) @ wanted

    def part(self, first: Mapping[str, int]) -> Grid:
        """Returns the grid in which each factor named in `first` has only that number of values.

        Raises:
            ValueError: if `first` has an unknown factor or a number out of range.
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
    """Checks that no file is missing or unexpected: readers that number sorted files would shift every label.

    Args:
        found: Names of the files that exist.
        expected: Names that must exist, in order.
        known: Names that may exist, a superset of `expected`.
        where: Folder or archive, for the error message.

    Raises:
        ValueError: with the number of missing and unexpected files, and the first name of each.
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
        f"Received: {'; '.join(parts)}. Labels are derived from the file numbers, so no file may be missing: unpack or "
        "download the archive again, and remove files that do not belong to it."
    )


def check_labels(labels: np.ndarray, grid: Grid, where: str) -> None:
    """Checks that a label table gives each image the factor values that follow from its index.

    Rows are images and columns are factors. Any numbers are accepted as long as they increase with the factor's value:
    the published tables hold value / (number of values - 1).

    Raises:
        ValueError: naming the first cell that contradicts the file order.
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
            f"{where}, column {column} ({name}): expected {reason}. The labels contradict the file order "
            f"{list(grid.factors)}: this is a different release, or the wrong table."
        )
