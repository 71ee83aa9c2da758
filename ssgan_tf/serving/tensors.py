"""From the JSON of one input, nested lists, to the array that a signature takes, or to the reason why not."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ssgan_tf.serving.errors import RequestError, short
from ssgan_tf.serving.images import from_base64, is_picture, read_picture

_MOST_DIMENSIONS = 8  # of an input whose signature leaves them open
_JSON_TYPES = {
    bool: "true or false",
    int: "an integer",
    float: "a decimal number",
    str: "a string",
    dict: "an object",
    type(None): "null",
}


def is_base64(value: Any) -> bool:
    """Is it {"b64": ...}, which stands for bytes?"""
    return isinstance(value, dict) and list(value) == ["b64"]


def to_array(name: str, value: Any, spec: tf.TensorSpec) -> np.ndarray:
    """Nested lists of numbers, strings or {"b64": ...} -> an array of the type and shape that `spec` asks for.

    Args:
        name: of the input, for the message.
        value: as it was read from JSON.
        spec: type and shape, batch first.

    Raises:
        RequestError: if one does not fit the other.
    """
    shape, leaves = _unnest(name, value)
    if spec.dtype != tf.string and leaves and all(map(is_base64, leaves)):
        return _pictures(name, shape, leaves, spec)
    known = spec.shape.rank is not None
    if not spec.shape.is_compatible_with(shape) or (len(shape) > _MOST_DIMENSIONS and not known):
        wanted = f"shape {_written(spec.shape)}" if known else f"at most {_MOST_DIMENSIONS} dimensions"
        raise RequestError(400, f"{name}: expected {wanted}. Received: {_written(shape)}.")
    make = _strings if spec.dtype == tf.string else _numbers
    return make(name, leaves, spec.dtype).reshape(shape)


def _written(shape: Sequence[int | None] | tf.TensorShape) -> str:
    sizes = ["any" if size is None else str(size) for size in list(shape)[:12]]
    if sizes and shape[0] is None:
        sizes[0] = "batch"
    return f"[{','.join(sizes)}{',...' if len(shape) > 12 else ''}]"


def _unnest(name: str, value: Any) -> tuple[list[int], list]:
    """The shape of nested lists, and what lies in them, row by row; without recursion, whatever the depth."""
    shape: list[int] = []
    level = [value]
    while True:
        kinds = set(map(type, level))
        if list not in kinds:
            return shape, level
        lengths = sorted(set(map(len, level))) if kinds == {list} else []
        if len(lengths) != 1:
            found = f"lengths {lengths[0]} to {lengths[-1]}" if lengths else "lists and values side by side"
            raise RequestError(
                400, f"{name}: expected lists of one length and depth. Received: {found} in dimension {len(shape)}."
            )
        shape += lengths
        level = list(itertools.chain.from_iterable(level))


def _numbers(name: str, leaves: list, dtype: tf.DType) -> np.ndarray:
    """[N] of a type of numbers, or of bool."""
    types: set[type] = {bool} if dtype.is_bool else {int} if dtype.is_integer else {int, float}
    wanted = "true or false" if dtype.is_bool else "integers" if dtype.is_integer else "numbers"
    if not (dtype.is_bool or dtype.is_integer or dtype.is_floating):
        raise RequestError(400, f"{name}: expected a type that JSON has. Received: a signature with {dtype.name}.")
    if not set(map(type, leaves)) <= types:
        strange = next(leaf for leaf in leaves if type(leaf) not in types)
        raise RequestError(400, f"{name}: expected {wanted}. Received: {_JSON_TYPES[type(strange)]}, {short(strange)}.")
    if dtype.is_floating:
        return _decimals(name, leaves, dtype)
    if dtype.is_integer and leaves and not dtype.min <= min(leaves) <= max(leaves) <= dtype.max:
        wanted = f"integers in [{dtype.min}, {dtype.max}]"
        raise RequestError(400, f"{name}: expected {wanted}. Received: {short(max(leaves, key=abs))}.")
    return np.array(leaves, dtype.as_numpy_dtype)


def _decimals(name: str, leaves: list, dtype: tf.DType) -> np.ndarray:
    """[N] of a floating type; numbers that would become infinite in it are refused."""
    with np.errstate(over="ignore"):
        array = np.array(leaves, np.float64).astype(dtype.as_numpy_dtype)
    if not np.isfinite(array).all():
        largest = short(max(leaves, key=abs))
        raise RequestError(400, f"{name}: expected numbers that {dtype.name} can hold. Received: {largest}.")
    return array


def _strings(name: str, leaves: list, dtype: tf.DType = tf.string) -> np.ndarray:
    """[N] of bytes: text as UTF-8, {"b64": ...} as what it stands for."""
    result = np.empty(len(leaves), object)
    for i, leaf in enumerate(leaves):
        if is_base64(leaf):
            result[i] = _bytes(name, leaf)
        elif isinstance(leaf, str):
            result[i] = leaf.encode()
        else:
            kind = _JSON_TYPES[type(leaf)]
            raise RequestError(400, f'{name}: expected strings, or {{"b64": ...}} for bytes. Received: {kind}.')
    return result


def _pictures(name: str, shape: list[int], leaves: list[dict], spec: tf.TensorSpec) -> np.ndarray:
    """[B,H,W,C] of B files."""
    sizes = spec.shape.as_list() if spec.shape.rank is not None else []
    if not (spec.dtype == tf.float32 and is_picture(name, sizes)):
        raise RequestError(400, f'{name}: expected numbers. Received: {{"b64": ...}}, which an image alone may be.')
    if len(shape) != 1:
        wanted = 'a list of {"b64": ...}, one for each row'
        raise RequestError(400, f"{name}: expected {wanted}. Received: shape {_written(shape)}.")
    return np.stack([read_picture(name, _bytes(name, leaf), sizes[1:]) for leaf in leaves])


def _bytes(name: str, leaf: dict) -> bytes:
    if not isinstance(leaf["b64"], str):
        raise RequestError(400, f"{name}: expected base64 text. Received: {short(leaf['b64'])}.")
    return from_base64(name, leaf["b64"])
