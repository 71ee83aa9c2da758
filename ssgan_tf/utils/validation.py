"""Checks of option values. Messages name the field, and range checks reject NaN too."""

import difflib
import os
import re
from typing import Any, TypeGuard

_LONGEST_PATH = 4095  # bytes, on Linux
_LONGEST_NAME = 255
_INSIDE = 250  # bytes that the names of files inside a folder may take


def is_integer(value: Any, least: int) -> TypeGuard[int]:
    """Returns whether a value, e.g. from a file, is an int of `least` or more. True and 1.0 are none."""
    return type(value) is int and value >= least


def check_least(options: Any, least: int, *names: str) -> None:
    """Raises ValueError if a named field of `options` is below `least`."""
    for name in names:
        if not getattr(options, name) >= least:
            raise ValueError(f"{name}: expected {least} or more. Received: {getattr(options, name)}.")


def check_most(options: Any, most: int, *names: str) -> None:
    """Raises ValueError if a named field of `options` is above `most`."""
    for name in names:
        if not getattr(options, name) <= most:
            raise ValueError(f"{name}: expected {most} or less. Received: {getattr(options, name)}.")


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


def check_path(argument: str, path: str) -> None:
    """Raises ValueError if `path` cannot be used as a folder of this machine to write in, wherever it points.

    Args:
        argument: Name of the argument, for the message.
        path: Absolute or relative path; it need not exist.
    """
    whole = len(path) < 300
    received = f"Received: {path!r}." if whole else f"Received: {path[:100]!r}... of {len(path):,} characters."
    if not path.strip():
        raise ValueError(f"{argument}: expected a folder. {received}")
    if "\0" in path:
        raise ValueError(f"{argument}: expected a path without the character '\\x00'. {received}")
    try:
        encoded = os.path.abspath(path).encode()
    except UnicodeEncodeError as error:
        character = error.object[error.start]
        raise ValueError(f"{argument}: expected a path in UTF-8, without the byte {character!r}. {received}") from None
    if scheme := re.match(r"\w+://", path):
        raise ValueError(f"{argument}: expected a folder of this machine, without {scheme[0]!r}. {received}")
    if len(encoded) > _LONGEST_PATH - _INSIDE or any(len(name) > _LONGEST_NAME for name in encoded.split(b"/")):
        raise ValueError(
            f"{argument}: expected a path of at most {_LONGEST_PATH - _INSIDE:,} bytes, with at most {_LONGEST_NAME} "
            f"between two slashes. {received}"
        )
