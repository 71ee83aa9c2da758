"""Models of a pool that are formulas: pictures of K numbers, and encoders that turn what they see of them.

A picture [2,K,1] shows a number u in [-1, 1] by two pixels, of 8 bits each: 128 and 128 / 256 of u. So an encoder reads
codes off it to 1e-4 though pixels are rounded.
"""

import dataclasses
import os
import signal
from pathlib import Path

import numpy as np
import tensorflow as tf

from ssgan_tf.core.priors import UniformPrior


@dataclasses.dataclass
class Toy:
    """Images show codes @ turn; the encoder reads them back by the turn's inverse, or as `reads` says.

    Args:
        turn: [K,K], orthogonal, of the generator.
        reads: [K,J], what the encoder makes of what a picture shows.
        broken: "" or what goes wrong: "constant" images, "nan" images, "dead" codes, "nan codes".
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
        if self.broken == "dead":
            codes = 0.0 * codes + 0.7
        return codes * float("nan") if self.broken == "nan codes" else codes

    def _count(self, what: str) -> None:
        self.calls[what] += 1


@dataclasses.dataclass(frozen=True)
class ToyMember:
    """A member of a pool of toys; it can be sent to another process.

    Args:
        name: of the member, and its key.
        permutation: of the encoder's codes, with signs: 2 and -2 are the second code. Empty: as they are.
        turned: the seed of a `hadamard` that mixes codes before they are shown, and what is read; None: not mixed. All
            that are mixed see the same mixtures.
        kills: a file: if it is not there, it is made and the process killed when the model is loaded.
        broken: see Toy.
        codes: K.
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
    """A random rotation [size,size]."""
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))[0]


def hadamard(seed: int) -> np.ndarray:
    """Rotation [4,4] that mixes four codes as much as can be, all in equal parts; the seed gives order and signs."""
    rng = np.random.default_rng(seed)
    two = np.array([[1, 1], [1, -1]])
    return (np.kron(two, two) / 2)[:, rng.permutation(4)] * rng.choice([-1, 1], 4)
