"""Priors: the distributions that a model's codes are sampled from, with their maps to unit codes in [0, 1]."""

import dataclasses
import math
from typing import Protocol

import tensorflow as tf

from ssgan_tf.core.codes import STEPS, CodeSpec, FactorSpec


class Prior(Protocol):
    """What a model's codes are drawn from, and how they are told in [0, 1].

    Codes have their method's own units: encoders give them and metrics see them so. Where nobody knows the method -
    an export, a slider - they are told in [0, 1], where the prior is uniform.
    """

    @property
    def spec(self) -> CodeSpec:
        """The codes as they are told in [0, 1]: their names and how many values they take."""

    def sample(self, batch: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws codes [batch,K]; the same `seed` ([2] int) gives the same."""

    def to_unit(self, codes: tf.Tensor) -> tf.Tensor:
        """Codes [...,K] as told in [0, 1]; of an encoder's they may lie outside."""

    def from_unit(self, told: tf.Tensor) -> tf.Tensor:
        """The way back."""


@dataclasses.dataclass(frozen=True)
class GridPrior:
    """Codes of factors, from the grid of their values; told as they are.

    Args:
        spec: the factors.
    """

    spec: CodeSpec

    def sample(self, batch: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        return self.spec.sample(batch, seed)

    def to_unit(self, codes: tf.Tensor) -> tf.Tensor:
        return codes

    def from_unit(self, told: tf.Tensor) -> tf.Tensor:
        return told


def unnamed(spec: CodeSpec) -> CodeSpec:
    """The same numbers of values for codes that no label has tied to a factor: latent_0, latent_1, ..."""
    return CodeSpec(tuple(FactorSpec(f"latent_{i}", factor.size) for i, factor in enumerate(spec.factors)))


def _latents(size: int) -> CodeSpec:
    if size < 1:
        raise ValueError(f"latents: expected 1 or more. Received: {size}.")
    return CodeSpec(tuple(FactorSpec(f"latent_{i}", STEPS, range=(0.0, 1.0)) for i in range(size)))


@dataclasses.dataclass(frozen=True)
class UniformPrior:
    """Latents of InfoGAN: independent, uniform in [-1, 1].

    Args:
        size: how many.
    """

    size: int

    @property
    def spec(self) -> CodeSpec:
        return _latents(self.size)

    def sample(self, batch: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        return tf.random.stateless_uniform([batch, self.size], seed, -1.0, 1.0)

    def to_unit(self, codes: tf.Tensor) -> tf.Tensor:
        return (codes + 1.0) / 2.0

    def from_unit(self, told: tf.Tensor) -> tf.Tensor:
        return 2.0 * told - 1.0


@dataclasses.dataclass(frozen=True)
class NormalPrior:
    """Latents of a VAE: independent, N(0, 1). Told as the share of the prior that lies below: 0.5 is the middle.

    The outermost 0.1 % at each end are told as 0.001 and 0.999: a latent goes from -3.09 to 3.09.

    Args:
        size: how many.
    """

    size: int

    @property
    def spec(self) -> CodeSpec:
        return _latents(self.size)

    def sample(self, batch: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        return tf.random.stateless_normal([batch, self.size], seed)

    def to_unit(self, codes: tf.Tensor) -> tf.Tensor:
        return 0.5 * (1.0 + tf.math.erf(codes / math.sqrt(2.0)))

    def from_unit(self, told: tf.Tensor) -> tf.Tensor:
        return math.sqrt(2.0) * tf.math.erfinv(2.0 * tf.clip_by_value(told, 0.001, 0.999) - 1.0)
