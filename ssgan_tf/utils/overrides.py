"""Dataclasses of a config, field by field: changed by name, read from JSON, compared; every value's type is checked."""

import ast
import dataclasses
import types
import typing
from collections.abc import Iterator, Sequence
from typing import Any

from ssgan_tf.utils.validation import choose


def change(node: Any, settings: Sequence[str]) -> Any:
    """Applies settings such as "model.gamma_g=3" to a dataclass, all at once, and returns the new one.

    In a list of dataclasses a number picks one ("phases.0.batch=8") and a name goes to all ("phases.batch=8").

    Raises:
        ValueError: for an unknown field (with the nearest name), a value of the wrong type, or values that do not
            fit together.
    """
    changes: dict[Any, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise ValueError(f"set: expected name=value, e.g. model.gamma_g=3. Received: {setting!r}.")
        _put(changes, node, name.split("."), text, name)
    return _replace(node, changes)


def _put(changes: dict, node: Any, path: list[str], text: str, whole: str) -> None:
    """Writes the parsed `text` into the nested dict `changes` at `path`, which must exist in `node`."""
    if isinstance(node, tuple):
        for i in _picked(node, path[0], whole):
            _put(changes.setdefault(i, {}), node[i], path[1:] if path[0].isdigit() else path, text, whole)
        return
    hints = typing.get_type_hints(type(node))
    if not path:
        raise ValueError(f"set: {whole} is a group; set one of its fields: {list(hints)}.")
    hint = choose("set", path[0], hints, whole)
    value = getattr(node, path[0])
    if dataclasses.is_dataclass(value) or _item_of(hint):
        if len(path) == 1:
            names = list(typing.get_type_hints(_item_of(hint) or type(value)))
            raise ValueError(f"set: {whole} is a group; set one of its fields: {names}.")
        _put(changes.setdefault(path[0], {}), value, path[1:], text, whole)
    elif len(path) > 1:
        raise ValueError(f"set: {whole}: {path[0]!r} has no fields of its own.")
    else:
        changes[path[0]] = _parse(hint, text, f"set: {whole}")


def _picked(nodes: tuple, name: str, whole: str) -> Sequence[int]:
    """Which of `nodes` the part `name` of a path is about."""
    if not name.isdigit():
        return range(len(nodes))
    if int(name) >= len(nodes):
        raise ValueError(f"set: {whole}: expected a number from 0 to {len(nodes) - 1}. Received: {name}.")
    return [int(name)]


def _item_of(hint: Any) -> type | None:
    """The dataclass that a field of type `hint` is a list of; None for any other field."""
    item = typing.get_args(hint)[0] if typing.get_origin(hint) is tuple else None
    return item if dataclasses.is_dataclass(item) and isinstance(item, type) else None


def _replace(node: Any, changes: dict) -> Any:
    if isinstance(node, tuple):
        return tuple(_replace(item, changes.get(i, {})) for i, item in enumerate(node))
    new = {k: _replace(getattr(node, k), v) if isinstance(v, dict) else v for k, v in changes.items()}
    return dataclasses.replace(node, **new)


def _parse(hint: Any, text: str, field: str) -> Any:
    """Turns the text of a --set into a value of the field's type."""
    if hint is str:
        return text
    if typing.get_origin(hint) is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    try:
        value = ast.literal_eval(text.capitalize() if text in ("true", "false") else text)
    except (ValueError, SyntaxError):
        value = text
    return check(hint, value, field)


def check(hint: Any, value: Any, field: str) -> Any:
    """Returns `value` as the type of the field, or raises ValueError; 1e6 is an int where an int is expected."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if hint is float and number:
        return float(value)
    if hint is int and number and float(value).is_integer():
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
    raise ValueError(f"{field}: expected {expected}. Received: {value!r}.")


def from_dict(kind: type, value: dict[str, Any], path: str) -> Any:
    """Makes the dataclass `kind` of what `dataclasses.asdict` gave; `path` is its name in messages.

    Raises:
        ValueError: for an unknown field or a value of the wrong type.
    """
    if not isinstance(value, dict):
        raise ValueError(f"{path}: expected fields by name. Received: {value!r}.")
    hints = typing.get_type_hints(kind)
    new = {}
    for name, item in value.items():
        new[name] = check(choose(path, name, hints, f"{path}.{name}"), item, f"{path}.{name}")
    return kind(**new)


def differences(first: Any, second: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yields (dotted name, first's value, second's value) wherever two nests of dicts and lists differ."""
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
