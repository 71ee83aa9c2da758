"""Latents: inputs of the generator for a batch of images."""

import dataclasses
import operator

import numpy as np


@dataclasses.dataclass(frozen=True)
class Latents:
    """Inputs from which the generator makes B images.

    `Editor.latents` builds them from codes, `Editor.fit` from images.

    Args:
        code: [B,K] float32 in [0, 1], one number for each factor.
        noise: z [B,Z] float32, which determines everything else about the images.
        truncation: [B] float32 in [0, 1]; 1 leaves the styles unchanged, lower values move them towards the average.
        offset: [B,L,W] float32, which a fit adds to the style of each layer; None for no offset.
        psnr: [B] float32, similarity between fitted and given images in decibels; None if nothing was fitted.
    """

    code: np.ndarray
    noise: np.ndarray
    truncation: np.ndarray
    offset: np.ndarray | None = None
    psnr: np.ndarray | None = None

    def __repr__(self) -> str:
        """Returns the shapes, the truncation if any, and the PSNR of fitted images, but not the numbers themselves."""
        parts = [f"code={list(self.code.shape)}", f"noise={list(self.noise.shape)}"]
        if (self.truncation != 1).any():
            parts.append(f"truncation={_format_range(self.truncation, '.3g')}")
        if self.offset is not None:
            parts.append(f"offset={list(self.offset.shape)}")
        if self.psnr is not None:
            parts.append(f"psnr={_format_range(self.psnr, '.1f')} dB")
        return f"Latents({', '.join(parts)})"

    def __len__(self) -> int:
        return len(self.code)

    def __getitem__(self, rows: slice | int) -> "Latents":
        """Returns the latents of some images: a slice such as [2:4], or an index, which gives a batch of one.

        Raises:
            IndexError: If there is no image with this index.
        """
        if not isinstance(rows, slice):
            index = range(len(self))[operator.index(rows)]
            rows = slice(index, index + 1)
        return Latents(
            self.code[rows],
            self.noise[rows],
            self.truncation[rows],
            None if self.offset is None else self.offset[rows],
            None if self.psnr is None else self.psnr[rows],
        )

    def with_code(self, code: np.ndarray) -> "Latents":
        """Returns the same latents with another code [B,K]."""
        return dataclasses.replace(self, code=code)


def make_rng(seed: int, *stream: int) -> np.random.Generator:
    """Returns a random number generator for a seed and a purpose.

    Args:
        seed: Integer of 0 or more.
        *stream: Integers that name the purpose; different ones give independent numbers.

    Raises:
        ValueError: If the seed is not an integer, or is negative.
    """
    return np.random.default_rng([check_integer("seed", seed, 0), *stream])


def check_integer(name: str, value: int, minimum: int) -> int:
    """Returns the value as an int.

    Raises:
        ValueError: If it is not an integer, or is below `minimum`.
    """
    try:
        result = operator.index(value)
    except TypeError:
        result = minimum - 1
    if result < minimum:
        raise ValueError(f"{name}: expected an integer of {minimum} or more. Received: {value!r}.")
    return result


def interpolate(a: Latents, b: Latents, share: float) -> Latents:
    """Interpolates from `a` (share 0) to `b` (share 1): linearly, but spherically for the noise."""
    offset = None
    if a.offset is not None or b.offset is not None:
        offset = (1 - share) * _or_zero(a.offset, b.offset) + share * _or_zero(b.offset, a.offset)
    noise = _slerp(a.noise, b.noise, share)
    code, truncation = ((1 - share) * x + share * y for x, y in ((a.code, b.code), (a.truncation, b.truncation)))
    return Latents(code.astype(np.float32), noise, truncation.astype(np.float32), offset)


def _or_zero(offset: np.ndarray | None, other: np.ndarray | None) -> np.ndarray:
    if offset is not None:
        return offset
    assert other is not None
    return np.zeros_like(other)


def _slerp(a: np.ndarray, b: np.ndarray, share: float) -> np.ndarray:
    """Interpolates [B,Z] spherically: the direction turns at constant speed while the length changes linearly."""
    straight = (1 - share) * a + share * b
    lengths = [np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b)]
    first, second = (x / np.maximum(length, 1e-12) for x, length in zip((a, b), lengths, strict=True))
    angle = np.arccos(np.clip((first * second).sum(axis=1, keepdims=True), -1.0, 1.0))
    # Parallel, opposite and zero vectors span no circle: interpolate them linearly.
    flat = (np.sin(angle) < 1e-2) | (np.minimum(*lengths) < 1e-12)
    sine = np.where(flat, 1.0, np.sin(angle))
    turned = (np.sin((1 - share) * angle) * first + np.sin(share * angle) * second) / sine
    length = (1 - share) * lengths[0] + share * lengths[1]
    return np.where(flat, straight, length * turned).astype(np.float32)


def _format_range(values: np.ndarray, spec: str) -> str:
    """Returns "low to high", or one number if both look the same."""
    return " to ".join(dict.fromkeys(format(float(value), spec) for value in (values.min(), values.max())))
