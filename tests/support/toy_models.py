"""Models of a pool that are formulas: images that show K numbers, and encoders that read and mix them.

An image [2,K,1] shows a number u in [-1, 1] by two pixels of 8 bits each, the integer part of 127.5 (u + 1) and 256
times its fraction. So an encoder reads codes to 1e-4 although pixels are rounded.
"""

import dataclasses
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from ssgan_tf.core.priors import UniformPrior
from ssgan_tf.select import scoring, workers
from ssgan_tf.select.cache import PairCache
from ssgan_tf.select.pairs import Settings
from ssgan_tf.utils.progress_bar import make_bar


@dataclasses.dataclass
class Toy:
    """Generator whose images show codes @ turn, and an encoder that reads them.

    Args:
        turn: Orthogonal matrix [K,K] of the generator.
        reads: Matrix [K,J] of the encoder, from what an image shows to codes; the transpose of `turn` inverts it.
        broken: Failure: "constant" images, "nan" images, "inactive" codes, "nan codes", or "" for none.
    """

    turn: np.ndarray
    reads: np.ndarray
    broken: str = ""

    def __post_init__(self):
        self.prior = UniformPrior(len(self.turn))
        self.noise_size = 3
        self.calls = {"generate": 0, "encode": 0}

    def generate(self, noise: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
        tf.py_function(lambda: self._count("generate"), [], [])
        size = tf.sqrt(float(len(self.turn)))
        shown = (codes @ tf.constant(self.turn, tf.float32) / size + 1.0) * 127.5  # 0 .. 255
        coarse = tf.floor(shown)
        images = tf.stack([coarse, tf.floor((shown - coarse) * 256.0)], axis=1)[..., None] / 127.5 - 1.0
        images += 0.0 * tf.reduce_sum(noise)
        if self.broken == "constant":
            images = 0.0 * images
        return images * float("nan") if self.broken == "nan" else images

    def encode(self, images: tf.Tensor) -> tf.Tensor:
        tf.py_function(lambda: self._count("encode"), [], [])
        pixels = (images + 1.0) * 127.5
        shown = (pixels[:, 0, :, 0] + pixels[:, 1, :, 0] / 256.0) / 127.5 - 1.0
        codes = shown @ tf.constant(self.reads, tf.float32)
        if self.broken == "inactive":
            codes = 0.0 * codes + 0.7
        return codes * float("nan") if self.broken == "nan codes" else codes

    def _count(self, what: str) -> None:
        self.calls[what] += 1


@dataclasses.dataclass(frozen=True)
class ToyMember:
    """Member of a pool of toys; it can be sent to another process.

    Args:
        name: Name of the member, and its key.
        permutation: Order of the encoder's codes, with signs: 2 and -2 are the second code. Empty for no change.
        turned: Seed of a `hadamard` that mixes codes before they are shown, and of another one that mixes what is
            read; None for no mixing. Members with the same seed see the same mixtures.
        kills: File that the first process to load the model creates, just before it is killed; "" for none.
        broken: Failure, as in `Toy`.
        codes: Number of codes, K.
    """

    name: str
    permutation: tuple[int, ...] = ()
    turned: int | None = None
    kills: str = ""
    broken: str = ""
    codes: int = 4

    @property
    def key(self) -> str:
        return self.name

    def load(self) -> Toy:
        if self.kills and not Path(self.kills).exists():
            Path(self.kills).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        turn = np.eye(self.codes) if self.turned is None else hadamard(self.turned)
        reads = np.eye(self.codes) if self.turned is None else hadamard(self.turned + 100)
        if self.permutation:
            chosen = np.array(self.permutation)
            reads = reads[:, np.abs(chosen) - 1] * np.sign(chosen)
        return Toy(turn, reads, self.broken)


def rotation(size: int, seed: int) -> np.ndarray:
    """Returns a random rotation [size,size]."""
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))[0]


def hadamard(seed: int) -> np.ndarray:
    """Returns a rotation [4,4] that mixes four codes in equal parts; the seed gives order and signs."""
    rng = np.random.default_rng(seed)
    two = np.array([[1, 1], [1, -1]])
    return (np.kron(two, two) / 2)[:, rng.permutation(4)] * rng.choice([-1, 1], 4)


SETTINGS = Settings(groups=60, size=20)
GOOD = [ToyMember("a"), ToyMember("b", permutation=(3, -1, 4, 2)), ToyMember("c", permutation=(-4, -3, -2, -1))]
"""Members that see the same codes in another order, with other signs."""
MIXED = ToyMember("mixed", turned=1)


def quiet_bar(total: int = 1):
    return make_bar(total, "img", quiet=True)


def compute_matrix(
    members: Sequence[Any], folder: Path, settings: Settings = SETTINGS, run: Callable = workers.run_here
) -> np.ndarray:
    """Computes A [N, N] with a cache in `folder`."""
    cache = PairCache(str(folder), settings)
    run(workers.missing_pairs(members, cache), quiet_bar())
    return scoring.load_matrix(members, cache)[0]
