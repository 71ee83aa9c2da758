"""Image files: opened and decoded within bounds of pixels, memory and time, whatever their content.

A file of a few megabytes can describe gigabytes of pixels, millions of frames, or a header without end. The number of
pixels is read from the header and checked before anything is decoded. While a decoder works, each of its reads checks
how much was read and how long it took.
"""

import contextlib
import io
import os
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

MAX_PIXELS = 40_000_000  # decoded from one file
MAX_BYTES = 2**28  # size of a file
FILE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")

_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
_REDUCTION = 3  # a JPEG file may have this many times more pixels, because it can be decoded at a smaller size
_MAX_HEADER = 2**22  # bytes read before the pixels: ten times those of a header with a profile and a thumbnail
_MAX_SECONDS = 10.0  # of processor time for one file; 40 million pixels take one to three
_JPEG_BLOCK = 2**12  # bytes decoded between two checks: a JPEG file may demand a pass over all pixels every 100 bytes
_ADVICE = "save the image again, as PNG or JPEG without extras"

Check = Callable[[], None]


class UnsupportedImage(ValueError):
    """Readable image that the model cannot use; the message gives the reason in one line."""


class _BoundedFile(io.BufferedReader):
    """File of which every read checks how much was read, how long it took, and whether it is still wanted.

    Args:
        path: Path of the file.
        check: Called at every read; an exception in it ends the reading.
    """

    def __init__(self, path: str, check: Check | None):
        super().__init__(io.FileIO(path))
        self.failure: Exception | None = None  # what ended the reading, which decoders may turn into another error
        self.total = os.path.getsize(path)
        self.remaining = _MAX_HEADER + (self.total if self.peek(4)[:4] == b"RIFF" else 0)  # WebP is read as a whole
        self._path, self._check, self._end = path, check, time.thread_time() + _MAX_SECONDS

    def read(self, size: int | None = -1, /) -> bytes:
        """Reads up to `size` bytes, or the rest.

        Raises:
            UnsupportedImage: If a bound is exceeded.
        """
        try:
            if self._check is not None:
                self._check()
            # A read of 2 GB would reserve as much memory, however small the file is.
            rest = max(0, self.total - self.tell())
            data = super().read(rest if size is None or size < 0 else min(size, rest))
            self.remaining -= len(data)
            if self.remaining < 0:
                raise UnsupportedImage(f"{self._path}: expected a header of at most {_MAX_HEADER:,} bytes; {_ADVICE}.")
            if time.thread_time() > self._end:
                raise UnsupportedImage(f"{self._path}: expected at most {_MAX_SECONDS:g} s to read it; {_ADVICE}.")
        except Exception as failure:
            self.failure = failure
            raise
        return data


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


@contextlib.contextmanager
def open_image(path: str, max_pixels: int, notes: list[str], check: Check | None = None) -> Iterator[Any]:
    """Opens an image file as a Pillow image; its pixels are decoded inside the `with` block, by `load`.

    Args:
        path: Path of the file.
        max_pixels: Images with more pixels are refused; JPEG files with up to three times as many are decoded smaller.
        notes: Receives a sentence if the image is decoded smaller or has further frames.
        check: Called whenever the decoder reads; an exception in it ends the reading.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is not an image, is damaged, or exceeds a bound.
    """
    if not os.path.exists(path):
        raise FileNotFoundError(f"{path}: expected an image. Received: a path that does not exist.")
    if not os.path.isfile(path):
        kind = "a folder" if os.path.isdir(path) else "neither a file nor a folder"
        raise ValueError(f"{path}: expected an image. Received: {kind}.")
    if os.path.getsize(path) > MAX_BYTES:
        raise UnsupportedImage(f"{path}: expected at most {MAX_BYTES:,} bytes. Received: {os.path.getsize(path):,}.")
    pil = import_pillow()
    with _BoundedFile(path, check) as file, _one_message(path, max_pixels, file), warnings.catch_warnings():
        # Pillow warns of damaged metadata, and of many pixels up to twice its own limit; beyond, it raises an error.
        warnings.simplefilter("ignore")
        with pil.Image.open(file, formats=_FORMATS) as image:
            _check_pixels(image, path, max_pixels, notes)
            file.remaining = 2 * file.total + _MAX_HEADER
            if image.format in ("JPEG", "MPO"):
                image.decodermaxblock = _JPEG_BLOCK
            yield image
            notes += [f"{path}: {text}" for text in _describe_frames(image, file)]


def _check_pixels(image: Any, path: str, max_pixels: int, notes: list[str]) -> None:
    """Refuses an image with too many pixels, or lets its decoder reduce it."""
    width, height = image.size
    if width * height <= max_pixels:
        return
    # A progressive file is decoded at full size before it is reduced.
    can_reduce = image.format in ("JPEG", "MPO") and image.mode in ("L", "RGB") and not image.info.get("progressive")
    if not can_reduce or width * height > _REDUCTION * max_pixels:
        raise UnsupportedImage(f"{path}: expected at most {max_pixels:,} pixels. Received: {width}x{height}.")
    image.draft(image.mode, (width // 2, height // 2))
    notes.append(f"{path}: {width}x{height} pixels, read at half the size.")


def _describe_frames(image: Any, file: _BoundedFile) -> list[str]:
    """Returns a sentence if the file has more than one frame, as far as a look at a megabyte of it shows."""
    if image.format == "MPO":  # a photograph to which the camera has appended a preview, not an animation
        return []
    file.remaining = 2**20
    try:
        several = getattr(image, "is_animated", False)  # n_frames would read the whole file
    except UnsupportedImage:
        return ["if there are several frames, the first one is used."]
    return ["has several frames; the first one is used."] * several


@contextlib.contextmanager
def _one_message(path: str, max_pixels: int, file: _BoundedFile) -> Iterator[None]:
    """Turns everything that decoders raise on damaged data into one message."""
    pil = import_pillow()
    try:
        yield
    except Exception as error:  # decoders raise nearly anything, TypeError included
        if file.failure is not None:
            raise file.failure from None
        if isinstance(error, UnsupportedImage):
            raise
        if isinstance(error, pil.UnidentifiedImageError):
            with open(path, "rb") as other:
                start = other.read(12)
            raise ValueError(
                f"{path}: expected a PNG, JPEG, WebP, BMP, TIFF or GIF image. Received: "
                + (f"a file that begins with {start!r}." if start else "an empty file.")
            ) from None
        if isinstance(error, pil.Image.DecompressionBombError):
            raise ValueError(f"{path}: expected at most {max_pixels:,} pixels. Received: more.") from None
        reason = " ".join(str(error).split()).rstrip(".")[:200]
        raise ValueError(f"{path}: the image cannot be read: {reason}.") from error
