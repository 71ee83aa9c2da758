"""Image files of people -> uint8 arrays: upright, square, gray or RGB, of the size asked for."""

import contextlib
import dataclasses
import hashlib
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
_GRAY, _COLOR, _ALPHA = {"1", "L"}, {"RGB", "P"}, {"LA", "La", "PA", "RGBA", "RGBa"}
_DEEP = {"I", "I;16", "I;16L", "I;16B", "I;16N"}
_DEEP_TOP = 65535


@dataclasses.dataclass(frozen=True)
class Treatment:
    """What becomes of images.

    Args:
        resolution: height and width afterwards.
        center_crop: cut the middle square out of images that are not square, instead of refusing them.
        flatten: the RGB colour that transparent images are laid on; None refuses them.
    """

    resolution: int
    center_crop: bool = False
    flatten: tuple[int, int, int] | None = None


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Opens an image and turns whatever a decoder raises on broken data into one message."""
    if path.is_file() and not path.stat().st_size:
        raise ValueError(f"{path}: the file is empty (0 bytes).")
    try:
        with warnings.catch_warnings():
            # Up to twice its limit Pillow only warns, on stderr and without the file's name: large photographs are
            # welcome. Beyond that it raises.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as image:
                yield image
    except Image.UnidentifiedImageError as error:
        with path.open("rb") as file:
            start = file.read(12)
        raise ValueError(
            f"{path}: expected a PNG, JPEG, WebP, BMP, TIFF or GIF image. Received: a file that begins with {start!r}."
        ) from error
    except Image.DecompressionBombError as error:
        raise ValueError(
            f"{path}: expected at most {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels, since larger files are built to "
            f"fill the memory. Received: {error}"
        ) from error
    except Exception as error:  # damaged data make decoders raise nearly anything, a TypeError for one
        raise ValueError(f"{path}: the image cannot be read: {' '.join(str(error).split())}.") from error


def check_image(path: Path, treatment: Treatment) -> bool:
    """Looks at the head of an image file: can it be read as asked for? Returns whether it is gray.

    Raises:
        ValueError: naming the file and the reason.
    """
    with _opened(path) as image:
        mode, (width, height) = image.mode, image.size
        # Cameras put a preview behind the photograph and call it MPO: that is no animation.
        frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
        transparent = mode in _ALPHA or "transparency" in image.info
    if mode == "CMYK":
        raise ValueError(
            f"{path}: expected gray or RGB. Received: CMYK, the colours of a printing press, which have no fixed "
            "counterpart on a screen. Save it as RGB with the program that made it."
        )
    if mode not in _GRAY | _COLOR | _ALPHA | _DEEP:
        raise ValueError(f"{path}: expected gray or RGB of 8 or 16 bits. Received: Pillow's mode {mode!r}.")
    if frames > 1:
        raise ValueError(f"{path}: expected one picture. Received: {frames} frames.")
    if transparent and mode in _DEEP:
        raise ValueError(f"{path}: expected no transparent colour in 16-bit gray. Received: one. Save it with 8 bits.")
    if transparent and treatment.flatten is None:
        raise ValueError(
            f"{path}: has an alpha channel (or a transparent colour); expected gray or RGB. "
            'Add "flatten": "white" (or another colour) to the config to lay it on that.'
        )
    _check_size(path, width, height, treatment)
    gray_ground = treatment.flatten is not None and len(set(treatment.flatten)) == 1
    return mode in _GRAY | _DEEP and (not transparent or gray_ground) or mode in {"LA", "La"} and gray_ground


def _check_size(path: Path, width: int, height: int, treatment: Treatment) -> None:
    if width != height and not treatment.center_crop:
        raise ValueError(
            f'{path}: expected a square image. Received: {width}x{height}. Add "center_crop": true to the config to '
            "cut the middle out of it."
        )
    if min(width, height) < treatment.resolution:
        raise ValueError(
            f"{path}: expected {treatment.resolution}x{treatment.resolution} pixels or more, since images are never "
            f"enlarged. Received: {width}x{height}."
        )


def read_image(path: Path, treatment: Treatment, gray: bool) -> tuple[np.ndarray, bytes]:
    """Decodes an image that passed `check_image`, turns it upright, cuts out the middle square, averages areas.

    Returns:
        uint8 [resolution, resolution, 1 if gray else 3], and a hash of all its pixels as they were before the cut.

    Raises:
        ValueError: naming the file, if it is damaged.
    """
    with _opened(path) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.mode in _DEEP:
            upright = _eight_bits(upright)
        elif upright.mode in _ALPHA or "transparency" in upright.info:
            upright = _flattened(upright, treatment.flatten or (0, 0, 0))
        upright = upright.convert("L" if gray else "RGB")
    digest = hashlib.sha256(repr(upright.size).encode() + upright.tobytes()).digest()
    side, r = min(upright.size), treatment.resolution
    left, top = (upright.width - side) // 2, (upright.height - side) // 2
    square = upright.crop((left, top, left + side, top + side))
    return np.asarray(square.resize((r, r), Image.Resampling.BOX)).reshape(r, r, -1), digest


def _eight_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > _DEEP_TOP:
        raise ValueError(f"expected values from 0 to {_DEEP_TOP}, received {values.min()} to {values.max()}")
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))  # value / 257, rounded


def _flattened(image: Image.Image, color: tuple[int, int, int]) -> Image.Image:
    picture = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, (*color, 255)), picture).convert("RGB")
