"""Pictures in: arrays, files and Pillow images as the model needs them, with a note of everything that was changed."""

import contextlib
import os
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

MOST_PIXELS = 178_956_970  # of a file; Pillow's own limit, against files that are built to fill the memory

_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_SLACK = 1.0  # by which a float image may leave [-1, 1]; one in 0..255 is far outside


class PictureNotice(UserWarning):
    """Says how a picture was changed so that the model can read it."""


class Refused(ValueError):
    """A picture that can be read, but that is of no use; says why in one line."""


def to_uint8(images: ArrayLike) -> np.ndarray:
    """Float in [-1, 1] (values outside are cut off) -> uint8 0..255."""
    return np.clip(np.rint((np.asarray(images) + 1.0) * 127.5), 0, 255).astype(np.uint8)


def read(
    source: Any, resolution: int, channels: int, most_pixels: int = MOST_PIXELS
) -> tuple[np.ndarray, list[str]]:
    """Pictures as the model needs them.

    Args:
        source: a path, a Pillow image or an array, or a list of these. Arrays are [H,W], [H,W,C] or [B,H,W,C] with
            1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGB and alpha) channels, uint8 in 0..255 or float in [-1, 1].
        resolution: R, the model's. Other pictures have their middle square cut out and are brought to that size.
        channels: C, the model's, 1 or 3.
        most_pixels: files with more are refused before they are decoded.

    Returns:
        float32 [B,R,R,C] in about [-1, 1], and a sentence for everything that was changed.

    Raises:
        FileNotFoundError: if a file is not there.
        ValueError: for what is no picture, with what it is.
    """
    several = isinstance(source, (list, tuple)) and len(source) > 0 and not isinstance(source[0], (int, float, list))
    parts: list[np.ndarray] = []
    notes: list[str] = []
    for i, one in enumerate(source if several else [source]):
        name = f"images[{i}]" if several else "image"
        if isinstance(one, (str, os.PathLike)):
            name = os.fspath(one)
            array = _from_file(name, most_pixels, notes)
        elif hasattr(one, "getbands"):  # a Pillow image, without asking for Pillow
            try:
                array = _from_pillow(one, name, notes)
            except OSError as error:  # Pillow reads the file of a damaged one only now
                raise ValueError(f"{name}: the picture cannot be read: {error}.") from error
        else:
            array = _from_array(one, name, notes)
        array = _with_channels(array, channels, name, notes)
        parts.append(_fitting(array, resolution, name, notes))
    return np.concatenate(parts), notes


def _from_array(value: ArrayLike, name: str, notes: list[str]) -> np.ndarray:
    """Any array -> float32 [B,H,W,1..4], colours in about [-1, 1], alpha in [0, 1]."""
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
    alpha = array.shape[-1] in (2, 4)
    if is_bytes:
        result = array.astype(np.float32) / np.float32(127.5) - np.float32(1.0)
        if alpha:
            result[..., -1] = array[..., -1] / np.float32(255.0)
        return result
    least, most = float(array.min()), float(array.max())
    if not (np.isfinite(array).all() and least >= -1 - _SLACK and most <= 1 + _SLACK):
        raise ValueError(f"{name}: expected uint8 in 0..255 or float in [-1, 1]. Received: {least:g} to {most:g}.")
    if alpha:
        raise ValueError(f"{name}: expected uint8 where there is an alpha channel. Received: {array.dtype}.")
    if 0 <= least and 0.5 < most <= 1:
        notes.append(
            f"{name}: floats from {least:.2f} to {most:.2f} are taken as they are, with -1 for black and 1 for white; "
            "where 0 means black, give 2 * image - 1."
        )
    return array.astype(np.float32)


def _with_channels(array: np.ndarray, channels: int, name: str, notes: list[str]) -> np.ndarray:
    """[B,H,W,1..4] -> [B,H,W,channels], on white where it is transparent."""
    if array.shape[-1] in (2, 4):
        colours, alpha = array[..., :-1], array[..., -1:]
        if (alpha < 1).any():
            notes.append(f"{name}: is transparent in places, which are made white.")
        array = colours * alpha + (np.float32(1.0) - alpha)
    if array.shape[-1] == channels:
        return array
    if channels == 3:
        notes.append(f"{name}: is grey; the model knows colours, and may see it as unlike all it has learnt.")
        return np.repeat(array, 3, axis=-1)
    notes.append(f"{name}: has colours, which the model does not know; made grey.")
    return (array @ _LUMA)[..., None]


