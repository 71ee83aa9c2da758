"""Parses the body of a `:predict` request into the arrays that a signature takes."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import orjson

from ssgan_tf.serving.errors import RequestError, abbreviate
from ssgan_tf.serving.images import IMAGE_NAMES
from ssgan_tf.serving.model import Arrays, Signature
from ssgan_tf.serving.tensors import is_base64, to_array

DEFAULT_SIGNATURE = "serving_default"  # TensorFlow Serving's default for a request that names no signature
PNG = "png"
_KEYS = ("signature_name", "instances", "inputs", "image_format")


@dataclasses.dataclass(frozen=True, eq=False)  # == of arrays is no single bool
class PredictRequest:
    """A request to compute one signature.

    Args:
        signature: Name of the signature.
        inputs: All of its inputs, batch first.
        rows: Number of rows in the batch.
        cost: Number of images to compute: rows, or rows x steps for a signature with `steps`.
        columnar: True if the request has `inputs` and the response `outputs`; False for `instances` and
            `predictions`.
        png: True if output images are to be PNG files.
    """

    signature: str
    inputs: Arrays
    rows: int
    cost: int
    columnar: bool = False
    png: bool = False


def parse_request(body: bytes | bytearray, signatures: Mapping[str, Signature], max_batch: int) -> PredictRequest:
    """Parses the body of a `:predict` request.

    Args:
        body: JSON in UTF-8.
        signatures: Signatures of the model, by name.
        max_batch: Maximum number of images in one request.

    Raises:
        RequestError: 400 if anything about the body is wrong.
    """
    # Validate the keys.
    request = _parse_json(body)
    if not isinstance(request, dict):
        raise RequestError(400, f"The body: expected a JSON object. Received: {abbreviate(request)}.")
    if unknown := [key for key in request if key not in _KEYS]:
        keys = ", ".join(_KEYS)
        raise RequestError(400, f"The body: expected no keys other than {keys}. Received: {abbreviate(unknown[0])}.")

    # Find the signature.
    name = request.get("signature_name", DEFAULT_SIGNATURE)
    if not isinstance(name, str) or name not in signatures:
        raise RequestError(400, f"signature_name: expected one of {sorted(signatures)}. Received: {abbreviate(name)}.")
    signature = signatures[name]
    png = _wants_png(request, name, signature)

    # Convert the inputs, given in rows or in columns.
    columnar = "inputs" in request
    if columnar == ("instances" in request):
        received = "both" if columnar else "neither"
        raise RequestError(400, f'The body: expected either "instances" or "inputs". Received: {received}.')
    if columnar:
        columns = _parse_inputs(request["inputs"], signature)
    else:
        columns = _parse_instances(request["instances"], signature)
    inputs = {key: to_array(key, columns[key], spec) for key, spec in signature.inputs.items()}
    rows, cost = _count_rows(inputs, max_batch)
    return PredictRequest(name, inputs, rows, cost, columnar, png)


def _parse_json(body: bytes | bytearray) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        hint = ""
        if re.search(rb"nan|inf", body[max(0, error.pos - 2) : error.pos + 8], re.IGNORECASE):
            hint = " JSON has neither NaN nor Infinity: send finite numbers."
        raise RequestError(400, f"The body: expected JSON in UTF-8. Received: {str(error)[:200]}.{hint}") from None


def _wants_png(request: dict, name: str, signature: Signature) -> bool:
    """Returns True if the request has "image_format": "png", after checking that the signature has image outputs."""
    if "image_format" not in request:
        return False
    value = request["image_format"]
    if value != PNG:
        raise RequestError(400, f'image_format: expected "{PNG}" or no such key. Received: {abbreviate(value)}.')
    if not set(IMAGE_NAMES) & set(signature.outputs):
        outputs = ", ".join(signature.outputs)
        raise RequestError(
            400, f"image_format: expected a signature that returns images. Received: {name}, which returns {outputs}."
        )
    return True


def _parse_inputs(value: Any, signature: Signature) -> dict[str, Any]:
    """Parses the column form: an object, or the bare value of a single input.

    Returns:
        {input: nested lists}.
    """
    if isinstance(value, dict) and not (is_base64(value) and len(signature.inputs) == 1):
        _check_names("inputs", value, signature)
        return value
    if len(signature.inputs) == 1:
        return {next(iter(signature.inputs)): value}
    names = sorted(signature.inputs)
    raise RequestError(400, f"inputs: expected an object with {names}. Received: {abbreviate(value)}.")


def _parse_instances(value: Any, signature: Signature) -> dict[str, Any]:
    """Parses the row form: a list of objects, or of bare values of a single input.

    Returns:
        {input: list over the rows}.
    """
    if not isinstance(value, list) or not value:
        raise RequestError(400, f"instances: expected a list of 1 row or more. Received: {abbreviate(value)}.")

    # The first row decides whether all rows are objects or bare values.
    single = len(signature.inputs) == 1
    named = isinstance(value[0], dict) and not (is_base64(value[0]) and single)
    if not named and not single:
        names = sorted(signature.inputs)
        raise RequestError(400, f"instances[0]: expected an object with {names}. Received: {abbreviate(value[0])}.")
    for i, row in enumerate(value):
        if (isinstance(row, dict) and not (is_base64(row) and single)) != named:
            wanted = "an object" if named else "a value"
            raise RequestError(
                400, f"instances[{i}]: expected {wanted}, like the first row. Received: {abbreviate(row)}."
            )
        if named:
            _check_names(f"instances[{i}]", row, signature)
    return {name: [row[name] if named else row for row in value] for name in signature.inputs}


def _check_names(place: str, value: dict, signature: Signature) -> None:
    """Raises RequestError unless the keys of `value` are the names of the signature's inputs."""
    if value.keys() != signature.inputs.keys():
        missing = sorted(signature.inputs.keys() - value.keys())
        unknown = [abbreviate(key, 40) for key in value if key not in signature.inputs][:3]
        parts = [f"no {', '.join(missing)}"] if missing else []
        parts += [f"unknown {', '.join(unknown)}"] if unknown else []
        received = " and ".join(parts)
        raise RequestError(400, f"{place}: expected the inputs {sorted(signature.inputs)}. Received: {received}.")


def _count_rows(inputs: Arrays, max_batch: int) -> tuple[int, int]:
    """Returns (rows, rows x steps) of a request, after checking that it is not empty and within `max_batch`."""
    sizes = {name: array.shape[0] for name, array in inputs.items() if array.ndim}
    empty = [name for name, size in sizes.items() if size == 0]
    if empty:
        raise RequestError(400, f"{empty[0]}: expected 1 row or more. Received: 0.")
    rows = max(sizes.values(), default=1)
    steps = inputs.get("steps")
    images_per_row = max(1, int(steps.max())) if steps is not None and steps.dtype.kind in "iu" else 1
    if rows * images_per_row > max_batch:
        received = f"{rows} rows" + (f" of {images_per_row} steps" if images_per_row > 1 else "")
        raise RequestError(400, f"The batch: expected at most {max_batch} images at once. Received: {received}.")
    return rows, rows * images_per_row
