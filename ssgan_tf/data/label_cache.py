"""Cache of a data set's labels beside its records, for images that stay on disk.

Reading the labels takes a pass over all records. A cache belongs to the bytes of the records: it is not found once they
were replaced, whatever the names, sizes and times of the new files.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence

import numpy as np

from ssgan_tf.core.codes import UNKNOWN
from ssgan_tf.data.tfds_reader import FactorFeature
from ssgan_tf.utils import files
from ssgan_tf.utils.readers import read_array

# Files of up to _WHOLE bytes together are hashed whole; of larger ones _BLOCKS blocks at even distances and the end of
# each file, where ArrayRecord stores the positions of all records, which change with the order of the records.
_WHOLE = 64 << 20
_BLOCK, _BLOCKS, _END = 64 << 10, 256, 1 << 20


def fingerprint(paths: Sequence[str]) -> str:
    """Returns a checksum of the contents of files, in the order given; of large files it reads a spread sample.

    Raises:
        OSError: A file cannot be read.
    """
    sizes = [os.path.getsize(path) for path in paths]
    digest = hashlib.sha256(json.dumps([[os.path.basename(path) for path in paths], sizes]).encode())
    total = sum(sizes)
    step, before = max(1, total // _BLOCKS), 0
    for path, size in zip(paths, sizes, strict=True):
        with open(path, "rb") as file:
            if total <= _WHOLE:
                digest.update(file.read())
                continue
            for start in range(-before % step, size, step):  # multiples of `step`, counted through all files
                file.seek(start)
                digest.update(file.read(_BLOCK))
            file.seek(max(0, size - _END))
            digest.update(file.read())
        before += size
    return digest.hexdigest()


class LabelCache:
    """Cache of the labels of one split and one choice of factors.

    Args:
        folder: Folder of the data set's records.
        paths: Files with the records of the split, in order.
        split: Name of the split.
        features: Features of the factors, in the order of the columns.

    Raises:
        OSError: A file of records cannot be read.
    """

    def __init__(self, folder: str, paths: Sequence[str], split: str, features: Sequence[FactorFeature]):
        specs = [feature.spec for feature in features]
        key = json.dumps([split, fingerprint(paths), *((spec.name, spec.size, spec.range) for spec in specs)])
        self._path = os.path.join(folder, f"labels-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npy")
        self._sizes = [spec.size for spec in specs]

    def load(self, count: int) -> np.ndarray | None:
        """Loads the labels int64 [count,K]; None if they were not saved, or their file is damaged."""
        try:
            cached = read_array(self._path, np.int32, 2, "a cache of labels")
        except (OSError, ValueError):
            return None
        complete = cached.shape == (count, len(self._sizes))
        valid = complete and np.all((cached >= UNKNOWN) & (cached < self._sizes))
        return cached.astype(np.int64) if valid else None

    def save(self, factors: np.ndarray) -> None:
        """Saves labels [N,K], unless the folder cannot be written."""
        with contextlib.suppress(OSError), files.atomic_write(self._path, "wb") as file:
            np.save(file, factors.astype(np.int32))
