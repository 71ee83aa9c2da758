"""Factors (a data set's integer labels) and codes (what the networks see).

A factor with m values 0..m-1 becomes one code in [0, 1]: code = factor / (m - 1). Generated images draw their
codes from the same grid, every factor independent and uniform. Both choices are deduced from the published L2-gen
of a generator that ignores its code (1.514 on Isaac3D): two independent draws from this grid give 1.525, while
continuous codes would give 1.373 and a [-1, 1] range 3.05.

Methods without labels have codes of their own, which belong to no factor: latents. What a method's codes are drawn
from is its Prior.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

UNKNOWN = -1  # the integer label of a factor whose value nobody wrote down
STEPS = 1001
"""Values of a factor that is a number with a range: its label is the nearest of so many steps from low to high."""


@dataclasses.dataclass(frozen=True)
class FactorSpec:
    """One factor of variation.

    Args:
        name: what a person calls it, e.g. "object_hue".
        size: how many values it takes (2 or more); its labels are 0 .. size - 1.
        values: what the values are called, where they have names.
        range: low and high of a factor that is a number; label 0 is low and label size - 1 is high.

    Raises:
        ValueError: if the name is empty, the factor has fewer than two values, or another number of names.
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
                f"Factor {self.name!r} cannot become a code: expected 2 values or more. "
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
        factors: the factors; code k belongs to `factors[k]`.

    Raises:
        ValueError: if there is no factor, or two share a name.
    """

    factors: tuple[FactorSpec, ...]

    def __post_init__(self):
        if not self.factors:
            raise ValueError("No factor is given; expected at least one to make a code of.")
        twice = sorted({n for n in self.names if self.names.count(n) > 1})
        if twice:
            raise ValueError(f"Factor names must differ. Received more than once: {twice}.")

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
        """Turns labels [N,K] int into codes [N,K] float32 in [0, 1]; an unknown label becomes 0.

        Raises:
            ValueError: if the width is not K or a label lies outside -1 .. size - 1.
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
        """Turns codes [N,K] into the labels [N,K] int64 of the nearest grid points."""
        top = np.asarray(self.sizes) - 1
        return np.clip(np.rint(np.asarray(codes, np.float64) * top), 0, top).astype(np.int64)

    def sample(self, batch: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws codes [batch,K] float32 from the grid; the same `seed` ([2] int) gives the same codes."""
        sizes = tf.constant(self.sizes, tf.float32)
        uniform = tf.random.stateless_uniform([batch, self.size], seed)  # in [0, 1)
        # float32 rounding can turn u * m into m itself, hence the minimum.
        return tf.minimum(tf.floor(uniform * sizes), sizes - 1) / (sizes - 1)

    def to_json(self) -> list[dict[str, Any]]:
        """Returns a list that `json.dump` takes and `from_json` reads; names of values and ranges where there are."""
        return [
            {"name": f.name, "size": f.size}
            | ({"values": list(f.values)} if f.values else {})
            | ({"range": list(f.range)} if f.range else {})
            for f in self.factors
        ]

    @classmethod
    def from_json(cls, entries: Sequence[dict]) -> "CodeSpec":
        def factor(e: dict) -> FactorSpec:
            return FactorSpec(
                e["name"], e["size"], tuple(e.get("values", ())), tuple(e["range"]) if "range" in e else None
            )

        return cls(tuple(map(factor, entries)))
