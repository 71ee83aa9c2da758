"""PNG files of a data set: checked to the last byte, kept or reduced, on every core.

Threads do: Pillow and zlib let go of the interpreter while they decode, average and compress.
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

from tfds_builders.shared.png import encode_png
from tfds_builders.shared.processes import cores

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {0: "gray", 2: "RGB", 3: "palette", 4: "gray with alpha", 6: "RGBA"}

T = TypeVar("T")
Result = TypeVar("Result")


def prepare_png(data: bytes, own: int, edge: int, where: str) -> bytes:
    """The PNG file `data`, own x own pixels, checked; reduced to edge x edge, or the same bytes if it has that size.

    Raises:
        ValueError: as `open_png`.
    """
    image = open_png(data, own, where)
    return data if own == edge else encode_png(reduce_image(image, edge))


def open_png(data: bytes, edge: int, where: str) -> Image.Image:
    """Decodes a PNG file of edge x edge pixels, RGB, 8 bits a channel.

    Args:
        data: the file.
        edge: height and width that it must have.
        where: its name, for the message.

    Raises:
        ValueError: naming the file and the reason.
    """
    _check_head(data, edge, where)
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.verify()  # the checksums, which decoding alone does not look at
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            return image
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        raise ValueError(f"{where}: the PNG file is damaged ({error}). Unpack or download it again.") from error


def _check_head(data: bytes, edge: int, where: str) -> None:
    """Looks at the first chunk itself: Pillow opens 16 bits a channel as if they were 8."""
    if not data:
        raise ValueError(f"{where}: the file is empty (0 bytes). Unpack or download it again.")
    if len(data) < 33 or data[:8] != _SIGNATURE or data[12:16] != b"IHDR":
        raise ValueError(f"{where}: expected a PNG file. Received: {len(data):,} bytes that start with {data[:8]!r}.")
    width, height, depth, colours = struct.unpack(">IIBB", data[16:26])
    if (width, height, depth, colours) != (edge, edge, 8, 2):
        kind = _COLOUR_TYPES.get(colours, f"colour type {colours}")
        raise ValueError(
            f"{where}: expected {edge}x{edge} pixels, RGB, 8 bits a channel. Received: {width}x{height}, {kind}, "
            f"{depth} bits. This is another release than the config names, or not a file of it."
        )


def reduce_image(image: Image.Image | np.ndarray, edge: int) -> np.ndarray:
    """Averages areas of an image [R, R, 3] down to [edge, edge, 3] uint8; as it is if it has that size."""
    picture = image if isinstance(image, Image.Image) else Image.fromarray(np.ascontiguousarray(image))
    if picture.size != (edge, edge):
        picture = picture.resize((edge, edge), Image.Resampling.BOX)
    return np.asarray(picture)


def in_parallel(work: Callable[[T], Result], items: Iterable[T], threads: int | None = None) -> Iterator[Result]:
    """Yields work(item) of every item, in their order, from several threads (None: one a core).

    Only a few items are ahead of the one that is yielded, so that they may be large. Whatever `work` raises is raised
    here, in the place of its result.
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
