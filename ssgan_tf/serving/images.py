"""Pictures in requests and answers: base64 PNG and JPEG in place of lists of numbers.

TensorFlow Serving knows nothing of this: there an image is its numbers, which this server takes and gives as well.
"""

import base64
import binascii
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from ssgan_tf.editing import to_uint8
from ssgan_tf.serving.errors import RequestError

NAMES = ("image", "images")
"""Inputs and outputs of these names are pictures: float32 [..., H, W, C] in [-1, 1], C = 1 or 3."""

_MODES = {1: "L", 3: "RGB"}
_TAKEN = {"1", "L", "P", "RGB", "YCbCr", "CMYK"}  # 8 bits or less, nothing transparent


def is_picture(name: str, shape: Sequence[int | None]) -> bool:
    """Can the tensor `name` of that shape be sent as pictures?"""
    return name in NAMES and len(shape) >= 4 and shape[-1] in _MODES and all(shape[-3:])


def from_base64(name: str, text: str) -> bytes:
    """The bytes that base64 `text` stands for; `name` is for the message.

    Raises:
        RequestError: if it is no base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestError(400, f"{name}: expected base64 text. Received: {error}.") from None


def read_picture(name: str, data: bytes, shape: Sequence[int]) -> np.ndarray:
    """A PNG or JPEG file -> [H,W,C] float32 in [-1, 1].

    Args:
        name: of the input, for the message.
        data: the file.
        shape: H, W, C; a picture of another size is refused before it is unpacked, and none is resized.

    Raises:
        RequestError: for another format, another size, transparency, 16 bits, or a damaged file.
    """
    height, width, channels = shape
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
            if picture.size != (width, height):
                sizes = f"{width}x{height} pixels. Received: {picture.width}x{picture.height}"
                raise RequestError(400, f"{name}: expected a picture of {sizes}; resize it before sending.")
            if picture.mode not in _TAKEN or "transparency" in picture.info:
                kinds = f"8 bits per channel and no transparency. Received: mode {picture.mode}"
                raise RequestError(400, f"{name}: expected {kinds}; convert it to {_MODES[channels]}.")
            pixels = np.asarray(picture.convert(_MODES[channels]), np.float32)
    except RequestError:
        raise
    except Exception as error:  # Pillow's readers raise whatever a damaged file leads them to
        raise RequestError(400, f"{name}: expected a PNG or JPEG file in base64. Received: {_line(error)}.") from None
    return (pixels / np.float32(127.5) - np.float32(1.0)).reshape(height, width, channels)


def _line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return "another file" if "cannot identify" in text else text[:80] or type(error).__name__


def write_pictures(images: np.ndarray) -> list:
    """[..., H, W, C] float in about [-1, 1] -> nested lists [...] of {"b64": PNG}."""
    *lead, height, width, channels = images.shape
    cells = np.empty(int(np.prod(lead)), object)
    for i, pixels in enumerate(to_uint8(images).reshape(-1, height, width, channels)):
        file = io.BytesIO()
        Image.fromarray(pixels if channels == 3 else pixels[..., 0]).save(file, "PNG", compress_level=1)
        cells[i] = {"b64": base64.b64encode(file.getvalue()).decode()}
    return cells.reshape(lead).tolist()
