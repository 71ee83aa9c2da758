"""Column declarations of the config: kinds, sizes, categories and ranges."""

import dataclasses
import difflib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

KINDS = ("integer", "categorical", "decimal")
# Each of these fields also determines the kind of its columns.
_IMPLIED = {"sizes": "integer", "categories": "categorical", "ranges": "decimal"}


@dataclasses.dataclass(frozen=True)
class Declared:
    """Config fields that describe columns, each a mapping from column name.

    Args:
        kinds: Kind of each column, one of `KINDS`.
        sizes: Number of values of each integer column.
        categories: Names of each categorical column's values, in order.
        ranges: [low, high] of each decimal column.
    """

    kinds: Mapping[str, str]
    sizes: Mapping[str, int]
    categories: Mapping[str, Sequence[str]]
    ranges: Mapping[str, Sequence[float]]

    def check(self) -> None:
        """Raises ValueError naming the field if one is malformed."""
        for field, example in (
            ("kinds", '{"column": "decimal"}'),
            ("sizes", '{"column": 36}'),
            ("categories", '{"column": ["small", "large"]}'),
            ("ranges", '{"column": [0, 360]}'),
        ):
            if not isinstance(getattr(self, field), dict):
                raise ValueError(f"{field}: expected {example}. Received: {getattr(self, field)!r}.")
        for name, kind in self.kinds.items():
            if kind not in KINDS:
                raise ValueError(f"kinds: expected one of {list(KINDS)} for {name!r}. Received: {kind!r}.")
        for name, size in self.sizes.items():
            if type(size) is not int or not 2 <= size <= 1_000_000:
                raise ValueError(f"sizes: expected at least 2 values for {name!r}. Received: {size!r}.")
        for name, categories in self.categories.items():
            if not _are_names(categories):
                raise ValueError(
                    f"categories: expected at least 2 different names for {name!r}. Received: {categories!r}."
                )
        for name, bounds in self.ranges.items():
            if not _is_range(bounds):
                raise ValueError(f"ranges: expected [low, high], low < high, for {name!r}. Received: {bounds!r}.")

    def check_columns(self, factors: Sequence[str], path: Path) -> None:
        """Raises ValueError if a column is not in the table `path` or is declared with two kinds."""
        for field in ("kinds", *_IMPLIED):
            for name in getattr(self, field):
                if name not in factors:
                    near = difflib.get_close_matches(name, factors, 1)
                    hint = f" Did you mean {near[0]!r}?" if near else ""
                    raise ValueError(f"{field}: expected columns of {path}: {list(factors)}. Received: {name!r}.{hint}")
                kind = _IMPLIED.get(field, self.kinds.get(name))
                if kind != self.kind(name):
                    raise ValueError(
                        f"{field}: says that column {name!r} is {kind}, while another field says {self.kind(name)}. "
                        "Keep one."
                    )

    def kind(self, name: str) -> str:
        """Returns the declared kind of a column, one of `KINDS`, or "" if there is none."""
        if name in self.kinds:
            return self.kinds[name]
        return next((kind for field, kind in _IMPLIED.items() if name in getattr(self, field)), "")

    def declares_values(self, name: str) -> bool:
        """Returns True if the config declares the column's possible values, independently of the labels."""
        return any(name in getattr(self, field) for field in _IMPLIED)


def _are_names(names: object) -> bool:
    if not isinstance(names, list) or len(names) < 2:
        return False
    texts = all(isinstance(n, str) and n == n.strip() and len(n.splitlines()) == 1 for n in names)
    return texts and len(set(names)) == len(names)


def _is_range(bounds: object) -> bool:
    if not isinstance(bounds, (list, tuple)) or len(bounds) != 2:
        return False
    return all(type(b) in (int, float) and math.isfinite(b) for b in bounds) and bounds[0] < bounds[1]
