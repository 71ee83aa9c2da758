"""Nested config dataclasses: change fields by dotted name, read them from JSON, compare them. Types are checked."""

import ast
import dataclasses
import reprlib
import sys
import types
import typing
from collections.abc import Iterator, Sequence
from typing import Any

from ssgan_tf.utils.validation import choose


def change(node: Any, settings: Sequence[str]) -> Any:
    """Returns a copy of a dataclass with all `settings`, such as "model.gamma_g=3", applied together.

    In a tuple of dataclasses, a number selects one ("phases.0.batch=8"); without it the setting applies to all
    ("phases.batch=8").

    Args:
        node: Dataclass, possibly nested.
        settings: Strings "name=value", with dots in the names of nested fields.

    Raises:
        ValueError: A field is unknown (the message suggests the nearest name), a value has the wrong type, or the
            values do not fit together.
    """
    changes: dict[Any, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise ValueError(f"set: expected name=value, e.g. model.gamma_g=3. Received: {setting!r}.")
        _put(changes, node, name.split("."), text, name)
    return _replace(node, changes)


def _put(changes: dict, node: Any, path: list[str], text: str, full_name: str) -> None:
    """Parses `text` and stores it in the nested dict `changes` at `path`, which must exist in `node`.

    Args:
        changes: Dict of changes for `node`, to be extended.
        node: Dataclass or tuple of dataclasses at this level.
        path: Rest of the dotted name.
        text: Text of the value.
        full_name: The dotted name, for messages.
    """
    if isinstance(node, tuple):
        for i in _selected(node, path[0], full_name):
            _put(changes.setdefault(i, {}), node[i], path[1:] if path[0].isdigit() else path, text, full_name)
        return
    hints = typing.get_type_hints(type(node))
    if not path:
        raise ValueError(f"set: {full_name} is a group; set one of its fields: {list(hints)}.")
    hint = choose("set", path[0], hints, full_name)
    value = getattr(node, path[0])
    if dataclasses.is_dataclass(value) or _item_of(hint):
        if len(path) == 1:
            names = list(typing.get_type_hints(_item_of(hint) or type(value)))
            raise ValueError(f"set: {full_name} is a group; set one of its fields: {names}.")
        _put(changes.setdefault(path[0], {}), value, path[1:], text, full_name)
    elif len(path) > 1:
        raise ValueError(f"set: {full_name}: {path[0]!r} has no fields of its own.")
    else:
        changes[path[0]] = _parse(hint, text, f"set: {full_name}")


def _selected(nodes: tuple, name: str, full_name: str) -> Sequence[int]:
    """Returns the indices of `nodes` that one part of a path selects: one index for a number, all for a field name."""
    if not name.isdigit():
        return range(len(nodes))
    if int(name) >= len(nodes):
        raise ValueError(f"set: {full_name}: expected a number from 0 to {len(nodes) - 1}. Received: {name}.")
    return [int(name)]


def _item_of(hint: Any) -> type | None:
    """Returns D for a field of type tuple[D, ...] with a dataclass D; None for any other type."""
    item = typing.get_args(hint)[0] if typing.get_origin(hint) is tuple else None
    return item if dataclasses.is_dataclass(item) and isinstance(item, type) else None


def _replace(node: Any, changes: dict) -> Any:
    """Returns `node` with the nested dict `changes` applied; every changed dataclass validates itself again."""
    if isinstance(node, tuple):
        return tuple(_replace(item, changes.get(i, {})) for i, item in enumerate(node))
    new = {k: _replace(getattr(node, k), v) if isinstance(v, dict) else v for k, v in changes.items()}
    return dataclasses.replace(node, **new)


def _parse(hint: Any, text: str, field: str) -> Any:
    """Parses the text of a setting as a value of the field's type."""
    if hint is str:
        return text
    if typing.get_origin(hint) is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    try:
        value = ast.literal_eval(text.capitalize() if text in ("true", "false") else text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):  # {[]: 1} and ((((... raise the others
        value = text
    return check(hint, value, field)


def check(hint: Any, value: Any, field: str) -> Any:
    """Returns `value` converted to the type of a field.

    Args:
        hint: Type of the field.
        value: Value from JSON, or parsed from text. An integral float such as 1e6 is accepted as an int. Numbers must
            be finite and fit into 64 bits.
        field: Name of the field, for messages.

    Raises:
        ValueError: The value has another type.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if hint is float and number and abs(value) <= sys.float_info.max:
        return float(value)
    if hint is int and number and abs(value) < 2**63 and int(value) == value:
        return int(value)
    if hint is bool and isinstance(value, bool):
        return value
    if hint is str and isinstance(value, str):
        return value
    if typing.get_origin(hint) is tuple and isinstance(value, list | tuple):
        return tuple(check(typing.get_args(hint)[0], item, f"{field}.{i}") for i, item in enumerate(value))
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return from_dict(hint, value, field)
    expected = getattr(hint, "__name__", str(hint)) if not isinstance(hint, types.UnionType) else str(hint)
    raise ValueError(f"{field}: expected {expected}. Received: {reprlib.repr(value)}.")


def from_dict(kind: type, value: Any, path: str) -> Any:
    """Rebuilds a dataclass from the dict that `dataclasses.asdict` made of it.

    Args:
        kind: Dataclass to make.
        value: {field: value}.
        path: Dotted name of the dataclass, for messages.

    Raises:
        ValueError: A field is unknown, or a value has the wrong type.
    """
    if not isinstance(value, dict):
        raise ValueError(f"{path}: expected a dict of fields. Received: {reprlib.repr(value)}.")
    hints = typing.get_type_hints(kind)
    new = {}
    for name, item in value.items():
        new[name] = check(choose(path, name, hints, f"{path}.{name}"), item, f"{path}.{name}")
    return kind(**new)


def differences(first: Any, second: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yields (dotted name, value in first, value in second) for each difference between two nested dicts.

    Lists of dicts with equal length are compared item by item, other lists as a whole.

    Args:
        first: Dict, or a value inside one.
        second: Dict or value to compare it with.
        path: Dotted name of both.
    """
    if isinstance(first, dict) and isinstance(second, dict):
        for name in {**first, **second}:
            yield from differences(first.get(name), second.get(name), f"{path}.{name}" if path else name)
    elif _are_dicts(first) and _are_dicts(second) and len(first) == len(second):
        for i, pair in enumerate(zip(first, second, strict=True)):
            yield from differences(*pair, f"{path}.{i}")
    elif first != second:
        yield path, first, second


def _are_dicts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, dict) for item in value)
