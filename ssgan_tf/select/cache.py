"""Cache of a selection on disk, so that a selection that is repeated computes only what is missing.

pairs/<generator>/<encoder>-<settings>.json    votes and score of a pair
codes/<encoder>-<images>.npy                   codes of the real images, for UDR
"""

import dataclasses
import hashlib
import json
import os
from typing import TypeVar

import numpy as np

from ssgan_tf.select.pairs import Member, Pair, Settings
from ssgan_tf.utils import files
from ssgan_tf.utils.readers import read_array, read_json

T = TypeVar("T")

_VERSION = 1  # of the protocol: increase it if the same models and settings would give other results


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"|".join(parts)).hexdigest()[:12]


def digest_images(images: np.ndarray) -> str:
    """Returns a short checksum of images [N,R,R,C] for file names."""
    return _digest(str(images.shape).encode(), np.ascontiguousarray(images).tobytes())


@dataclasses.dataclass(frozen=True)
class PairCache:
    """Cache of pairs and of codes of real images, in one folder. Files are written completely or not at all.

    Args:
        folder: Folder of the selection; created when something is saved.
        settings: Settings of the pairs; pairs that were computed with other settings are not found.
    """

    folder: str
    settings: Settings

    def pair_path(self, generator: Member, encoder: Member) -> str:
        """Path of a pair's file."""
        settings = _digest(json.dumps([_VERSION, dataclasses.asdict(self.settings)]).encode())
        return os.path.join(self.folder, "pairs", generator.key, f"{encoder.key}-{settings}.json")

    def load_pair(self, generator: Member, encoder: Member) -> Pair | None:
        """Loads a pair; None if it was not saved, or its file is damaged."""
        try:
            return read_json(self.pair_path(generator, encoder), Pair.from_json, "a pair")
        except (OSError, ValueError):
            return None

    def save_pair(self, generator: Member, encoder: Member, pair: Pair) -> None:
        path = self.pair_path(generator, encoder)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        files.write_json(pair.to_json(), path)

    def codes_path(self, encoder: Member, images: str) -> str:
        """Path of an encoder's codes of real images.

        Args:
            encoder: Model that encoded them.
            images: Checksum of the images, from `digest_images`.
        """
        return os.path.join(self.folder, "codes", f"{encoder.key}-{images}.npy")

    def load_codes(self, encoder: Member, images: str, count: int) -> np.ndarray | None:
        """Loads codes [N,K]; None if they were not saved, or their file is damaged.

        Args:
            encoder: Model that encoded the images.
            images: Checksum of the images, from `digest_images`.
            count: Number of images, N.
        """
        try:
            codes = read_array(self.codes_path(encoder, images), np.floating, 2, "codes of images")
        except (OSError, ValueError):
            return None
        return codes if codes.shape == (count, encoder.codes) and np.isfinite(codes).all() else None

    def save_codes(self, encoder: Member, images: str, codes: np.ndarray) -> None:
        path = self.codes_path(encoder, images)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with files.atomic_write(path, "wb") as file:
            np.save(file, codes)


def require(found: T | None) -> T:
    """Returns a result loaded from the cache, where it was saved a moment ago.

    Raises:
        OSError: The result is no longer there.
    """
    if found is None:
        raise OSError("out: cached results disappeared or were damaged. Run the selection again to recompute them.")
    return found
