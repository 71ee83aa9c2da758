"""Priors: the distributions that a model's codes are sampled from, with their maps to unit codes in [0, 1]."""

import dataclasses
import math
from typing import Protocol

import tensorflow as tf

from ssgan_tf.core.codes import STEPS, CodeSpec, FactorSpec


class Prior(Protocol):
    """Prior distribution of a model's codes, with a map to [0, 1].

    Encoders and metrics use codes in the method's own units. Exports and sliders, which do not know the method, use
    unit codes: the position of a code in the prior, which is uniform in [0, 1].
    """

    @property
    def spec(self) -> CodeSpec:
        """Names of the unit codes and the number of values of each."""

    def sample(self, batch: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Samples codes [batch,K]; the same `seed` ([2] int) gives the same codes."""

    def to_unit(self, codes: tf.Tensor) -> tf.Tensor:
        """Converts codes [...,K] to unit codes. An encoder's estimates may lie outside [0, 1]."""

    def from_unit(self, unit_codes: tf.Tensor) -> tf.Tensor:
        """Converts unit codes [...,K] to codes; the inverse of `to_unit`."""


@dataclasses.dataclass(frozen=True)
class GridPrior:
    """Prior of codes that stand for factors: the grid of their values. These codes are unit codes already.

    Args:
        spec: The factors.
    """

    spec: CodeSpec

    def sample(self, batch: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        return self.spec.sample(batch, seed)

    def to_unit(self, codes: tf.Tensor) -> tf.Tensor:
        return codes

    def from_unit(self, unit_codes: tf.Tensor) -> tf.Tensor:
        return unit_codes


def latent_spec(spec: CodeSpec) -> CodeSpec:
    """Returns a spec of equal sizes with names latent_0, latent_1, ...: without labels no code belongs to a factor."""
    return CodeSpec(tuple(FactorSpec(f"latent_{i}", factor.size) for i, factor in enumerate(spec.factors)))


def _continuous_latents(size: int) -> CodeSpec:
    if size < 1:
        raise ValueError(f"latents: expected 1 or more. Received: {size}.")
    return CodeSpec(tuple(FactorSpec(f"latent_{i}", STEPS, range=(0.0, 1.0)) for i in range(size)))


@dataclasses.dataclass(frozen=True)
class UniformPrior:
    """Prior of InfoGAN's latents: independent and uniform in [-1, 1].

    Args:
        size: Number of latents K.
    """

    size: int

    @property
    def spec(self) -> CodeSpec:
        return _continuous_latents(self.size)

    def sample(self, batch: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        return tf.random.stateless_uniform([batch, self.size], seed, -1.0, 1.0)

    def to_unit(self, codes: tf.Tensor) -> tf.Tensor:
        return (codes + 1.0) / 2.0

    def from_unit(self, unit_codes: tf.Tensor) -> tf.Tensor:
        return 2.0 * unit_codes - 1.0


@dataclasses.dataclass(frozen=True)
class NormalPrior:
    """Prior of a VAE's latents: independent and N(0, 1). The unit code is the cumulative probability, 0.5 at the mean.

    `from_unit` clips unit codes to [0.001, 0.999], so that latents stay within [-3.09, 3.09].

    Args:
        size: Number of latents K.
    """

    size: int

    @property
    def spec(self) -> CodeSpec:
        return _continuous_latents(self.size)

    def sample(self, batch: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        return tf.random.stateless_normal([batch, self.size], seed)

    def to_unit(self, codes: tf.Tensor) -> tf.Tensor:
        return 0.5 * (1.0 + tf.math.erf(codes / math.sqrt(2.0)))

    def from_unit(self, unit_codes: tf.Tensor) -> tf.Tensor:
        return math.sqrt(2.0) * tf.math.erfinv(2.0 * tf.clip_by_value(unit_codes, 0.001, 0.999) - 1.0)
