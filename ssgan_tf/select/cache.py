"""What a selection has computed, in files that are whole or not there: the next start goes on from them.

pairs/<generator>/<encoder>-<settings>.json    a pair's votes and score
codes/<encoder>-<images>.npy                   codes of the real images that UDR looks at
"""

import dataclasses
import hashlib
import json
import os

import numpy as np

from ssgan_tf.select.groups import Settings
from ssgan_tf.select.pairs import Member, Pair
from ssgan_tf.utils import files

_VERSION = 1  # of what is computed: raise it with a change of the protocol


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"|".join(parts)).hexdigest()[:12]


@dataclasses.dataclass(frozen=True)
class Kept:
    """Files of one folder, for pairs computed alike.

    Args:
        folder: of the selection; made where something is kept.
        settings: of the pairs.
    """

    folder: str
    settings: Settings

    def path(self, generator: Member, encoder: Member) -> str:
        """Of a pair's file."""
        alike = _digest(json.dumps([_VERSION, dataclasses.asdict(self.settings)]).encode())
        return os.path.join(self.folder, "pairs", generator.key, f"{encoder.key}-{alike}.json")

    def pair(self, generator: Member, encoder: Member) -> Pair | None:
        """The pair, if it was kept; a file that cannot be read counts as none."""
        try:
            with open(self.path(generator, encoder), encoding="utf-8") as file:
                return Pair.from_json(json.load(file))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep_pair(self, generator: Member, encoder: Member, pair: Pair) -> None:
        path = self.path(generator, encoder)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        files.write_json(pair.to_json(), path)

    def codes_path(self, encoder: Member, images: str) -> str:
        """Of the codes that an encoder read off the images of that name."""
        return os.path.join(self.folder, "codes", f"{encoder.key}-{images}.npy")

    def codes(self, encoder: Member, images: str) -> np.ndarray | None:
        """The codes [N,K], if they were kept; a file that cannot be read counts as none."""
        try:
            return np.load(self.codes_path(encoder, images))
        except (OSError, ValueError, EOFError):
            return None

    def keep_codes(self, encoder: Member, images: str, codes: np.ndarray) -> None:
        path = self.codes_path(encoder, images)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with files.atomic_write(path, "wb") as file:
            np.save(file, codes)


def name_of(images: np.ndarray) -> str:
    """What tells images [N,R,R,C] from others in a file's name."""
    return _digest(str(images.shape).encode(), np.ascontiguousarray(images).tobytes())
