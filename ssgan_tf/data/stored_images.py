"""Pixels of stored images at the training resolution, decoded into memory or read from disk when needed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import joblib
import numpy as np
import tensorflow as tf

from ssgan_tf.data.tfds_reader import Records

_CHUNK = 64


def reduce_resolution(images: np.ndarray, resolution: int) -> np.ndarray:
    """Reduces uint8 [n,h,w,C] to [n,resolution,resolution,C] by averaging areas; 0 or h leaves it unchanged."""
    if resolution in (0, images.shape[1]):
        return images
    smaller = tf.image.resize(tf.cast(images, tf.float32), [resolution, resolution], "area")
    return tf.cast(tf.round(smaller), tf.uint8).numpy()


def scale_pixels(images: np.ndarray, scale: int) -> np.ndarray:
    """Returns the stored pixels multiplied by `scale`, uint8.

    Raises:
        ValueError: A pixel would exceed 255.
    """
    if scale != 1 and images.max(initial=0) * scale > 255:
        raise ValueError(f"expected pixels of 0 and 1, as in TFDS's dsprites. Received: {images.max()}.")
    return images * np.uint8(scale)


class StoredImages:
    """Images of a data set stored as ArrayRecord, indexed like an array and decoded on access.

    Args:
        records: Records of the data set.
        shape: Shape (R, R, C) to return; larger images are reduced.
        scale: Factor that stored pixels are multiplied by.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, records: Records, shape: tuple[int, ...], scale: int = 1):
        self.shape = (len(records), *shape)
        self._records = records
        self._scale = scale
        self._rows = np.arange(len(records))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Returns the pixels of a row number, a slice, an array of row numbers, or a boolean mask."""
        wanted = self._rows[rows]
        return self.read(np.atleast_1d(wanted).ravel()).reshape(*np.shape(wanted), *self.shape[1:])

    def read(self, rows: np.ndarray, see: Callable[[int, list[dict[str, Any]]], None] | None = None) -> np.ndarray:
        """Reads the images of row numbers [n] as uint8 [n,R,R,C], decoded on all cores.

        Args:
            rows: Row numbers.
            see: Function that is called, in several threads, with the records that were read and the place of the
                first of them in `rows`.
        """
        images = np.empty([len(rows), *self.shape[1:]], np.uint8)

        def fill(start: int) -> None:
            part = slice(start, start + _CHUNK)
            records = self._records.read(rows[part])
            images[part] = reduce_resolution(self._decode(records), self.shape[1])
            if see is not None:
                see(start, records)

        starts = range(0, len(rows), _CHUNK)
        if len(starts) < 2:
            for start in starts:
                fill(start)
            return images
        with ThreadPoolExecutor(joblib.cpu_count()) as pool:
            list(pool.map(fill, starts))
        return images

    def _decode(self, records: list[dict[str, Any]]) -> np.ndarray:
        """Decodes the images of records at their stored size, uint8 [n,h,w,C]."""
        found = [tf.io.decode_image(record["image"], expand_animations=False).numpy() for record in records]
        return scale_pixels(np.stack(found), self._scale)
