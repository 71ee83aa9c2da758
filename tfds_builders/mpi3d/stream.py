"""Reader that yields the images of a .npz file one by one: the array of up to 12 GiB need not fit into memory."""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

EDGE = 64
KEY = "images"
_BYTES = EDGE * EDGE * 3
_ADVICE = "It may be damaged or incomplete: download it again."


def read_images(path: Path, count: int, hint: str) -> Iterator[np.ndarray]:
    """Checks the header of the array `images` in a .npz file and returns an iterator of its images [64, 64, 3] uint8.

    Args:
        path: Path of the .npz file.
        count: Number of images that it must hold.
        hint: Addition to the error message if it holds another number.

    Raises:
        ValueError: naming the file and the reason; also during iteration, if the file is damaged.
    """
    with _opened(path) as file:
        shape, fortran, dtype = _header(file, path)
    if dtype != np.uint8 or fortran or len(shape) < 4 or shape[-3:] != (EDGE, EDGE, 3):
        raise ValueError(
            f"{path}: expected an array {KEY!r}, uint8 [{count}, {EDGE}, {EDGE}, 3] in C order. Received: {dtype} "
            f"{list(shape)}{' in Fortran order' if fortran else ''}."
        )
    # The array may have one axis per factor instead of a single one; the order of the images is the same.
    if (received := int(np.prod(shape[:-3]))) != count:
        raise ValueError(f"{path}: expected {count:,} images. Received: {received:,}. {hint}")
    return _stream(path, count)


def _stream(path: Path, count: int) -> Iterator[np.ndarray]:
    with _opened(path) as file:
        _header(file, path)
        for number in range(count):
            content = file.read(_BYTES)
            if len(content) != _BYTES:
                raise ValueError(f"{path}: the array ends after {number:,} of {count:,} images. {_ADVICE}")
            yield np.frombuffer(content, np.uint8).reshape(EDGE, EDGE, 3)
        # The checksum is compared at the end of the member, which may take one more read after the last image.
        if file.read(1):
            raise ValueError(f"{path}: the array is longer than {count:,} images. {_ADVICE}")


def _header(file: IO[bytes], path: Path) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Returns (shape, is Fortran order, dtype) of the array at the beginning of `file`."""
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        return read(file)
    except ValueError as error:
        raise ValueError(f"{path}: {KEY}.npy is not a NumPy array ({error}). {_ADVICE}") from error


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Opens the member of the .npz file that holds the array."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.namelist() != [f"{KEY}.npy"]:
                raise ValueError(f"{path}: expected one array, {KEY!r}. Received: {archive.namelist()}.")
            with archive.open(f"{KEY}.npy") as file:
                yield file
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"{path}: the .npz file cannot be read ({reason}). {_ADVICE}") from error
