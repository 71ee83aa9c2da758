"""What the config says about columns: their kinds, sizes, categories and ranges."""

import dataclasses
import difflib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

KINDS = ("integer", "categorical", "decimal")
# A field that says more about a column says of which kind it is, too.
_IMPLIED = {"sizes": "integer", "categories": "categorical", "ranges": "decimal"}


@dataclasses.dataclass(frozen=True)
class Declared:
    """The fields of the config that speak of columns, each {column: ...}.

    Args:
        kinds: one of `KINDS`.
        sizes: how many values an integer column has.
        categories: the names of a categorical column's values, in their order.
        ranges: [low, high] of a decimal column.
    """

    kinds: Mapping[str, str]
    sizes: Mapping[str, int]
    categories: Mapping[str, Sequence[str]]
    ranges: Mapping[str, Sequence[float]]

    def check(self) -> None:
        """Raises ValueError, naming the field, for what is no such mapping."""
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
                raise ValueError(f"sizes: expected 2 values or more for {name!r}. Received: {size!r}.")
        for name, categories in self.categories.items():
            if not _are_names(categories):
                raise ValueError(
                    f"categories: expected 2 different names or more for {name!r}. Received: {categories!r}."
                )
        for name, ends in self.ranges.items():
            if not _is_range(ends):
                raise ValueError(f"ranges: expected [low, high], low < high, for {name!r}. Received: {ends!r}.")

    def check_columns(self, factors: Sequence[str], path: Path) -> None:
        """Raises ValueError for a column that the table `path` does not have, or of two kinds."""
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
        """One of `KINDS`, or "" where nothing is said."""
        if name in self.kinds:
            return self.kinds[name]
        return next((kind for field, kind in _IMPLIED.items() if name in getattr(self, field)), "")

    def says_values(self, name: str) -> bool:
        """Is it said which values the column can take, whatever was labelled?"""
        return any(name in getattr(self, field) for field in _IMPLIED)


def _are_names(names: object) -> bool:
    if not isinstance(names, list) or len(names) < 2:
        return False
    texts = all(isinstance(n, str) and n == n.strip() and len(n.splitlines()) == 1 for n in names)
    return texts and len(set(names)) == len(names)


def _is_range(ends: object) -> bool:
    numbers = isinstance(ends, (list, tuple)) and len(ends) == 2 and all(type(e) in (int, float) for e in ends)
    return numbers and all(map(math.isfinite, ends)) and ends[0] < ends[1]  # type: ignore[index,call-overload,arg-type]
