"""Images in: converts arrays, files and Pillow images to the model's format, with a note about every change."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .image_files import MAX_PIXELS, Check, UnsupportedImage, import_pillow, open_image

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_TOLERANCE = 1.0  # distance by which float images may leave [-1, 1]; images in 0..255 are far outside
_STRIP = 2**18  # pixels converted to floats at a time, since an image of floats takes four times its memory as bytes
_ORIENTATION = 0x0112  # tag of EXIF data

Box = tuple[int, int, int, int]  # left, top, right, bottom
Crop = Callable[[Box], np.ndarray]  # returns part of an image: float32 [h,w,1..4], colours in [-1, 1], alpha in [0, 1]


class ImageNotice(UserWarning):
    """Warning that states how an image was changed so that the model can read it."""


def to_uint8(images: ArrayLike) -> np.ndarray:
    """Converts float images in [-1, 1] to uint8 in 0..255; values outside are clipped."""
    return np.clip(np.rint((np.asarray(images) + 1.0) * 127.5), 0, 255).astype(np.uint8)


def load_images(
    source: Any, resolution: int, channels: int, max_pixels: int = MAX_PIXELS, check: Check | None = None
) -> tuple[np.ndarray, list[str]]:
    """Converts images to the model's format.

    Args:
        source: A path, a Pillow image, an array, or a list of these. Arrays are [H,W], [H,W,C] or [B,H,W,C] with
            1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGB and alpha) channels, uint8 in 0..255 or float in [-1, 1].
        resolution: Height and width R of the model's images. Images of another size are cropped to their central
            square and resized.
        channels: Channels C of the model's images, 1 or 3.
        max_pixels: Files and Pillow images with more pixels are refused before they are decoded (see `open_image`).
        check: Called while files are read; an exception in it ends the reading.

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
            with open_image(name, max_pixels, notes, check) as image:
                parts.append(_from_pillow(image, name, resolution, channels, notes))
        elif hasattr(item, "getbands"):  # a Pillow image, recognised without importing Pillow
            if item.width * item.height > max_pixels:
                raise UnsupportedImage(
                    f"{name}: expected at most {max_pixels:,} pixels. Received: {item.width}x{item.height}."
                )
            try:
                parts.append(_from_pillow(item, name, resolution, channels, notes))
            except OSError as error:  # Pillow decodes lazily, so damage in the file shows only now
                raise ValueError(f"{name}: the image cannot be read: {error}.") from error
        else:
            parts += _from_array(item, name, resolution, channels, notes)
    return np.stack(parts), list(dict.fromkeys(notes))


def _from_array(value: ArrayLike, name: str, resolution: int, channels: int, notes: list[str]) -> list[np.ndarray]:
    """Converts any array to images [R,R,C]."""
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

    # Floats: check the range, since [0, 1] and 0..255 are common elsewhere. Bytes: any value is valid.
    if not is_bytes:
        low, high = float(array.min()), float(array.max())  # NaN if any value is
        if not (low >= -1 - _TOLERANCE and high <= 1 + _TOLERANCE):
            raise ValueError(f"{name}: expected uint8 in 0..255 or float in [-1, 1]. Received: {low:g} to {high:g}.")
        if array.shape[-1] in (2, 4):
            raise ValueError(f"{name}: expected uint8 for an image with an alpha channel. Received: {array.dtype}.")
        if 0 <= low and 0.5 < high <= 1:
            notes.append(
                f"{name}: floats from {low:.2f} to {high:.2f} are used unchanged, with -1 as black and 1 as white; "
                "if 0 means black, pass 2 * image - 1."
            )
    height, width = array.shape[1:3]
    return [_convert(_crop_array(one), width, height, name, resolution, channels, notes) for one in array]


def _crop_array(array: np.ndarray) -> Crop:
    return lambda box: _to_float(array[box[1] : box[3], box[0] : box[2]])


def _to_float(pixels: np.ndarray) -> np.ndarray:
    """Converts pixels [h,w,1..4] of an array, bytes or floats, to float32: colours in [-1, 1], alpha in [0, 1]."""
    if pixels.dtype != np.uint8:
        return pixels.astype(np.float32)
    result = pixels.astype(np.float32) / np.float32(127.5) - np.float32(1.0)
    if pixels.shape[-1] in (2, 4):
        result[..., -1] = pixels[..., -1] / np.float32(255.0)
    return result


