"""Requests and responses of TensorFlow Serving's REST interface, as tools/load_test.py needs them."""

import base64
import http.client
import io
import json
import urllib.parse
from typing import Any

import numpy as np
from PIL import Image


def connect(url: urllib.parse.SplitResult) -> http.client.HTTPConnection:
    """Returns a connection to the server of `url`."""
    return http.client.HTTPConnection(url.hostname or "", url.port or 80, timeout=120)


def send(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None
) -> tuple[int, bytes]:
    """Sends a request, with a JSON body if there is one; returns status and body of the response."""
    connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
    response = connection.getresponse()
    return response.status, response.read()


def random_inputs(
    signatures: dict[str, Any], signature: str, rows: int, png: bool, rng: np.random.Generator
) -> dict[str, Any]:
    """Returns random inputs of a signature, in the column form.

    Args:
        signatures: The model's signatures, from its metadata.
        signature: Name of one.
        rows: Number of rows.
        png: Whether to send images as PNG instead of numbers.
        rng: Random generator.

    Raises:
        ValueError: There is no such signature, or its metadata do not say enough about an input.
    """
    if signature not in signatures:
        names = [name for name in signatures if not name.startswith("_")]
        raise ValueError(f"signature: expected one of {names}. Received: {signature!r}.")
    inputs: dict[str, Any] = {}
    for name, info in signatures[signature]["inputs"].items():
        shape = [int(size["size"]) for size in info["tensor_shape"].get("dim", [])]
        shape[:1] = [rows] * len(shape[:1])
        if info["dtype"] == "DT_STRING":
            inputs[name] = np.full(shape, "0").tolist()  # a factor, by its number
        elif info["dtype"] == "DT_INT32":
            inputs[name] = 4  # steps
        elif png and name == "image":
            inputs[name] = [_to_png(pixels) for pixels in rng.integers(0, 256, shape, np.uint8)]
        elif info["dtype"] == "DT_FLOAT" and shape and min(shape) > 0:
            low = {"noise": -2.0, "image": -1.0}.get(name, 0.0)
            high = 2.0 if name == "noise" else 1.0
            inputs[name] = rng.uniform(low, high, shape).astype(np.float32).tolist()
        else:
            raise ValueError(
                f"signature: expected one whose inputs have a known type and shape. Received: {signature!r}, "
                f"with the input {name!r}."
            )
    return inputs


def _to_png(pixels: np.ndarray) -> dict[str, str]:
    file = io.BytesIO()
    Image.fromarray(pixels if pixels.shape[-1] == 3 else pixels[..., 0]).save(file, "PNG")
    return {"b64": base64.b64encode(file.getvalue()).decode()}


def decode_outputs(body: bytes) -> list[np.ndarray]:
    """Returns the outputs of a response in the column form, in the order of their names; PNG as pixels in [0, 1]."""
    outputs = json.loads(body)["outputs"]
    named = outputs if isinstance(outputs, dict) else {"": outputs}
    has_png = b'"b64"' in body
    return [np.asarray(_decode_png(v) if has_png else v, np.float64) for _, v in sorted(named.items())]


def _decode_png(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode_png(item) for item in value]
    if not isinstance(value, dict):
        return value
    with Image.open(io.BytesIO(base64.b64decode(value["b64"]))) as image:
        return (np.asarray(image, np.float64) / 255).tolist()
