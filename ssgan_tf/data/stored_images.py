"""Stored pictures -> the pixels that training asks for: in memory, or read from disk as they are needed."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import joblib
import numpy as np
import tensorflow as tf

from ssgan_tf.data.tfds_reader import Records

_CHUNK = 64


def reduce(images: np.ndarray, resolution: int) -> np.ndarray:
    """uint8 [n,h,w,C] -> [n,resolution,resolution,C] by averaging areas; as they are where it is 0 or theirs."""
    if resolution in (0, images.shape[1]):
        return images
    smaller = tf.image.resize(tf.cast(images, tf.float32), [resolution, resolution], "area")
    return tf.cast(tf.round(smaller), tf.uint8).numpy()


def scaled(images: np.ndarray, scale: int) -> np.ndarray:
    """Pixels as they are kept times `scale`: uint8.

    Raises:
        ValueError: one is brighter than white then.
    """
    if scale != 1 and images.max(initial=0) * scale > 255:
        raise ValueError(f"expected pixels of 0 and 1, as TFDS's dsprites has. Received: {images.max()}.")
    return images * np.uint8(scale)


class StoredImages:
    """Images of a data set kept as ArrayRecord, decoded when they are asked for; indexed by row like an array.

    Args:
        records: of the data set.
        shape: (R, R, C) of the images as asked for; larger ones are reduced.
        scale: what pixels are multiplied with.
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
        """Pixels of a row number, a slice, or an array of row numbers or of bools."""
        wanted = self._rows[rows]
        return self.read(np.atleast_1d(wanted).ravel()).reshape(*np.shape(wanted), *self.shape[1:])

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Pixels of row numbers [n]: uint8 [n,R,R,C]; decoded on all cores."""
        images = np.empty([len(rows), *self.shape[1:]], np.uint8)

        def fill(start: int) -> None:
            part = slice(start, start + _CHUNK)
            images[part] = reduce(self._decode(rows[part]), self.shape[1])

        starts = range(0, len(rows), _CHUNK)
        if len(starts) < 2:
            for start in starts:
                fill(start)
            return images
        with ThreadPoolExecutor(joblib.cpu_count()) as pool:
            list(pool.map(fill, starts))
        return images

    def _decode(self, rows: np.ndarray) -> np.ndarray:
        """Pixels as they are kept: uint8 [n,h,w,C]."""
        found = [tf.io.decode_image(r["image"], expand_animations=False).numpy() for r in self._records.read(rows)]
        return scaled(np.stack(found), self._scale)
