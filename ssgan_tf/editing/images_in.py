"""Images in: converts arrays, files and Pillow images to the model's format, with a note about every change."""

import contextlib
import os
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

MAX_PIXELS = 178_956_970  # per file; Pillow's own limit, against files made to exhaust the memory
FILE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")

_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_TOLERANCE = 1.0  # distance by which float images may leave [-1, 1]; images in 0..255 are far outside


class ImageNotice(UserWarning):
    """Warning that states how an image was changed so that the model can read it."""


class UnsupportedImage(ValueError):
    """Readable image that the model cannot use; the message gives the reason in one line."""


def to_uint8(images: ArrayLike) -> np.ndarray:
    """Converts float images in [-1, 1] to uint8 in 0..255; values outside are clipped."""
    return np.clip(np.rint((np.asarray(images) + 1.0) * 127.5), 0, 255).astype(np.uint8)


def load_images(
    source: Any, resolution: int, channels: int, max_pixels: int = MAX_PIXELS
) -> tuple[np.ndarray, list[str]]:
    """Converts images to the model's format.

    Args:
        source: A path, a Pillow image, an array, or a list of these. Arrays are [H,W], [H,W,C] or [B,H,W,C] with
            1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGB and alpha) channels, uint8 in 0..255 or float in [-1, 1].
        resolution: Height and width R of the model's images. Images of another size are cropped to their central
            square and resized.
        channels: Channels C of the model's images, 1 or 3.
        max_pixels: Files with more pixels are refused before they are decoded.

    Returns:
        Images float32 [B,R,R,C] in about [-1, 1], and one sentence for each change.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If an element is not an image; the message says what it is.
    """
    several = isinstance(source, (list, tuple)) and len(source) > 0 and not isinstance(source[0], (int, float, list))
    parts: list[np.ndarray] = []
    notes: list[str] = []
    for i, item in enumerate(source if several else [source]):
        name = f"images[{i}]" if several else "image"
        if isinstance(item, (str, os.PathLike)):
            name = os.fspath(item)
            array = _from_file(name, max_pixels, notes)
        elif hasattr(item, "getbands"):  # a Pillow image, recognised without importing Pillow
            try:
                array = _from_pillow(item, name, notes)
            except OSError as error:  # Pillow decodes lazily, so damage in the file shows only now
                raise ValueError(f"{name}: the image cannot be read: {error}.") from error
        else:
            array = _from_array(item, name, notes)
        array = _convert_channels(array, channels, name, notes)
        parts.append(_crop_and_resize(array, resolution, name, notes))
    return np.concatenate(parts), notes


def _from_array(value: ArrayLike, name: str, notes: list[str]) -> np.ndarray:
    """Converts any array to float32 [B,H,W,1..4], colours in about [-1, 1], alpha in [0, 1]."""
    array = np.asarray(value)
    is_bytes = array.dtype == np.uint8
    if not is_bytes and not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"{name}: expected uint8 in 0..255 or float in [-1, 1]. Received: {array.dtype}.")
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim == 3:
        array = array[None]
    if array.ndim != 4 or array.shape[-1] not in (1, 2, 3, 4) or 0 in array.shape:
        raise ValueError(
            f"{name}: expected shape [H,W], [H,W,C] or [B,H,W,C] with 1 to 4 channels. Received: "
            f"{list(np.shape(value))}."
        )
    has_alpha = array.shape[-1] in (2, 4)

    # Bytes: any value is valid.
    if is_bytes:
        result = array.astype(np.float32) / np.float32(127.5) - np.float32(1.0)
        if has_alpha:
            result[..., -1] = array[..., -1] / np.float32(255.0)
        return result

    # Floats: check the range, since [0, 1] and 0..255 are common elsewhere.
    low, high = float(array.min()), float(array.max())
    if not (np.isfinite(array).all() and low >= -1 - _TOLERANCE and high <= 1 + _TOLERANCE):
        raise ValueError(f"{name}: expected uint8 in 0..255 or float in [-1, 1]. Received: {low:g} to {high:g}.")
    if has_alpha:
        raise ValueError(f"{name}: expected uint8 for an image with an alpha channel. Received: {array.dtype}.")
    if 0 <= low and 0.5 < high <= 1:
        notes.append(
            f"{name}: floats from {low:.2f} to {high:.2f} are used unchanged, with -1 as black and 1 as white; "
            "if 0 means black, pass 2 * image - 1."
        )
    return array.astype(np.float32)


def _convert_channels(array: np.ndarray, channels: int, name: str, notes: list[str]) -> np.ndarray:
    """Converts [B,H,W,1..4] to [B,H,W,channels]; transparent pixels become white."""
    if array.shape[-1] in (2, 4):
        colours, alpha = array[..., :-1], array[..., -1:]
        if (alpha < 1).any():
            notes.append(f"{name}: transparent areas were filled with white.")
        array = colours * alpha + (np.float32(1.0) - alpha)
    if array.shape[-1] == channels:
        return array
    if channels == 3:
        notes.append(f"{name}: is grey, but the model was trained on colour images; results may be poor.")
        return np.repeat(array, 3, axis=-1)
    notes.append(f"{name}: was converted to grey, because the model has no colours.")
    return (array @ _LUMA)[..., None]


