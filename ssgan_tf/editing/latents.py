"""What pictures are made from."""

import dataclasses
import operator

import numpy as np


@dataclasses.dataclass(frozen=True)
class Latents:
    """What the generator makes B pictures from. `Editor.latents` makes them of codes, `Editor.fit` of pictures.

    Args:
        code: [B,K] float32 in [0, 1], one number for each factor.
        noise: z [B,Z] float32, everything else about the pictures.
        truncation: [B] float32 in [0, 1]; 1 leaves the styles as they are, less moves them to the average.
        offset: [B,L,W] float32, what a fit adds to the style of each layer; None for nothing.
        psnr: [B] float32, how near a fit came to its pictures, in decibels; None where nothing was fitted.
    """

    code: np.ndarray
    noise: np.ndarray
    truncation: np.ndarray
    offset: np.ndarray | None = None
    psnr: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.code)

    def __getitem__(self, rows: slice | int) -> "Latents":
        """Those of some of the pictures: a slice such as [2:4], or the number of one, which is a batch of one.

        Raises:
            IndexError: there is no picture of that number.
        """
        if not isinstance(rows, slice):
            number = range(len(self))[operator.index(rows)]
            rows = slice(number, number + 1)
        return Latents(
            self.code[rows],
            self.noise[rows],
            self.truncation[rows],
            None if self.offset is None else self.offset[rows],
            None if self.psnr is None else self.psnr[rows],
        )

    def with_code(self, code: np.ndarray) -> "Latents":
        """The same but for the code [B,K]."""
        return dataclasses.replace(self, code=code)


def make_rng(seed: int, *stream: int) -> np.random.Generator:
    """Random numbers that depend on a seed and on what they are for.

    Raises:
        ValueError: for a seed that is no integer from 0 on.
    """
    return np.random.default_rng([check_whole("seed", seed, 0), *stream])


def check_whole(name: str, value: int, least: int) -> int:
    """The value as an int.

    Raises:
        ValueError: it is no integer, or below `least`.
    """
    try:
        whole = operator.index(value)
    except TypeError:
        whole = least - 1
    if whole < least:
        raise ValueError(f"{name}: expected an integer from {least} on. Received: {value!r}.")
    return whole


def between(a: Latents, b: Latents, share: float) -> Latents:
    """`a` at share 0, `b` at 1: noise along a circle, as its length says nothing, and all else in a straight line."""
    offset = None
    if a.offset is not None or b.offset is not None:
        offset = (1 - share) * _or_zero(a.offset, b.offset) + share * _or_zero(b.offset, a.offset)
    noise = _along_circle(a.noise, b.noise, share)
    code, truncation = ((1 - share) * x + share * y for x, y in ((a.code, b.code), (a.truncation, b.truncation)))
    return Latents(code.astype(np.float32), noise, truncation.astype(np.float32), offset)


def _or_zero(offset: np.ndarray | None, other: np.ndarray | None) -> np.ndarray:
    if offset is not None:
        return offset
    assert other is not None
    return np.zeros_like(other)


def _along_circle(a: np.ndarray, b: np.ndarray, share: float) -> np.ndarray:
    """[B,Z] and [B,Z] -> [B,Z], turned from one to the other at an even pace, as the length goes evenly too."""
    straight = (1 - share) * a + share * b
    lengths = [np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b)]
    first, second = (x / np.maximum(length, 1e-12) for x, length in zip((a, b), lengths, strict=True))
    angle = np.arccos(np.clip((first * second).sum(axis=1, keepdims=True), -1.0, 1.0))
    # Where both point the same way, or opposite ways, or one is nothing, there is no circle: a straight line will do.
    flat = (np.sin(angle) < 1e-2) | (np.minimum(*lengths) < 1e-12)
    sine = np.where(flat, 1.0, np.sin(angle))
    turned = (np.sin((1 - share) * angle) * first + np.sin(share * angle) * second) / sine
    length = (1 - share) * lengths[0] + share * lengths[1]
    return np.where(flat, straight, length * turned).astype(np.float32)
