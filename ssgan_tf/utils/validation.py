"""Ranges of the numbers in Options: whatever is outside, NaN too, is said by the name of its field."""

import difflib
from typing import Any


def check_least(options: Any, least: int, *names: str) -> None:
    """Raises ValueError for a field of these that is below `least`."""
    for name in names:
        if not getattr(options, name) >= least:
            raise ValueError(f"{name}: expected {least} or more. Received: {getattr(options, name)}.")


def check_positive(options: Any, *names: str) -> None:
    """Raises ValueError for a field of these that is 0 or less."""
    for name in names:
        if not getattr(options, name) > 0:
            raise ValueError(f"{name}: expected a positive number. Received: {getattr(options, name)}.")


def check_decays(options: Any, *names: str) -> None:
    """Raises ValueError for a moment decay of these that Adam cannot have."""
    for name in names:
        if not 0 <= getattr(options, name) < 1:
            raise ValueError(f"{name}: expected a number in [0, 1). Received: {getattr(options, name)}.")


def choose(field: str, name: str, known: Any, whole: str = "") -> Any:
    """Returns known[name], or raises ValueError that lists what is known and the nearest of it."""
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{field}: expected one of {list(known)}. Received: {whole or name!r}.{hint}")
