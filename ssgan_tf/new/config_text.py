"""Text of the config that `ssgan new` writes: short, with a comment where a reason is known."""

import dataclasses
import textwrap
from typing import Any

from ssgan_tf.config import Config
from ssgan_tf.new.advice import Advice

_WIDTH = 120
_ALWAYS = {"data.dataset", "data.held_out_labels", "model.network.resolution"}


def render(advice: Advice, head: str) -> str:
    """Returns the text of a Python file whose get_config() returns the advised config.

    Args:
        advice: The config with its reasons.
        head: Text of the docstring.
    """
    head = head.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    kind = type(advice.config.model).__name__
    body = "\n".join(_call(advice.config, "", 1, advice.reasons))
    return (
        f'"""{head}\n"""\n\n'
        "from ssgan_tf.config import Config, DataOptions, NetworkOptions, Phase, TrainOptions\n"
        f"from ssgan_tf.models import {kind}\n\n\n"
        f"def get_config() -> Config:\n    return {body.lstrip()}\n"
    )


def _call(value: Any, path: str, depth: int, reasons: dict[str, str]) -> list[str]:
    """Returns the lines of a call that makes a dataclass, with the fields that differ from their defaults."""
    indent = "    " * depth
    lines = [f"{indent}{type(value).__name__}("]
    for field in dataclasses.fields(value):
        name, own = f"{path}{field.name}", getattr(value, field.name)
        if own == field.default and name not in _ALWAYS and not isinstance(value, Config):
            continue
        if name in reasons:
            lines += textwrap.wrap(_sentence(reasons[name]), _WIDTH, initial_indent=f"{indent}    # ",
                                   subsequent_indent=f"{indent}    # ", break_on_hyphens=False)  # fmt: skip
        lines += _field(field.name, own, name, depth + 1, reasons)
    return [*lines, f"{indent})"]


def _field(name: str, value: Any, path: str, depth: int, reasons: dict[str, str]) -> list[str]:
    """Returns the lines of a keyword argument, with a comma."""
    indent = "    " * depth
    if dataclasses.is_dataclass(value):
        first, *rest = _call(value, f"{path}.", depth, reasons)
        return [f"{indent}{name}={first.lstrip()}", *rest[:-1], f"{rest[-1]},"]
    if isinstance(value, tuple):
        one_line = f"{indent}{name}=({', '.join(map(_literal, value))}{',' * (len(value) == 1)}),"
        if len(one_line) <= _WIDTH:
            return [one_line]
        lines = [line for item in value for line in _item(item, path, depth + 1)]
        return [f"{indent}{name}=(", *lines, f"{indent}),"]
    return [f"{indent}{name}={_literal(value)},"]


def _item(value: Any, path: str, depth: int) -> list[str]:
    """Returns the lines of an item of a tuple, with a comma."""
    one_line = f"{'    ' * depth}{_literal(value)},"
    if len(one_line) <= _WIDTH or not dataclasses.is_dataclass(value):
        return [one_line]
    *lines, last = _call(value, f"{path}.", depth, {})
    return [*lines, f"{last},"]


def _sentence(reason: str) -> str:
    return f"{reason[0].upper()}{reason[1:]}."


def _literal(value: Any) -> str:
    if dataclasses.is_dataclass(value):
        stated = [f for f in dataclasses.fields(value) if getattr(value, f.name) != f.default]
        parts = ", ".join(f"{f.name}={_literal(getattr(value, f.name))}" for f in stated)
        return f"{type(value).__name__}({parts})"
    if isinstance(value, int) and not isinstance(value, bool) and value >= 10_000:
        return f"{value:_}"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' if value.isprintable() else repr(value)
    return repr(value)
