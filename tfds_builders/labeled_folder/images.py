"""Image files of people -> uint8 arrays: upright, square, gray or RGB, of the size asked for."""

import contextlib
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

_GRAY, _COLOR, _ALPHA = {"1", "L"}, {"RGB", "P"}, {"LA", "La", "PA", "RGBA", "RGBa"}


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Opens an image and turns whatever a decoder raises on broken data into one message."""
    if not path.stat().st_size:
        raise ValueError(f"{path}: the file is empty (0 bytes).")
    try:
        with Image.open(path) as image:
            yield image
    except Image.UnidentifiedImageError as error:
        raise ValueError(f"{path}: no image that Pillow can read.") from error
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: the image cannot be read: {error}.") from error


def check_image(path: Path, resolution: int, center_crop: bool) -> bool:
    """Looks at the head of an image file: can it become [resolution, resolution, C]? Returns whether it is gray.

    Raises:
        ValueError: naming the file and the reason.
    """
    with _opened(path) as image:
        mode, (width, height) = image.mode, image.size
        frames = getattr(image, "n_frames", 1)
        alpha = mode in _ALPHA or "transparency" in image.info
    if alpha:
        raise ValueError(
            f"{path}: has an alpha channel (or a transparent colour); expected gray or RGB. Flatten it onto the "
            "background that you want first."
        )
    if mode not in _GRAY | _COLOR:
        raise ValueError(f"{path}: expected 8-bit gray or RGB. Received: an image of Pillow's mode {mode!r}.")
    if frames > 1:
        raise ValueError(f"{path}: expected one picture. Received: {frames} frames.")
    if width != height and not center_crop:
        raise ValueError(
            f'{path}: expected a square image. Received: {width}x{height}. Add "center_crop": true to the config to '
            "cut the middle out of it."
        )
    if min(width, height) < resolution:
        raise ValueError(
            f"{path}: expected {resolution}x{resolution} pixels or more, since images are never enlarged. "
            f"Received: {width}x{height}."
        )
    return mode in _GRAY


def read_image(path: Path, resolution: int, gray: bool) -> np.ndarray:
    """Decodes an image that passed `check_image`, turns it upright, cuts out the middle square, averages areas.

    Returns:
        uint8 [resolution, resolution, 1 if gray else 3].

    Raises:
        ValueError: naming the file, if it is damaged.
    """
    with _opened(path) as image:
        upright = ImageOps.exif_transpose(image).convert("L" if gray else "RGB")
    side = min(upright.size)
    left, top = (upright.width - side) // 2, (upright.height - side) // 2
    square = upright.crop((left, top, left + side, top + side))
    pixels = np.asarray(square.resize((resolution, resolution), Image.Resampling.BOX))
    return pixels.reshape(resolution, resolution, -1)
