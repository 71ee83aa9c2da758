"""Processing of published PNG files on all cores: strict checks, and reduction to a smaller size.

Threads suffice: Pillow and zlib release the interpreter lock while they decode, average and compress.
"""

from __future__ import annotations

import collections
import concurrent.futures
import io
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np
from PIL import Image

from tfds_builders.shared.areas import average_areas
from tfds_builders.shared.png import encode_png
from tfds_builders.shared.processes import cores

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGBA"}

T = TypeVar("T")
Result = TypeVar("Result")


def prepare_png(data: bytes, source_edge: int, edge: int, where: str) -> bytes:
    """Checks the PNG file `data` and returns it at edge x edge pixels, byte for byte if it already has that size.

    Args:
        data: Contents of the file, an image of source_edge x source_edge pixels.
        source_edge: Height and width that the file must have.
        edge: Height and width of the result.
        where: File name for error messages.

    Raises:
        ValueError: if the file is invalid; see `open_png`.
    """
    image = open_png(data, source_edge, where)
    return data if source_edge == edge else encode_png(reduce_image(image, edge))


def open_png(data: bytes, edge: int, where: str) -> Image.Image:
    """Decodes a PNG file of edge x edge pixels, RGB, 8 bits per channel.

    Args:
        data: Contents of the file.
        edge: Height and width that the file must have.
        where: File name for error messages.

    Raises:
        ValueError: naming the file and the reason.
    """
    _check_header(data, edge, where)
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.verify()  # checks the CRCs, which decoding alone ignores
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            return image
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        raise ValueError(f"{where}: the PNG file is damaged ({error}). Unpack or download it again.") from error


def _check_header(data: bytes, edge: int, where: str) -> None:
    """Parses the first chunk directly, because Pillow opens images of 16 bits per channel as if they had 8."""
    if not data:
        raise ValueError(f"{where}: the file is empty (0 bytes). Unpack or download it again.")
    if len(data) < 33 or data[:8] != _SIGNATURE or data[12:16] != b"IHDR":
        raise ValueError(f"{where}: expected a PNG file. Received: {len(data):,} bytes that start with {data[:8]!r}.")
    width, height, depth, colours = struct.unpack(">IIBB", data[16:26])
    if (width, height, depth, colours) != (edge, edge, 8, 2):
        kind = _COLOUR_TYPES.get(colours, f"colour type {colours}")
        raise ValueError(
            f"{where}: expected {edge}x{edge} pixels, RGB, 8 bits per channel. Received: {width}x{height}, {kind}, "
            f"{depth} bits. The file belongs to a release other than the one in the config, or to none."
        )


def reduce_image(image: Image.Image | np.ndarray, edge: int) -> np.ndarray:
    """Reduces an image [R, R, 3] to uint8 [edge, edge, 3] by area averaging; keeps it if it has that size."""
    source = image if isinstance(image, Image.Image) else Image.fromarray(np.ascontiguousarray(image))
    return average_areas(source, edge)


def in_parallel(work: Callable[[T], Result], items: Iterable[T], threads: int | None = None) -> Iterator[Result]:
    """Yields work(item) for each item in order, computed by several threads (default: one per core).

    Reads only a few items ahead of the one being yielded, so items may be large. An exception in `work` is raised here
    in place of its result.
    """
    threads = threads or cores()
    waiting: collections.deque[concurrent.futures.Future[Result]] = collections.deque()
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > 4 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
