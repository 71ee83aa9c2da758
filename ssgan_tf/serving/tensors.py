"""Converts the JSON value of one input, usually nested lists, to the array that a signature takes."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ssgan_tf.serving.errors import RequestError, abbreviate
from ssgan_tf.serving.images import decode_base64, decode_image, is_image

BYTES_SUFFIX = "_bytes"
"""Ending of the names of strings that are bytes; other strings are text, as in TensorFlow Serving."""

_MAX_RANK = 8  # of an input whose signature leaves the rank open
_JSON_TYPES = {
    bool: "true or false",
    int: "an integer",
    float: "a decimal number",
    str: "a string",
    dict: "an object",
    type(None): "null",
}


def is_base64(value: Any) -> bool:
    """Returns True if `value` is an object {"b64": ...}, JSON's form of bytes in TensorFlow Serving."""
    return isinstance(value, dict) and list(value) == ["b64"]


def to_array(name: str, value: Any, spec: tf.TensorSpec) -> np.ndarray:
    """Converts nested lists of numbers, strings or {"b64": ...} to an array with the type and shape of `spec`.

    Args:
        name: Name of the input, for error messages.
        value: Parsed JSON.
        spec: Type and shape of the input, batch first.

    Raises:
        RequestError: If the value does not fit the spec.
    """
    shape, leaves = _unnest(name, value)
    if spec.dtype != tf.string and leaves and all(map(is_base64, leaves)):
        return _to_images(name, shape, leaves, spec)
    known = spec.shape.rank is not None
    if not spec.shape.is_compatible_with(shape) or (len(shape) > _MAX_RANK and not known):
        wanted = f"shape {_format_shape(spec.shape)}" if known else f"at most {_MAX_RANK} dimensions"
        raise RequestError(400, f"{name}: expected {wanted}. Received: {_format_shape(shape)}.")
    convert = _to_bytes if spec.dtype == tf.string else _to_numbers
    return convert(name, leaves, spec.dtype).reshape(shape)


def _format_shape(shape: Sequence[int | None] | tf.TensorShape) -> str:
    sizes = ["any" if size is None else str(size) for size in list(shape)[:12]]
    if sizes and shape[0] is None:
        sizes[0] = "batch"
    return f"[{','.join(sizes)}{',...' if len(shape) > 12 else ''}]"


def _unnest(name: str, value: Any) -> tuple[list[int], list]:
    """Returns the shape of nested lists and their leaves in row-major order; iterative, so any depth is safe."""
    shape: list[int] = []
    level = [value]
    while True:
        kinds = set(map(type, level))
        if list not in kinds:
            return shape, level
        lengths = sorted(set(map(len, level))) if kinds == {list} else []
        if len(lengths) != 1:
            found = f"lengths {lengths[0]} to {lengths[-1]}" if lengths else "a mix of lists and values"
            raise RequestError(
                400,
                f"{name}: expected nested lists of equal length and depth. Received: {found} in dimension "
                f"{len(shape)}.",
            )
        shape += lengths
        level = list(itertools.chain.from_iterable(level))


def _to_numbers(name: str, leaves: list, dtype: tf.DType) -> np.ndarray:
    """Converts N leaves to an array [N] of a numeric type, or of bool."""
    if not (dtype.is_bool or dtype.is_integer or dtype.is_floating):
        raise RequestError(400, f"{name}: expected a type that JSON can express. Received: type {dtype.name}.")

    # Check the JSON types: NumPy would convert true to 1, and "1" to 1.0.
    types: set[type] = {bool} if dtype.is_bool else {int} if dtype.is_integer else {int, float}
    wanted = "true or false" if dtype.is_bool else "integers" if dtype.is_integer else "numbers"
    if not set(map(type, leaves)) <= types:
        wrong = next(leaf for leaf in leaves if type(leaf) not in types)
        received = f"{_JSON_TYPES[type(wrong)]}, {abbreviate(wrong)}"
        raise RequestError(400, f"{name}: expected {wanted}. Received: {received}.")

    # Convert, and check the range.
    if dtype.is_floating:
        return _to_floats(name, leaves, dtype)
    if dtype.is_integer and leaves and not dtype.min <= min(leaves) <= max(leaves) <= dtype.max:
        wanted = f"integers in [{dtype.min}, {dtype.max}]"
        raise RequestError(400, f"{name}: expected {wanted}. Received: {abbreviate(max(leaves, key=abs))}.")
    return np.array(leaves, dtype.as_numpy_dtype)


def _to_floats(name: str, leaves: list, dtype: tf.DType) -> np.ndarray:
    """Converts N numbers to an array [N] of a floating type; refuses numbers that overflow it."""
    with np.errstate(over="ignore"):
        array = np.array(leaves, np.float64).astype(dtype.as_numpy_dtype)
    if not np.isfinite(array).all():
        largest = abbreviate(max(leaves, key=abs))
        raise RequestError(400, f"{name}: expected numbers that {dtype.name} can hold. Received: {largest}.")
    return array


def _to_bytes(name: str, leaves: list, dtype: tf.DType = tf.string) -> np.ndarray:
    """Converts N leaves to an array [N] of bytes: text as UTF-8, {"b64": ...} decoded.

    An input is text unless its name ends in _bytes. Text that is not UTF-8 is refused here, because TensorFlow cannot
    quote it in an error.
    """
    result = np.empty(len(leaves), object)
    for i, leaf in enumerate(leaves):
        if is_base64(leaf):
            result[i] = _decode_leaf(name, leaf)
            if not (name.endswith(BYTES_SUFFIX) or _is_utf8(result[i])):
                raise RequestError(400, f"{name}: expected text in UTF-8. Received: {abbreviate(result[i])}.")
        elif isinstance(leaf, str):
            result[i] = leaf.encode()
        else:
            kind = _JSON_TYPES[type(leaf)]
            raise RequestError(400, f'{name}: expected strings, or {{"b64": ...}} for bytes. Received: {kind}.')
    return result


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _to_images(name: str, shape: list[int], leaves: list[dict], spec: tf.TensorSpec) -> np.ndarray:
    """Decodes B image files to an array [B,H,W,C]."""
    sizes = spec.shape.as_list() if spec.shape.rank is not None else []
    if not (spec.dtype == tf.float32 and is_image(name, sizes)):
        raise RequestError(400, f'{name}: expected numbers. Received: {{"b64": ...}}, which only images may be.')
    if len(shape) != 1:
        wanted = 'a list of {"b64": ...}, one for each row'
        raise RequestError(400, f"{name}: expected {wanted}. Received: shape {_format_shape(shape)}.")
    return np.stack([decode_image(name, _decode_leaf(name, leaf), sizes[1:]) for leaf in leaves])


def _decode_leaf(name: str, leaf: dict) -> bytes:
    if not isinstance(leaf["b64"], str):
        raise RequestError(400, f"{name}: expected base64 text. Received: {abbreviate(leaf['b64'])}.")
    return decode_base64(name, leaf["b64"])
