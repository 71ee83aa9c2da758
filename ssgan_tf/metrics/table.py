"""The table every metric reads: codes beside the factors they should carry.

Encode once, measure often: a table is built from any encoder's output, and the same metrics then
score an encoder, on (E(x), factors of x), and a generator, on (oracle(generate(z, c)), index of c).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

import numpy as np

UNKNOWN = -1
"""An unknown label. The same as `codes.UNKNOWN`, repeated so that metrics import no TensorFlow."""


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """N samples: K codes beside F factors. Checked once, here, so that no metric checks again.

    Args:
      codes: [N, K] real numbers, all finite. float32 stays float32 (bin edges depend on it); other
        types become float64. K may differ from F, as with a VAE of 10 latents.
      factors: [N, F] integers, `factors[n, f]` in 0..sizes[f]-1, or -1 for unknown.
      sizes: F numbers of values, each 1 or more.
      names: F factor names for results and messages. Default: "0", "1", ...
      truth: true codes [N, F] in [0, 1] or NaN for unknown, where they are finer than `factors` (a factor that is a
        number, put into bins). Default: factors / (sizes - 1).
      truth_sizes: how many values `truth` takes. Default: sizes.
      origins: N numbers that say which picture a row is of; rows of one picture are never split between training
        and testing. Default: all different.

    Raises:
      ValueError: a shape, a type or a value is not as above; the message names the column.
    """

    codes: np.ndarray
    factors: np.ndarray
    sizes: tuple[int, ...]
    names: tuple[str, ...] = ()
    truth: np.ndarray = dataclasses.field(default_factory=lambda: np.empty((0, 0)))
    truth_sizes: tuple[int, ...] = ()
    origins: np.ndarray = dataclasses.field(default_factory=lambda: np.empty(0, np.int64))

    def __post_init__(self) -> None:
        codes = np.asarray(self.codes)
        if codes.dtype != np.float32:
            codes = codes.astype(np.float64)
        factors = np.asarray(self.factors)
        if np.issubdtype(factors.dtype, np.integer):
            factors = factors.astype(np.int64)
        sizes = tuple(int(size) for size in self.sizes)
        object.__setattr__(self, "codes", codes)
        object.__setattr__(self, "factors", factors)
        object.__setattr__(self, "sizes", sizes)
        names = tuple(self.names) or tuple(str(f) for f in range(len(sizes)))
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "truth_sizes", tuple(self.truth_sizes) or sizes)
        if not len(self.origins):
            object.__setattr__(self, "origins", np.arange(len(codes)))
        self._check_shapes()
        self._check_codes()
        self._check_factors()
        if not np.size(self.truth):
            exact = self.factors / np.maximum(np.asarray(sizes, np.float64) - 1, 1)
            object.__setattr__(self, "truth", np.where(self.known, exact, np.nan))

    @property
    def known(self) -> np.ndarray:
        """[N, F] bool: where the factor is annotated."""
        return self.factors != UNKNOWN

    @property
    def live(self) -> np.ndarray:
        """[K] bool: which codes are not constant. (The variance of a constant is not 0 when its mean is rounded.)

        One whose whole range is below the smallest number of float32 is taken for a constant.
        """
        return np.ptp(self.codes.astype(np.float64), axis=0) > np.finfo(np.float32).tiny

    def distinct(self, factor: int) -> int:
        """How many different known values column `factor` takes in this table."""
        column = self.factors[self.known[:, factor], factor]
        return int(np.count_nonzero(np.bincount(column, minlength=1)))

    def varying(self, metric: str) -> list[int]:
        """The factors that take two known values or more: those that anything can be said about.

        Raises:
          ValueError: there is none; `metric` names who asks.
        """
        found = [f for f in range(len(self.sizes)) if self.distinct(f) > 1]
        if not found:
            raise ValueError(
                f"{metric} needs at least one factor that takes two known values. "
                f"Received: {len(self.codes)} rows in which no factor of {list(self.names)} does."
            )
        return found

    def excluded(self, metric: str, counted: Collection[int]) -> dict[str, float]:
        """"<metric>/excluded/<name>" of the factors that are not `counted`: how many known values each takes."""
        return {f"{metric}/excluded/{n}": self.distinct(f) for f, n in enumerate(self.names) if f not in counted}

    def rows(self, chosen: np.ndarray) -> Table:
        """The table of the rows `chosen` [n], indices or bool [N]."""
        return dataclasses.replace(
            self,
            codes=self.codes[chosen],
            factors=self.factors[chosen],
            truth=self.truth[chosen],
            origins=self.origins[chosen],
        )

    def resample(self, rng: np.random.Generator) -> Table:
        """N rows drawn with replacement: a bootstrap replicate."""
        return self.rows(rng.integers(len(self.codes), size=len(self.codes)))

    def split(self, rng: np.random.Generator, train_share: float) -> tuple[Table, Table]:
        """Two tables for training and testing, of different pictures.

        Raises:
          ValueError: fewer than two pictures.
        """
        pictures, row_picture = np.unique(self.origins, return_inverse=True)
        if len(pictures) < 2:
            raise ValueError(f"Expected two pictures or more to split. Received: {len(pictures)}.")
        count = min(max(1, round(train_share * len(pictures))), len(pictures) - 1)
        in_train = np.zeros(len(pictures), dtype=bool)
        in_train[rng.permutation(len(pictures))[:count]] = True
        return self.rows(in_train[row_picture]), self.rows(~in_train[row_picture])

    def _check_shapes(self) -> None:
        codes, factors, count = self.codes, self.factors, len(self.sizes)
        if codes.ndim != 2 or 0 in codes.shape:
            raise ValueError(
                f"`codes` must be a table [N, K] with at least one row and one column. Received: shape {codes.shape}."
            )
        if factors.shape != (len(codes), count):
            raise ValueError(
                f"`factors` must have one row per row of `codes` and one column per size, "
                f"{(len(codes), count)}. Received: shape {factors.shape}."
            )
        if np.size(self.truth) and np.shape(self.truth) != factors.shape:
            raise ValueError(f"`truth` must have the shape of `factors`. Received: shape {np.shape(self.truth)}.")
        if np.shape(self.origins) != (len(codes),):
            raise ValueError(f"`origins` must hold {len(codes)} numbers. Received: shape {np.shape(self.origins)}.")
        if len(self.names) != count or len(set(self.names)) != count:
            raise ValueError(f"`names` must hold {count} different names, one per factor. Received: {self.names}.")

    def _check_codes(self) -> None:
        finite = np.abs(self.codes) <= np.finfo(np.float32).max  # not so for NaN
        if finite.all():
            return
        row, column = np.argwhere(~finite)[0]
        bad = int(np.count_nonzero(~finite[:, column]))
        raise ValueError(
            f"`codes` must be finite, as float32. Received: {self.codes[row, column]} in column {column} "
            f"(row {row}; {bad} of {len(finite)} rows of this column are not finite). "
            "The encoder's output has diverged: use an earlier checkpoint."
        )

    def _check_factors(self) -> None:
        if not np.issubdtype(self.factors.dtype, np.integer):
            raise ValueError(
                "`factors` must hold integer labels (index of the value, -1 = unknown). "
                f"Received: dtype {self.factors.dtype}."
            )
        for column, (name, size) in enumerate(zip(self.names, self.sizes, strict=True)):
            if size < 1:
                raise ValueError(f"`sizes[{column}]` ({name}) must be 1 or more. Received: {size}.")
            low, high = self.factors[:, column].min(), self.factors[:, column].max()
            if low < UNKNOWN or high >= size:
                raise ValueError(
                    f"`factors` column {column} ({name}) must lie in 0..{size - 1}, or be -1 for "
                    f"unknown. Received: values from {low} to {high}."
                )
