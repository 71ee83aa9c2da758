"""An export as it lies on disk, and what it says of its factors."""

import difflib
import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np


class Factor(NamedTuple):
    """What one column of a code is about.

    Its name; how many values between 0 and 1 it was trained on; their names, if they have any; and what 0 and 1 stand
    for, if it is a number.
    """

    name: str
    size: int
    values: tuple[str, ...] = ()
    range: tuple[float, float] | None = None

    @property
    def kind(self) -> str:
        """ "number" has a range, "choice" has named values, "steps" has `size` values in an order."""
        return "number" if self.range else "choice" if self.values else "steps"

    def text(self, code: float) -> str:
        """What a code is called: the nearest value's name, the number that it stands for, or itself."""
        if self.range:
            low, high = self.range
            return f"{low + float(code) * (high - low):.4g}"
        if self.values:
            return self.values[round(min(max(float(code), 0.0), 1.0) * (self.size - 1))]
        return f"{float(code):.2f}"

    def resolve(self, value: float | str, before: np.ndarray) -> np.ndarray:
        """The new codes [B] of this factor, which had the codes `before` [B].

        Args:
            value: a code in [0, 1]; the name of a value; or "+0.1" or "-0.1", to add. A name comes first, should it
                look like a number.

        Raises:
            ValueError: for anything else.
        """
        if isinstance(value, str) and value in self.values:
            return np.full_like(before, self.values.index(value) / (self.size - 1))
        try:
            number = float(value)
        except (TypeError, ValueError):
            names = f"one of {', '.join(self.values)}, " if self.values else ""
            raise ValueError(
                f'{self.name}: expected {names}a number from 0 to 1, or "+0.1" to add to it. Received: {value!r}.'
                + _hint(value, self.values)
            ) from None
        relative = isinstance(value, str) and value.strip()[:1] in ("+", "-")
        return before + number if relative else np.full_like(before, number)


def find_column(factors: tuple[Factor, ...], name: str) -> int:
    """Which column of a code is about the factor called `name`.

    Raises:
        ValueError: if none is.
    """
    names = [factor.name for factor in factors]
    if name in names:
        return names.index(name)
    raise ValueError(f"factor: expected one of {names}. Received: {name!r}.{_hint(name, names)}")


def _hint(received: Any, known) -> str:
    near = difflib.get_close_matches(str(received), list(known), 1)
    return f" Did you mean {near[0]!r}?" if near else ""


def shipped_model() -> str:
    """The folder of the model that comes with the package, for use without one of one's own.

    Raises:
        FileNotFoundError: if this copy has none.
    """
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "demo")
    if not os.path.isdir(folder):
        raise FileNotFoundError(
            f"No model comes with this copy (expected {folder}). Name the folder of an export, or make it with "
            "tools/make_demo_model."
        )
    return folder


def find_export(path: str) -> str:
    """The SavedModel in `path`: the folder itself, or the subfolder with the highest number.

    Raises:
        FileNotFoundError: if there is none.
    """
    numbers = [n for n in os.listdir(path) if n.isdigit()] if os.path.isdir(path) else []
    for folder in [path, *(os.path.join(path, n) for n in sorted(numbers, key=int, reverse=True))]:
        if os.path.isfile(os.path.join(folder, "saved_model.pb")):
            return folder
    raise FileNotFoundError(f"Expected a folder that `python -m ssgan_tf.export` wrote. Received: {path!r}.")


def read_card(folder: str) -> dict[str, Any]:
    """What an export says of itself: the contents of assets/codes.json.

    Raises:
        ValueError: if `folder` is another kind of SavedModel.
    """
    try:
        with open(os.path.join(folder, "assets", "codes.json"), encoding="utf-8") as file:
            card = json.load(file)
        if str(card["made_by"]).startswith("ssgan_tf"):
            return card
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise ValueError(f"Expected assets/codes.json as `python -m ssgan_tf.export` writes it. Received: {folder!r}.")


def read_factors(card: Mapping[str, Any]) -> tuple[Factor, ...]:
    """The factors of an export's codes, in the order of a code's columns.

    Raises:
        ValueError: if they are not what an export writes.
    """
    try:
        factors = _read_factors(card)
    except (KeyError, TypeError, ValueError, AttributeError):
        factors = ()
    names = {factor.name for factor in factors}
    good = all(
        isinstance(f.name, str)
        and isinstance(f.size, int)
        and f.size >= 2
        and len(f.values) in (0, f.size)
        and (f.range is None or len(f.range) == 2)
        for f in factors
    )
    if not factors or not good or len(names) < len(factors):
        raise ValueError(
            "codes.json: expected factors of different names, each with 2 values or more, and a name for every value "
            "or for none. Received: something else; export it again."
        )
    return factors


def _read_factors(card: Mapping[str, Any]) -> tuple[Factor, ...]:
    return tuple(
        Factor(f["name"], f["size"], tuple(f.get("values", ())), tuple(f["range"]) if "range" in f else None)
        for f in card["factors"]
    )
