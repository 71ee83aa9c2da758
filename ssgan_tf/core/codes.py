"""Factors (a data set's integer labels) and codes (the networks' input and output).

A factor with m values 0..m-1 becomes one code in [0, 1]: code = factor / (m - 1). The codes of generated images are
sampled from the same grid, each factor independent and uniform. Both choices are inferred from the Semi-StyleGAN paper
(arXiv 2003.03461, table 3), which reports an L2-gen of 1.514 on Isaac3D for a generator that ignores its code: the
expected distance is 1.525 for this grid, 1.373 for continuous codes and 3.05 for codes in [-1, 1].

Methods without labels have codes that belong to no factor, called latents. Each method samples its codes from a Prior
(priors.py).
"""

import dataclasses
import math
from typing import Any

import numpy as np
import tensorflow as tf

UNKNOWN = -1  # label of a factor whose value is not known
_MAX_SIZE = 2**31 - 1  # labels are stored in 32 bits
STEPS = 1001
"""Number of values of a numeric factor: its label is the nearest of this many evenly spaced steps from low to high."""


@dataclasses.dataclass(frozen=True)
class FactorSpec:
    """One factor of variation.

    Args:
        name: Name of the factor, e.g. "object_hue".
        size: Number of values, from 2 to 2**31 - 1; labels are 0 .. size - 1.
        values: Names of the values, or empty if they have none.
        range: (low, high) of a numeric factor: label 0 means low and label size - 1 means high. None for other factors.

    Raises:
        ValueError: If the name is empty, the factor has fewer than two values, the number of value names is not
            `size`, the range does not go from low to high, or a field has another type.
    """

    name: str
    size: int
    values: tuple[str, ...] = ()
    range: tuple[float, float] | None = None

    def __post_init__(self):
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"A factor has no name; expected a non-empty string. Received: {self.name!r}.")
        if type(self.size) is not int or not 2 <= self.size <= _MAX_SIZE:
            raise ValueError(
                f"Factor {self.name!r} cannot become a code: expected 2 or more values, at most {_MAX_SIZE}. "
                f"Received: size={self.size!r}. Leave it out of `data.factors`."
            )
        if not all(isinstance(value, str) for value in self.values) or len(self.values) not in (0, self.size):
            raise ValueError(f"Factor {self.name!r} has {self.size} values. Received: names {self.values}.")
        if self.range is not None and not _is_range(self.range):
            raise ValueError(f"Factor {self.name!r} needs a range from low to high. Received: {self.range}.")


def _is_range(value: tuple) -> bool:
    """Returns whether the value is (low, high) with finite numbers low < high."""
    numbers = all(isinstance(end, int | float) and math.isfinite(end) for end in value)
    return len(value) == 2 and numbers and value[0] < value[1]


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
    def from_json(cls, entries: Any) -> "CodeSpec":
        """Builds the spec from the list that `to_json` returned.

        Raises:
            ValueError: It is not such a list.
        """
        if not isinstance(entries, list):
            raise ValueError(f"Expected a list of factors. Received: {type(entries).__name__}.")
        return cls(tuple(map(_factor_from_json, entries)))


def _factor_from_json(entry: Any) -> FactorSpec:
    lists = isinstance(entry, dict) and [entry.get(key, []) for key in ("values", "range")]
    if not lists or not all(isinstance(value, list) for value in lists):
        raise ValueError(f"Expected factors with name, size, and lists of values or a range. Received: {entry!r}.")
    values, ends = map(tuple, lists)
    return FactorSpec(entry.get("name", ""), entry.get("size", 0), values, ends if "range" in entry else None)
