"""Exports on disk: finds them, reads their codes.json, and describes their factors."""

import difflib
import json
import math
import os
import reprlib
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeGuard

import numpy as np

# Entries of codes.json with text, and with whole numbers: the smallest and largest value.
_TEXTS = ("run", "model", "dataset")
_NUMBERS = {
    "images_trained": (0, 2**63),
    "resolution": (1, 2**14),
    "channels": (1, 3),
    "noise_size": (0, 2**20),
    "style_size": (0, 2**20),
    "style_layers": (0, 2**10),
}
_MAX_SIZE = 2**31 - 1  # values of a factor


class Factor(NamedTuple):
    """Factor that one column of a code controls.

    Args:
        name: Name of the factor.
        size: Number of values, evenly spaced from 0 to 1, that the model was trained on.
        values: Names of the values; empty if they have none.
        range: Numbers that the codes 0 and 1 stand for; None if the factor is not a number.
        warning: What is wrong with its slider, as measured before the export; empty if nothing is known.
    """

    name: str
    size: int
    values: tuple[str, ...] = ()
    range: tuple[float, float] | None = None
    warning: str = ""

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
        ValueError: If `folder` is another kind of SavedModel, or the file was damaged or edited.
    """
    path = os.path.join(folder, "assets", "codes.json")
    try:
        with open(path, "rb") as file:
            card = json.loads(file.read())
        _check_entries(card)
    except (OSError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:300].rstrip(".")
        raise ValueError(
            f"Expected assets/codes.json written by `ssgan export`. Received: {path!r}, which cannot be used "
            f"({reason}); export the model again."
        ) from error
    return card


def _check_entries(card: Any) -> None:
    """Raises ValueError if an entry has another type than an export writes; those of other versions may be missing."""
    made_by = card.get("made_by") if isinstance(card, dict) else None
    if not isinstance(made_by, str) or not made_by.startswith("ssgan_tf"):
        raise ValueError(f"made_by: expected ssgan_tf. Received: {reprlib.repr(made_by)}")
    for name in _TEXTS:
        if name in card and not _is_text(card[name]):
            raise ValueError(f"{name}: expected text. Received: {reprlib.repr(card[name])}")
    for name, (low, high) in _NUMBERS.items():
        value = card.get(name, low)
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"{name}: expected a whole number from {low} to {high}. Received: {reprlib.repr(value)}")


def read_factors(card: Mapping[str, Any]) -> tuple[Factor, ...]:
    """Returns the factors of an export, in the order of the code's columns.

    Raises:
        ValueError: If an entry differs from what an export writes.
    """
    entries = card.get("factors")
    found = list(map(_read_factor, entries)) if isinstance(entries, list) else []
    factors = tuple(factor for factor in found if factor)
    names = {factor.name for factor in factors}
    if not factors or len(names) < len(found):
        raise ValueError(
            "codes.json: expected factors with different names, each with 2 or more values, and names for all of its "
            f"values or for none. Received: {reprlib.repr(entries)}; export the model again."
        )
    return factors


def _read_factor(entry: Any) -> Factor | None:
    """Returns the factor that an entry of codes.json describes; None if it describes none."""
    if not isinstance(entry, dict):
        return None
    name, size, values, ends = entry.get("name"), entry.get("size"), entry.get("values", []), entry.get("range")
    if not _is_text(name) or type(size) is not int or not 2 <= size <= _MAX_SIZE:
        return None
    if not isinstance(values, list) or not all(map(_is_text, values)) or len(values) not in (0, size):
        return None
    warning = entry.get("warning", "")
    if not isinstance(warning, str) or (warning and not _is_text(warning)):
        return None
    if ends is None:
        return Factor(name, size, tuple(values), None, warning)
    if not isinstance(ends, list) or len(ends) != 2 or not all(map(_is_number, ends)) or not ends[0] < ends[1]:
        return None
    return Factor(name, size, tuple(values), (ends[0], ends[1]), warning)


def _is_text(value: Any) -> TypeGuard[str]:
    """Returns whether a value is text that can be printed; half of a surrogate pair cannot."""
    return isinstance(value, str) and value != "" and value == value.encode("utf-8", "replace").decode()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) < 2**63 and math.isfinite(value)
