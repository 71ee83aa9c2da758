"""Factors (a data set's integer labels) and codes (the networks' input and output).

A factor with m values 0..m-1 becomes one code in [0, 1]: code = factor / (m - 1). The codes of generated images are
sampled from the same grid, each factor independent and uniform. Both choices are inferred from the Semi-StyleGAN paper
(arXiv 2003.03461, table 3), which reports an L2-gen of 1.514 on Isaac3D for a generator that ignores its code: the
expected distance is 1.525 for this grid, 1.373 for continuous codes and 3.05 for codes in [-1, 1].

Methods without labels have codes that belong to no factor, called latents. Each method samples its codes from a Prior
(priors.py).
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

UNKNOWN = -1  # label of a factor whose value is not known
STEPS = 1001
"""Number of values of a numeric factor: its label is the nearest of this many evenly spaced steps from low to high."""


@dataclasses.dataclass(frozen=True)
class FactorSpec:
    """One factor of variation.

    Args:
        name: Name of the factor, e.g. "object_hue".
        size: Number of values, 2 or more; labels are 0 .. size - 1.
        values: Names of the values, or empty if they have none.
        range: (low, high) of a numeric factor: label 0 means low and label size - 1 means high. None for other factors.

    Raises:
        ValueError: If the name is empty, the factor has fewer than two values, the number of value names is not
            `size`, or the range does not go from low to high.
    """

    name: str
    size: int
    values: tuple[str, ...] = ()
    range: tuple[float, float] | None = None

    def __post_init__(self):
        if not self.name:
            raise ValueError("A factor has no name; expected a non-empty string.")
        if self.size < 2:
            raise ValueError(
                f"Factor {self.name!r} cannot become a code: expected 2 or more values. "
                f"Received: size={self.size}. Leave it out of `data.factors`."
            )
        if self.values and len(self.values) != self.size:
            raise ValueError(f"Factor {self.name!r} has {self.size} values. Received: names {self.values}.")
        if self.range is not None and not self.range[0] < self.range[1]:
            raise ValueError(f"Factor {self.name!r} needs a range from low to high. Received: {self.range}.")


@dataclasses.dataclass(frozen=True)
class CodeSpec:
    """The factors that become codes, in the order of the code vector.

    Args:
        factors: The factors; code k belongs to `factors[k]`.

    Raises:
        ValueError: If there are no factors, or two have the same name.
    """

    factors: tuple[FactorSpec, ...]

    def __post_init__(self):
        if not self.factors:
            raise ValueError("factors: expected at least one. Received: none.")
        twice = sorted({n for n in self.names if self.names.count(n) > 1})
        if twice:
            raise ValueError(f"Factor names must be unique. Received more than once: {twice}.")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.factors)

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(f.size for f in self.factors)

    @property
    def size(self) -> int:
        """K, the width of the code vector."""
        return len(self.factors)

    def encode(self, factors: np.ndarray) -> np.ndarray:
        """Converts labels [N,K] int to codes [N,K] float32 in [0, 1]; an unknown label becomes 0.

        Raises:
            ValueError: If the width is not K, or a label is not in -1 .. size - 1.
        """
        factors = np.asarray(factors)
        if factors.ndim != 2 or factors.shape[1] != self.size:
            raise ValueError(f"Expected factors of shape [N, {self.size}]. Received: {factors.shape}.")
        for k, factor in enumerate(self.factors):
            column = factors[:, k]
            outside = (column < UNKNOWN) | (column >= factor.size)
            if outside.any():
                raise ValueError(
                    f"Factor {factor.name!r} has labels 0..{factor.size - 1} (or {UNKNOWN} for unknown). "
                    f"Received: {int(column[outside][0])} in row {int(np.flatnonzero(outside)[0])}."
                )
        top = np.asarray(self.sizes, np.float32) - 1
        return (np.maximum(factors, 0) / top).astype(np.float32)

    def mask(self, factors: np.ndarray) -> np.ndarray:
        """Returns [N,K] float32: 1 where the label of [N,K] int `factors` is known, 0 where it is not."""
        return (np.asarray(factors) != UNKNOWN).astype(np.float32)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Converts codes [N,K] to the labels [N,K] int64 of the nearest grid points."""
        top = np.asarray(self.sizes) - 1
        return np.clip(np.rint(np.asarray(codes, np.float64) * top), 0, top).astype(np.int64)

    def sample(self, batch: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Samples codes [batch,K] float32 from the grid; the same `seed` ([2] int) gives the same codes."""
        sizes = tf.constant(self.sizes, tf.float32)
        uniform = tf.random.stateless_uniform([batch, self.size], seed)  # in [0, 1)
        # Rounding to float32 can turn u * m into m itself, hence the minimum.
        return tf.minimum(tf.floor(uniform * sizes), sizes - 1) / (sizes - 1)

    def to_json(self) -> list[dict[str, Any]]:
        """Returns a JSON list that `from_json` reads; factors without value names or a range omit these keys."""
        return [
            {"name": f.name, "size": f.size}
            | ({"values": list(f.values)} if f.values else {})
            | ({"range": list(f.range)} if f.range else {})
            for f in self.factors
        ]

    @classmethod
    def from_json(cls, entries: Sequence[dict]) -> "CodeSpec":
        """Builds the spec from the list that `to_json` returned."""

        def factor(e: dict) -> FactorSpec:
            return FactorSpec(
                e["name"], e["size"], tuple(e.get("values", ())), tuple(e["range"]) if "range" in e else None
            )

        return cls(tuple(map(factor, entries)))