def _fitting(array: np.ndarray, resolution: int, name: str, notes: list[str]) -> np.ndarray:
    """[B,H,W,C] -> [B,R,R,C]: the middle square, areas averaged where it is larger, smoothly enlarged otherwise."""
    height, width = array.shape[1:3]
    if (height, width) == (resolution, resolution):
        return array
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    array = array[:, top : top + side, left : left + side]
    cut = f", cut to the middle {side}x{side}" if height != width else ""
    made = f", brought to the model's {resolution}x{resolution}" if side != resolution else ""
    notes.append(f"{name}: {width}x{height} pixels{cut}{made}.")
    if side == resolution:
        return array
    image = pillow().Image
    way = image.Resampling.BOX if side > resolution else image.Resampling.BICUBIC
    planes = [
        [
            np.asarray(image.fromarray(np.ascontiguousarray(one[..., c])).resize((resolution, resolution), way))
            for c in range(one.shape[-1])
        ]
        for one in array
    ]
    return np.clip(np.transpose(np.array(planes, np.float32), [0, 2, 3, 1]), -1.0, 1.0)


def pillow() -> Any:
    """Pillow, which is asked for only where it is needed.

    Raises:
        ValueError: if it is missing.
    """
    try:
        import PIL.Image
        import PIL.ImageDraw
        import PIL.ImageFont
        import PIL.ImageOps
    except ImportError:
        raise ValueError(
            "Pillow is missing: expected it for picture files and for pictures of another size than the model's. "
            "Install it with: pip install pillow"
        ) from None
    return PIL


def _from_file(path: str, most_pixels: int, notes: list[str]) -> np.ndarray:
    if not os.path.exists(path):
        raise FileNotFoundError(f"{path}: expected a picture. Received: a path where there is nothing.")
    if os.path.isdir(path):
        raise ValueError(f"{path}: expected a picture. Received: a folder.")
    with _opened(path, most_pixels) as image:
        width, height = image.size
        if width * height > most_pixels:
            raise Refused(f"{path}: expected at most {most_pixels:,} pixels. Received: {width}x{height}.")
        # Cameras put a preview behind the photograph and call it MPO: that is no animation.
        if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
            notes.append(f"{path}: has {image.n_frames} frames, of which the first is used.")
        return _from_pillow(image, path, notes)


@contextlib.contextmanager
def _opened(path: str, most_pixels: int) -> Iterator[Any]:
    """Opens an image and turns whatever a decoder raises on broken data into one message."""
    pil = pillow()
    try:
        with warnings.catch_warnings():
            # Up to twice its limit Pillow only warns, without the file's name. Beyond that it raises.
            warnings.simplefilter("ignore", pil.Image.DecompressionBombWarning)
            with pil.Image.open(path, formats=_FORMATS) as image:
                yield image
    except pil.UnidentifiedImageError:
        with open(path, "rb") as file:
            start = file.read(12)
        raise ValueError(
            f"{path}: expected a PNG, JPEG, WebP, BMP, TIFF or GIF picture. Received: "
            + (f"a file that begins with {start!r}." if start else "an empty file.")
        ) from None
    except Refused:
        raise
    except pil.Image.DecompressionBombError:
        raise ValueError(f"{path}: expected at most {most_pixels:,} pixels. Received: more.") from None
    except Exception as error:  # damaged data make decoders raise nearly anything, a TypeError for one
        raise ValueError(f"{path}: the picture cannot be read: {' '.join(str(error).split()).rstrip('.')}.") from error


def _from_pillow(image: Any, name: str, notes: list[str]) -> np.ndarray:
    """A Pillow image, upright -> float32 [1,H,W,1..4]."""
    image = pillow().ImageOps.exif_transpose(image)
    mode = image.mode
    if mode.startswith("I"):
        deep = np.asarray(image).astype(np.float32)
        if deep.min() < 0 or deep.max() > 65535:
            raise Refused(f"{name}: expected values from 0 to 65535. Received: {deep.min():g} to {deep.max():g}.")
        return deep[None, ..., None] / np.float32(32767.5) - np.float32(1.0)
    if mode == "F":
        raise Refused(f"{name}: expected a picture of 8 or 16 bits. Received: floats, whose range is not known.")
    if mode == "CMYK":
        notes.append(f"{name}: has the colours of a printing press (CMYK), brought to RGB without a profile.")
    if mode in ("LA", "La"):
        wanted = "LA"
    elif mode in ("RGBA", "RGBa", "PA") or "transparency" in image.info:
        wanted = "RGBA"
    else:
        wanted = "L" if mode in ("1", "L") else "RGB"
    return _from_array(np.asarray(image if mode == wanted else image.convert(wanted)), name, notes)
