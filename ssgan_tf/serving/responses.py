"""Formats a signature's outputs as the body of a response, in TensorFlow Serving's two forms."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

from ssgan_tf.serving.errors import RequestError
from ssgan_tf.serving.images import encode_png, is_image
from ssgan_tf.serving.parsing import PredictRequest
from ssgan_tf.serving.tensors import BYTES_SUFFIX

_MAX_ERROR_BYTES = 560  # of the body of an error


def to_json(value: Any) -> bytes:
    """Formats `value` as JSON; floats have the fewest digits that read back as the same float."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def error_to_json(reason: str) -> bytes:
    """Formats an error as {"error": reason}, cut off at `_MAX_ERROR_BYTES`: the reason may quote what a client sent."""
    text = " ".join(reason[:_MAX_ERROR_BYTES].encode(errors="replace").decode().split())
    body = to_json({"error": text if len(reason) <= _MAX_ERROR_BYTES else f"{text}..."})
    while len(body) > _MAX_ERROR_BYTES:  # a character takes up to 6 bytes
        text = text[: -1 - len(text) // 8]
        body = to_json({"error": f"{text}..."})
    return body


def format_response(outputs: Mapping[str, np.ndarray], request: PredictRequest) -> bytes:
    """Formats the outputs as {"predictions": [row, ...]} or, for a request in columns, as {"outputs": ...}.

    A single output is written as a bare value, several outputs as objects by name.

    Args:
        outputs: Arrays with `request.rows` rows; of any shape for a request in columns.
        request: Request to which the outputs belong.

    Raises:
        RequestError: If an output is not finite, or has no rows although the request is in rows.
    """
    # Check the outputs.
    for name, array in outputs.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise RequestError(500, f"{name}: the model's output for these inputs is not finite.")
        if not request.columnar and array.shape[:1] != (request.rows,):
            raise RequestError(
                400,
                f'{name}: expected an output of {request.rows} rows, one for each of "instances". Received: an output '
                f'of shape {list(array.shape)}; send "inputs" instead.',
            )

    # Bare values for a single output, objects by name for several.
    values = {name: _to_jsonable(name, array, request.png) for name, array in outputs.items()}
    if len(values) == 1:
        (value,) = values.values()
        return to_json({"outputs" if request.columnar else "predictions": value})
    if request.columnar:
        return to_json({"outputs": values})
    rows = [{name: value[i] for name, value in values.items()} for i in range(request.rows)]
    return to_json({"predictions": rows})


def _to_jsonable(name: str, array: np.ndarray, png: bool) -> Any:
    """Converts an output for `to_json`: strings and PNG images to nested lists; numbers stay an array."""
    if png and is_image(name, array.shape):
        return encode_png(array)
    if array.dtype == object:
        return _format_strings(array.tolist(), name.endswith(BYTES_SUFFIX))
    return array if array.ndim else array[()]


def _format_strings(value: Any, binary: bool) -> Any:
    """Converts nested lists of bytes to nested lists of text, or of {"b64": ...} if `binary`."""
    if isinstance(value, list):
        return [_format_strings(item, binary) for item in value]
    return {"b64": base64.b64encode(value).decode()} if binary else value.decode(errors="replace")
