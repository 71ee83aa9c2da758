"""Images in requests and responses as base64 PNG and JPEG files, instead of lists of numbers.

For TensorFlow Serving, an image is always an array of numbers. This server accepts and returns both forms.
"""

import base64
import binascii
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from ssgan_tf.editing import to_uint8
from ssgan_tf.serving.errors import RequestError

IMAGE_NAMES = ("image", "images")
"""Names of the inputs and outputs that are images: float32 [..., H, W, C] in [-1, 1], C = 1 or 3."""

_MODES = {1: "L", 3: "RGB"}
_ACCEPTED_MODES = {"1", "L", "P", "RGB", "YCbCr", "CMYK"}  # at most 8 bits per channel, no transparency


def is_image(name: str, shape: Sequence[int | None]) -> bool:
    """Returns True if the tensor `name` with this shape can be sent as image files."""
    return name in IMAGE_NAMES and len(shape) >= 4 and shape[-1] in _MODES and all(shape[-3:])


def decode_base64(name: str, text: str) -> bytes:
    """Decodes base64 `text`; `name` is the input's name for the error message.

    Raises:
        RequestError: If the text is not valid base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestError(400, f"{name}: expected base64 text. Received: {error}.") from None


def decode_image(name: str, data: bytes, shape: Sequence[int]) -> np.ndarray:
    """Decodes a PNG or JPEG file to an image [H,W,C], float32 in [-1, 1].

    Args:
        name: Name of the input, for error messages.
        data: Content of the file.
        shape: Expected H, W, C. An image of another size is refused before it is decompressed; nothing is resized.

    Raises:
        RequestError: If the file is damaged or has another format, another size, transparency or 16 bits per channel.
    """
    height, width, channels = shape
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
            if image.size != (width, height):
                sizes = f"{width}x{height} pixels. Received: {image.width}x{image.height}"
                raise RequestError(400, f"{name}: expected an image of {sizes}; resize it before sending.")
            if image.mode not in _ACCEPTED_MODES or "transparency" in image.info:
                kinds = f"8 bits per channel and no transparency. Received: mode {image.mode}"
                raise RequestError(400, f"{name}: expected {kinds}; convert it to {_MODES[channels]}.")
            pixels = np.asarray(image.convert(_MODES[channels]), np.float32)
    except RequestError:
        raise
    except Exception as error:  # Damaged files make Pillow's decoders raise errors of almost any type.
        reason = _summarize(error)
        raise RequestError(400, f"{name}: expected a PNG or JPEG file in base64. Received: {reason}.") from None
    return (pixels / np.float32(127.5) - np.float32(1.0)).reshape(height, width, channels)


def _summarize(error: Exception) -> str:
    """Returns Pillow's error as a few words on one line."""
    text = " ".join(str(error).split())
    return "another format" if "cannot identify" in text else text[:80] or type(error).__name__


def encode_png(images: np.ndarray) -> list:
    """Encodes images [..., H, W, C], float in about [-1, 1], as nested lists [...] of {"b64": PNG file}."""
    *lead, height, width, channels = images.shape
    cells = np.empty(int(np.prod(lead)), object)
    for i, pixels in enumerate(to_uint8(images).reshape(-1, height, width, channels)):
        file = io.BytesIO()
        Image.fromarray(pixels if channels == 3 else pixels[..., 0]).save(file, "PNG", compress_level=1)
        cells[i] = {"b64": base64.b64encode(file.getvalue()).decode()}
    return cells.reshape(lead).tolist()