def _from_pillow(image: Any, name: str, resolution: int, channels: int, notes: list[str]) -> np.ndarray:
    """Converts a Pillow image to [R,R,C], rotated upright according to its EXIF data."""
    image.load()
    if image.getexif().get(_ORIENTATION, 1) != 1:  # otherwise `exif_transpose` copies the image
        image = import_pillow().ImageOps.exif_transpose(image)
    crop = _crop_numbers(image, name) if image.mode.startswith("I") else _crop_colours(image, name, notes)
    return _convert(crop, image.width, image.height, name, resolution, channels, notes)


def _crop_numbers(image: Any, name: str) -> Crop:
    """Returns the crop of a grey Pillow image with 16 or 32 bits."""

    def crop(box: Box) -> np.ndarray:
        values = np.asarray(image.crop(box)).astype(np.float32)
        if values.min() < 0 or values.max() > 65535:
            received = f"{values.min():g} to {values.max():g}"
            raise UnsupportedImage(f"{name}: expected values from 0 to 65535. Received: {received}.")
        return values[..., None] / np.float32(32767.5) - np.float32(1.0)

    return crop


def _crop_colours(image: Any, name: str, notes: list[str]) -> Crop:
    """Returns the crop of a Pillow image with 8 bits for each channel."""
    mode = image.mode
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

    def crop(box: Box) -> np.ndarray:
        part = image.crop(box)
        pixels = np.asarray(part if mode == wanted else part.convert(wanted))
        return _to_float(pixels[..., None] if pixels.ndim == 2 else pixels)

    return crop


def _convert(
    crop: Crop, width: int, height: int, name: str, resolution: int, channels: int, notes: list[str]
) -> np.ndarray:
    """Converts an image to [R,R,C]: its central square, shrunk by averaging areas or enlarged bicubically.

    The image is converted and made narrower in strips, and then made lower.
    """
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    step = max(1, _STRIP // side)
    strips = []
    for y in range(top, top + side, step):
        strip = crop((left, y, left + side, min(y + step, top + side)))
        strips.append(_resize(_convert_channels(strip, channels, name, notes), resolution, len(strip)))
    square = _resize(np.concatenate(strips), resolution, resolution)
    if (height, width) == (resolution, resolution):
        return square
    cropped = f", cropped to the central {side}x{side}" if height != width else ""
    resized = f", resized to the model's {resolution}x{resolution}" if side != resolution else ""
    notes.append(f"{name}: {width}x{height} pixels{cropped}{resized}.")
    return np.clip(square, -1.0, 1.0) if side != resolution else square


def _convert_channels(array: np.ndarray, channels: int, name: str, notes: list[str]) -> np.ndarray:
    """Converts [h,w,1..4] to [h,w,channels]; transparent pixels become white."""
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


def _resize(array: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resizes [h,w,C] to [height,width,C] by averaging areas, or bicubically if the result has more pixels."""
    if array.shape[:2] == (height, width):
        return array
    image = import_pillow().Image
    shrinks = array.shape[0] * array.shape[1] > height * width
    if shrinks and (array.shape[0] % height or array.shape[1] % width):
        return _average_areas(_average_areas(array, 1, width), 0, height)
    # Channel by channel, since Pillow has no float format with several.
    method = image.Resampling.BOX if shrinks else image.Resampling.BICUBIC
    planes = [
        np.asarray(image.fromarray(np.ascontiguousarray(array[..., c])).resize((width, height), method))
        for c in range(array.shape[-1])
    ]
    return np.stack(planes, axis=-1)


def _average_areas(array: np.ndarray, axis: int, size: int) -> np.ndarray:
    """Divides an axis of [h,w,C] into `size` equal parts and returns the mean of each.

    A pixel on a border counts by the share that is inside; in Pillow's BOX it counts wholly or not at all.
    """
    count = array.shape[axis]
    if count == size:
        return array
    whole, part = np.divmod(np.arange(size + 1) * count, size)  # parts begin in pixel `whole`, after part / size of it
    shares = np.expand_dims(part / size, tuple({0, 1, 2} - {axis}))
    before = shares * array.take(np.minimum(whole, count - 1), axis)
    sums = np.add.reduceat(array, whole[:-1], axis, np.float64) + np.diff(before, axis=axis)
    return (sums * (size / count)).astype(np.float32)
