"""From a request's body to the arrays that a signature takes, or to the reason why not."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from ssgan_tf.serving.errors import RequestError, short
from ssgan_tf.serving.model import Arrays, Signature
from ssgan_tf.serving.images import NAMES
from ssgan_tf.serving.tensors import is_base64, to_array

DEFAULT_SIGNATURE = "serving_default"  # what TensorFlow Serving takes where a request names none
PNG = "png"
_KEYS = ("signature_name", "instances", "inputs", "image_format")


class Call(NamedTuple):
    """A question to the model.

    Args:
        signature: which.
        inputs: all of its inputs, batch first.
        rows: in the batch.
        weight: images that are computed, rows x steps for a signature with `steps`.
        column: asked with `inputs`, to be answered with `outputs`.
        png: pictures are wanted as PNG.
    """

    signature: str
    inputs: Arrays
    rows: int
    weight: int
    column: bool = False
    png: bool = False


def read_call(body: bytes, signatures: Mapping[str, Signature], max_batch: int) -> Call:
    """Reads the body of a `:predict` request.

    Raises:
        RequestError: 400 for whatever is wrong with it.
    """
    request = _read_json(body)
    if not isinstance(request, dict):
        raise RequestError(400, f"The body: expected a JSON object. Received: {short(request)}.")
    if strange := [key for key in request if key not in _KEYS]:
        keys = ", ".join(_KEYS)
        raise RequestError(400, f"The body: expected no other keys than {keys}. Received: {short(strange[0])}.")
    name = request.get("signature_name", DEFAULT_SIGNATURE)
    if not isinstance(name, str) or name not in signatures:
        raise RequestError(400, f"signature_name: expected one of {sorted(signatures)}. Received: {short(name)}.")
    signature = signatures[name]
    png = _read_image_format(request, name, signature)
    column = "inputs" in request
    if column == ("instances" in request):
        received = "both" if column else "neither"
        raise RequestError(400, f'The body: expected either "instances" or "inputs". Received: {received}.')
    read = _columns_of_inputs if column else _columns_of_instances
    columns = read(request["inputs" if column else "instances"], signature)
    inputs = {key: to_array(key, columns[key], spec) for key, spec in signature.inputs.items()}
    rows, weight = _measure(inputs, max_batch)
    return Call(name, inputs, rows, weight, column, png)


def _read_json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        hint = ""
        if re.search(rb"nan|inf", body[max(0, error.pos - 2) : error.pos + 8], re.IGNORECASE):
            hint = " JSON has neither NaN nor Infinity: send finite numbers."
        raise RequestError(400, f"The body: expected JSON in UTF-8. Received: {str(error)[:200]}.{hint}") from None


def _read_image_format(request: dict, name: str, signature: Signature) -> bool:
    if "image_format" not in request:
        return False
    if request["image_format"] != PNG:
        raise RequestError(400, f'image_format: expected "{PNG}" or none. Received: {short(request["image_format"])}.')
    if not set(NAMES) & set(signature.outputs):
        given = ", ".join(signature.outputs)
        raise RequestError(400, f"image_format: expected a signature that gives pictures. Received: {name}, {given}.")
    return True


def _columns_of_inputs(value: Any, signature: Signature) -> dict[str, Any]:
    """{input: nested lists} of the column form: an object, or the value itself where there is one input."""
    if isinstance(value, dict) and not (is_base64(value) and len(signature.inputs) == 1):
        _check_names("inputs", value, signature)
        return value
    if len(signature.inputs) == 1:
        return {next(iter(signature.inputs)): value}
    raise RequestError(400, f"inputs: expected an object with {sorted(signature.inputs)}. Received: {short(value)}.")


def _columns_of_instances(value: Any, signature: Signature) -> dict[str, Any]:
    """{input: list over the rows} of the row form: a list of objects, or of values where there is one input."""
    if not isinstance(value, list) or not value:
        raise RequestError(400, f"instances: expected a list of 1 row or more. Received: {short(value)}.")
    single = len(signature.inputs) == 1
    named = isinstance(value[0], dict) and not (is_base64(value[0]) and single)
    if not named and not single:
        names = sorted(signature.inputs)
        raise RequestError(400, f"instances[0]: expected an object with {names}. Received: {short(value[0])}.")
    for i, row in enumerate(value):
        if (isinstance(row, dict) and not (is_base64(row) and single)) != named:
            wanted = "an object, as the first is" if named else "a value, as the first is"
            raise RequestError(400, f"instances[{i}]: expected {wanted}. Received: {short(row)}.")
        if named:
            _check_names(f"instances[{i}]", row, signature)
    return {name: [row[name] if named else row for row in value] for name in signature.inputs}


def _check_names(place: str, value: dict, signature: Signature) -> None:
    if value.keys() != signature.inputs.keys():
        missing = sorted(signature.inputs.keys() - value.keys())
        extra = [short(key, 40) for key in value if key not in signature.inputs][:3]
        received = " and ".join(
            text for text in (missing and f"no {', '.join(missing)}", extra and f"besides {', '.join(extra)}") if text
        )
        raise RequestError(400, f"{place}: expected the inputs {sorted(signature.inputs)}. Received: {received}.")


def _measure(inputs: Arrays, max_batch: int) -> tuple[int, int]:
    """Rows, and rows x steps; both within the limit."""
    sizes = {name: array.shape[0] for name, array in inputs.items() if array.ndim}
    empty = [name for name, size in sizes.items() if size == 0]
    if empty:
        raise RequestError(400, f"{empty[0]}: expected 1 row or more. Received: 0.")
    rows = max(sizes.values(), default=1)
    steps = inputs.get("steps")
    each = max(1, int(steps.max())) if steps is not None and steps.dtype.kind in "iu" else 1
    if rows * each > max_batch:
        received = f"{rows} rows" + (f" of {each} steps" if each > 1 else "")
        raise RequestError(400, f"The batch: expected at most {max_batch} images at once. Received: {received}.")
    return rows, rows * each
