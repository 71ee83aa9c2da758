"""Turns image files of any origin into uint8 arrays: upright, square, grey or RGB, of the configured size."""

import contextlib
import dataclasses
import hashlib
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from tfds_builders.shared.areas import average_areas

_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
# Pillow's modes.
_GRAY, _COLOR, _ALPHA = {"1", "L"}, {"RGB", "P"}, {"LA", "La", "PA", "RGBA", "RGBa"}
_DEEP = {"I", "I;16", "I;16L", "I;16B", "I;16N"}
_DEEP_MAX = 65535


@dataclasses.dataclass(frozen=True)
class Preprocessing:
    """Options for the preprocessing of images.

    Args:
        resolution: Height and width of the result in pixels.
        center_crop: If True, crops the middle square of images that are not square instead of rejecting them.
        flatten: RGB background colour for transparent images; None rejects them.
    """

    resolution: int
    center_crop: bool = False
    flatten: tuple[int, int, int] | None = None


class _Unsuitable(ValueError):
    """Error of an image that can be read, but not be used."""


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Opens an image and turns any exception of the decoder into one ValueError."""
    if path.is_file() and not path.stat().st_size:
        raise ValueError(f"{path}: the file is empty (0 bytes).")
    try:
        with warnings.catch_warnings():
            # Up to twice its limit Pillow only warns, on stderr and without the file name; large photographs are fine.
            # Beyond that it raises.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as image:
                yield image
    except _Unsuitable:
        raise
    except Image.UnidentifiedImageError as error:
        with path.open("rb") as file:
            start = file.read(12)
        raise ValueError(
            f"{path}: expected a PNG, JPEG, WebP, BMP, TIFF or GIF image. Received: a file that begins with {start!r}."
        ) from error
    except Image.DecompressionBombError as error:
        raise ValueError(
            f"{path}: expected at most {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels, since larger files may be made to "
            f"exhaust the memory. Received: {error}"
        ) from error
    except Exception as error:  # Decoders raise almost any exception on damaged data, even TypeError.
        raise ValueError(f"{path}: the image cannot be read: {' '.join(str(error).split())}.") from error


def check_image(path: Path, preprocessing: Preprocessing) -> bool:
    """Checks from its header that an image file can be preprocessed, and returns True if the result is grey.

    Raises:
        ValueError: naming the file and the reason.
    """
    with _opened(path) as image:
        return _check_header(path, image, preprocessing)


def _check_header(path: Path, image: Image.Image, preprocessing: Preprocessing) -> bool:
    mode, (width, height) = image.mode, image.size
    # Cameras add a preview after the photograph and call the format MPO; that is not an animation.
    frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    transparent = mode in _ALPHA or "transparency" in image.info
    # Colours, frames, transparency and size.
    if mode == "CMYK":
        raise _Unsuitable(
            f"{path}: expected grey or RGB. Received: CMYK, the colours of a printing press, which have no fixed "
            "counterpart on a screen. Save it as RGB in the program that made it."
        )
    if mode not in _GRAY | _COLOR | _ALPHA | _DEEP:
        raise _Unsuitable(f"{path}: expected grey or RGB with 8 or 16 bits. Received: Pillow's mode {mode!r}.")
    if frames > 1:
        raise _Unsuitable(f"{path}: expected a single image. Received: {frames} frames.")
    if transparent and mode in _DEEP:
        raise _Unsuitable(
            f"{path}: expected 16-bit grey without transparency. Received: a transparent colour. Save it with 8 bits."
        )
    if transparent and preprocessing.flatten is None:
        raise _Unsuitable(
            f"{path}: has an alpha channel (or a transparent colour); expected grey or RGB. "
            'Add "flatten": "white" (or another background colour) to the config.'
        )
    _check_size(path, width, height, preprocessing)
    grey_background = preprocessing.flatten is not None and len(set(preprocessing.flatten)) == 1
    return mode in _GRAY | _DEEP and (not transparent or grey_background) or mode in {"LA", "La"} and grey_background


def _check_size(path: Path, width: int, height: int, preprocessing: Preprocessing) -> None:
    if width != height and not preprocessing.center_crop:
        raise _Unsuitable(
            f'{path}: expected a square image. Received: {width}x{height}. Add "center_crop": true to the config to '
            "crop its middle square."
        )
    r = preprocessing.resolution
    if min(width, height) < r:
        raise _Unsuitable(
            f"{path}: expected at least {r}x{r} pixels, since images are never enlarged. Received: {width}x{height}."
        )


def read_image(path: Path, preprocessing: Preprocessing, gray: bool) -> tuple[np.ndarray, bytes]:
    """Decodes an image that passed `check_image`, turns it upright, crops its middle square and reduces it.

    Returns:
        The image uint8 [resolution, resolution, 1 if gray else 3], and a hash of all its pixels before cropping.

    Raises:
        ValueError: naming the file, if it is damaged, or was replaced by one that does not pass `check_image`.
    """
    with _opened(path) as image:
        # The file may be another one than `check_image` saw.
        if not _check_header(path, image, preprocessing) and gray:
            raise _Unsuitable(
                f"{path}: was replaced while the data set was built: it was grey, and has colours now. Build it again."
            )
        upright = ImageOps.exif_transpose(image)
        if upright.mode in _DEEP:
            upright = _eight_bits(upright)
        elif upright.mode in _ALPHA or "transparency" in upright.info:
            upright = _flattened(upright, preprocessing.flatten or (0, 0, 0))
        upright = upright.convert("L" if gray else "RGB")
    digest = hashlib.sha256(repr(upright.size).encode() + upright.tobytes()).digest()
    side, r = min(upright.size), preprocessing.resolution
    left, top = (upright.width - side) // 2, (upright.height - side) // 2
    square = upright.crop((left, top, left + side, top + side))
    return average_areas(square, r), digest


def _eight_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > _DEEP_MAX:
        raise ValueError(f"expected values from 0 to {_DEEP_MAX}, received {values.min()} to {values.max()}")
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))  # value / 257, rounded


def _flattened(image: Image.Image, color: tuple[int, int, int]) -> Image.Image:
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, (*color, 255)), rgba).convert("RGB")
