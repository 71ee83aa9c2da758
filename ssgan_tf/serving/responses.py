"""From a signature's outputs to the body of an answer, in TensorFlow Serving's two forms."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

from ssgan_tf.serving.errors import RequestError
from ssgan_tf.serving.parsing import Call
from ssgan_tf.serving.images import is_picture, write_pictures

_BYTES = "_bytes"  # the ending by which TensorFlow Serving tells bytes from text


def write_json(value: Any) -> bytes:
    """JSON; arrays of numbers in the fewest digits that read back as the same numbers."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def write_answer(outputs: Mapping[str, np.ndarray], call: Call) -> bytes:
    """{"predictions": [row, ...]} or, for a question in columns, {"outputs": ...}.

    One output stands there bare, several as objects by name.

    Args:
        outputs: of `call.rows` rows.
        call: what was asked.

    Raises:
        RequestError: if an output is no finite number, or has no rows although rows were asked for.
    """
    for name, array in outputs.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise RequestError(500, f"{name}: the model's answer to these inputs is no finite number.")
        if not call.column and array.shape[:1] != (call.rows,):
            raise RequestError(
                400,
                f'{name}: expected {call.rows} rows of the model, to answer "instances". Received: shape '
                f'{list(array.shape)}; ask with "inputs".',
            )
    values = {name: _to_json(name, array, call.png) for name, array in outputs.items()}
    if len(values) == 1:
        (value,) = values.values()
        return write_json({"outputs" if call.column else "predictions": value})
    if call.column:
        return write_json({"outputs": values})
    rows = [{name: value[i] for name, value in values.items()} for i in range(call.rows)]
    return write_json({"predictions": rows})


def _to_json(name: str, array: np.ndarray, png: bool) -> Any:
    """What `write_json` takes: an array of numbers as it is, strings and pictures as nested lists."""
    if png and is_picture(name, array.shape):
        return write_pictures(array)
    if array.dtype == object:
        return _texts(array.tolist(), name.endswith(_BYTES))
    return array if array.ndim else array[()]


def _texts(value: Any, binary: bool) -> Any:
    if isinstance(value, list):
        return [_texts(item, binary) for item in value]
    return {"b64": base64.b64encode(value).decode()} if binary else value.decode(errors="replace")
