"""The images of a .npz file, one after another: 12 GiB that need not fit into memory."""

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
_AGAIN = "It may be damaged, or not fully downloaded: download it again."


def read_images(path: Path, count: int, hint: str) -> Iterator[np.ndarray]:
    """Checks the head of the array `images` of a .npz file at once; then yields its images [64, 64, 3] uint8.

    Args:
        path: the file.
        count: how many images it must hold.
        hint: added to the message where it holds another number of them.

    Raises:
        ValueError: naming the file and the reason; while it is read too, if it is damaged.
    """
    with _opened(path) as file:
        shape, fortran, dtype = _head(file, path)
    if dtype != np.uint8 or fortran or len(shape) < 4 or shape[-3:] != (EDGE, EDGE, 3):
        raise ValueError(
            f"{path}: expected an array {KEY!r}, uint8 [{count}, {EDGE}, {EDGE}, 3] in C order. Received: {dtype} "
            f"{list(shape)}{' in Fortran order' if fortran else ''}."
        )
    # The grid's axes may stand there one by one: the order of the images is the same.
    if (received := int(np.prod(shape[:-3]))) != count:
        raise ValueError(f"{path}: expected {count:,} images. Received: {received:,}. {hint}")
    return _stream(path, count)


def _stream(path: Path, count: int) -> Iterator[np.ndarray]:
    with _opened(path) as file:
        _head(file, path)
        for number in range(count):
            content = file.read(_BYTES)
            if len(content) != _BYTES:
                raise ValueError(f"{path}: the array ends after {number:,} of {count:,} images. {_AGAIN}")
            yield np.frombuffer(content, np.uint8).reshape(EDGE, EDGE, 3)
        # The checksum is compared where the member ends, which may take a read beyond the last image.
        if file.read(1):
            raise ValueError(f"{path}: the array is longer than {count:,} images. {_AGAIN}")


def _head(file: IO[bytes], path: Path) -> tuple[tuple[int, ...], bool, np.dtype]:
    """(shape, in Fortran order, type) of the array that `file` begins with."""
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        return read(file)
    except ValueError as error:
        raise ValueError(f"{path}: {KEY}.npy is no array of NumPy's ({error}). {_AGAIN}") from error


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The member of the .npz file that holds the array."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.namelist() != [f"{KEY}.npy"]:
                raise ValueError(f"{path}: expected one array, {KEY!r}. Received: {archive.namelist()}.")
            with archive.open(f"{KEY}.npy") as file:
                yield file
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise ValueError(f"{path}: the .npz file cannot be read ({type(error).__name__}: {error}). {_AGAIN}") from error
