"""Exports on disk: finds them, reads their codes.json, and describes their factors."""

import difflib
import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np


class Factor(NamedTuple):
    """Factor that one column of a code controls.

    Args:
        name: Name of the factor.
        size: Number of values, evenly spaced from 0 to 1, that the model was trained on.
        values: Names of the values; empty if they have none.
        range: Numbers that the codes 0 and 1 stand for; None if the factor is not a number.
    """

    name: str
    size: int
    values: tuple[str, ...] = ()
    range: tuple[float, float] | None = None

    @property
    def kind(self) -> str:
        """Kind of the factor: "number" (has a range), "choice" (has named values) or "steps" (ordered values)."""
        return "number" if self.range else "choice" if self.values else "steps"

    def text(self, code: float) -> str:
        """Returns the text for a code: the number it stands for, the name of the nearest value, or the code itself."""
        if self.range:
            low, high = self.range
            return f"{low + float(code) * (high - low):.4g}"
        if self.values:
            return self.values[round(min(max(float(code), 0.0), 1.0) * (self.size - 1))]
        return f"{float(code):.2f}"

    def resolve(self, value: float | str, before: np.ndarray) -> np.ndarray:
        """Returns the new codes [B] of this factor.

        Args:
            value: A code in [0, 1], the name of a value, or "+0.1" or "-0.1" to add. Names take precedence over
                numbers.
            before: Current codes [B].

        Raises:
            ValueError: If `value` is anything else.
        """
        if isinstance(value, str) and value in self.values:
            return np.full_like(before, self.values.index(value) / (self.size - 1))
        try:
            number = float(value)
        except (TypeError, ValueError):
            names = f"one of {', '.join(self.values)}, " if self.values else ""
            raise ValueError(
                f'{self.name}: expected {names}a number from 0 to 1, or "+0.1" to add. Received: {value!r}.'
                + _hint(value, self.values)
            ) from None
        relative = isinstance(value, str) and value.strip()[:1] in ("+", "-")
        return before + number if relative else np.full_like(before, number)


def find_column(factors: tuple[Factor, ...], name: str) -> int:
    """Returns the index of the code's column that controls the factor called `name`.

    Raises:
        ValueError: If there is no such factor.
    """
    names = [factor.name for factor in factors]
    if name in names:
        return names.index(name)
    raise ValueError(f"factor: expected one of {names}. Received: {name!r}.{_hint(name, names)}")


def _hint(received: Any, known) -> str:
    matches = difflib.get_close_matches(str(received), list(known), 1)
    return f" Did you mean {matches[0]!r}?" if matches else ""


def shipped_model() -> str:
    """Returns the folder of the model that comes with the package.

    Raises:
        FileNotFoundError: If this copy of the folder has no model.
    """
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "demo")
    if not os.path.isdir(folder):
        raise FileNotFoundError(
            f"This copy contains no model (expected {folder}). Pass the folder of an export, or create the model with "
            "tools/make_demo_model.py."
        )
    return folder


def find_export(path: str) -> str:
    """Returns the folder of the SavedModel in `path`: `path` itself, or its subfolder with the highest number.

    Raises:
        FileNotFoundError: If there is no SavedModel.
    """
    numbers = [n for n in os.listdir(path) if n.isdigit()] if os.path.isdir(path) else []
    for folder in [path, *(os.path.join(path, n) for n in sorted(numbers, key=int, reverse=True))]:
        if os.path.isfile(os.path.join(folder, "saved_model.pb")):
            return folder
    raise FileNotFoundError(f"Expected a folder written by `ssgan export`. Received: {path!r}.")


def read_card(folder: str) -> dict[str, Any]:
    """Returns an export's description: the contents of assets/codes.json.

    Raises:
        ValueError: If `folder` is another kind of SavedModel.
    """
    try:
        with open(os.path.join(folder, "assets", "codes.json"), encoding="utf-8") as file:
            card = json.load(file)
        if str(card["made_by"]).startswith("ssgan_tf"):
            return card
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise ValueError(f"Expected assets/codes.json written by `ssgan export`. Received: {folder!r}.")


def read_factors(card: Mapping[str, Any]) -> tuple[Factor, ...]:
    """Returns the factors of an export, in the order of the code's columns.

    Raises:
        ValueError: If an entry differs from what an export writes.
    """
    try:
        factors = _read_factors(card)
    except (KeyError, TypeError, ValueError, AttributeError):
        factors = ()
    names = {factor.name for factor in factors}
    valid = all(
        isinstance(f.name, str)
        and isinstance(f.size, int)
        and f.size >= 2
        and len(f.values) in (0, f.size)
        and (f.range is None or len(f.range) == 2)
        for f in factors
    )
    if not factors or not valid or len(names) < len(factors):
        raise ValueError(
            "codes.json: expected factors with different names, each with 2 or more values, and names for all of its "
            "values or for none. Received: something else; export the model again."
        )
    return factors


def _read_factors(card: Mapping[str, Any]) -> tuple[Factor, ...]:
    return tuple(
        Factor(f["name"], f["size"], tuple(f.get("values", ())), tuple(f["range"]) if "range" in f else None)
        for f in card["factors"]
    )