def _crop_and_resize(array: np.ndarray, resolution: int, name: str, notes: list[str]) -> np.ndarray:
    """Converts [B,H,W,C] to [B,R,R,C]: the central square, shrunk by averaging areas or enlarged bicubically."""
    height, width = array.shape[1:3]
    if (height, width) == (resolution, resolution):
        return array

    # Crop to the central square.
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    array = array[:, top : top + side, left : left + side]
    cropped = f", cropped to the central {side}x{side}" if height != width else ""
    resized = f", resized to the model's {resolution}x{resolution}" if side != resolution else ""
    notes.append(f"{name}: {width}x{height} pixels{cropped}{resized}.")
    if side == resolution:
        return array

    # Resize channel by channel: Pillow has no float format with several channels.
    image = import_pillow().Image
    method = image.Resampling.BOX if side > resolution else image.Resampling.BICUBIC
    planes = [
        [
            np.asarray(image.fromarray(np.ascontiguousarray(one[..., c])).resize((resolution, resolution), method))
            for c in range(one.shape[-1])
        ]
        for one in array
    ]
    return np.clip(np.transpose(np.array(planes, np.float32), [0, 2, 3, 1]), -1.0, 1.0)


def import_pillow() -> Any:
    """Imports Pillow, which is not needed for arrays of the model's own size.

    Raises:
        ValueError: If Pillow is not installed.
    """
    try:
        import PIL.Image
        import PIL.ImageDraw
        import PIL.ImageFont
        import PIL.ImageOps
    except ImportError:
        raise ValueError(
            "Pillow is missing. It is required for image files, and for images whose size differs from the model's. "
            "Install it with: pip install pillow"
        ) from None
    return PIL


def _from_file(path: str, max_pixels: int, notes: list[str]) -> np.ndarray:
    if not os.path.exists(path):
        raise FileNotFoundError(f"{path}: expected an image. Received: a path that does not exist.")
    if os.path.isdir(path):
        raise ValueError(f"{path}: expected an image. Received: a folder.")
    with _open(path, max_pixels) as image:
        width, height = image.size
        if width * height > max_pixels:
            raise UnsupportedImage(f"{path}: expected at most {max_pixels:,} pixels. Received: {width}x{height}.")
        # MPO is a photograph to which the camera has appended a preview, not an animation.
        if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
            notes.append(f"{path}: has {image.n_frames} frames; the first one is used.")
        return _from_pillow(image, path, notes)


@contextlib.contextmanager
def _open(path: str, max_pixels: int) -> Iterator[Any]:
    """Opens an image file; turns everything that decoders raise on broken data into one message."""
    pil = import_pillow()
    try:
        with warnings.catch_warnings():
            # Up to twice its own limit Pillow only warns, without the file's name; beyond that it raises an error.
            warnings.simplefilter("ignore", pil.Image.DecompressionBombWarning)
            with pil.Image.open(path, formats=_FORMATS) as image:
                yield image
    except pil.UnidentifiedImageError:
        with open(path, "rb") as file:
            start = file.read(12)
        raise ValueError(
            f"{path}: expected a PNG, JPEG, WebP, BMP, TIFF or GIF image. Received: "
            + (f"a file that begins with {start!r}." if start else "an empty file.")
        ) from None
    except UnsupportedImage:
        raise
    except pil.Image.DecompressionBombError:
        raise ValueError(f"{path}: expected at most {max_pixels:,} pixels. Received: more.") from None
    except Exception as error:  # decoders raise nearly anything on damaged data, TypeError included
        raise ValueError(f"{path}: the image cannot be read: {' '.join(str(error).split()).rstrip('.')}.") from error


def _from_pillow(image: Any, name: str, notes: list[str]) -> np.ndarray:
    """Converts a Pillow image to float32 [1,H,W,1..4], rotated upright according to its EXIF data."""
    image = import_pillow().ImageOps.exif_transpose(image)
    mode = image.mode
    if mode.startswith("I"):
        values = np.asarray(image).astype(np.float32)
        if values.min() < 0 or values.max() > 65535:
            received = f"{values.min():g} to {values.max():g}"
            raise UnsupportedImage(f"{name}: expected values from 0 to 65535. Received: {received}.")
        return values[None, ..., None] / np.float32(32767.5) - np.float32(1.0)
    if mode == "F":
        raise UnsupportedImage(f"{name}: expected an image of 8 or 16 bits. Received: floats of unknown range.")
    if mode == "CMYK":
        notes.append(f"{name}: was converted from CMYK to RGB without a colour profile.")
    if mode in ("LA", "La"):
        wanted = "LA"
    elif mode in ("RGBA", "RGBa", "PA") or "transparency" in image.info:
        wanted = "RGBA"
    else:
        wanted = "L" if mode in ("1", "L") else "RGB"
    return _from_array(np.asarray(image if mode == wanted else image.convert(wanted)), name, notes)
