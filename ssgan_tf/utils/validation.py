"""Checks of option values. Messages name the field, and range checks reject NaN too."""

import difflib
from typing import Any


def check_least(options: Any, least: int, *names: str) -> None:
    """Raises ValueError if a named field of `options` is below `least`."""
    for name in names:
        if not getattr(options, name) >= least:
            raise ValueError(f"{name}: expected {least} or more. Received: {getattr(options, name)}.")


def check_positive(options: Any, *names: str) -> None:
    """Raises ValueError if a named field of `options` is 0 or less."""
    for name in names:
        if not getattr(options, name) > 0:
            raise ValueError(f"{name}: expected a positive number. Received: {getattr(options, name)}.")


def check_decays(options: Any, *names: str) -> None:
    """Raises ValueError if a named field of `options` is outside [0, 1), the range of Adam's moment decays."""
    for name in names:
        if not 0 <= getattr(options, name) < 1:
            raise ValueError(f"{name}: expected a number in [0, 1). Received: {getattr(options, name)}.")


def choose(field: str, name: str, known: Any, received: str = "") -> Any:
    """Returns known[name].

    Args:
        field: Name of the field or argument, for the message.
        name: Key to look up.
        known: Mapping of all valid keys.
        received: Text to show in the message instead of `name`.

    Raises:
        ValueError: The key is unknown; the message lists the known ones and suggests the nearest.
    """
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{field}: expected one of {list(known)}. Received: {received or name!r}.{hint}")
