"""Table of codes and factors, the input of every metric of codes.

Images are encoded once and scored by all metrics. The same metrics score an encoder, on (E(x), factors of x), and a
generator, on (oracle(generate(z, c)), index of c).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

import numpy as np

UNKNOWN = -1
"""Unknown label; equal to `core.codes.UNKNOWN`, which is not imported since it needs TensorFlow."""


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """N samples with K codes and F factors each. The constructor checks them, so that metrics need no checks.

    Args:
        codes: Codes [N, K], real and finite. float32 stays float32, since bin edges depend on the type; other types
            become float64. K may differ from F, as for a VAE with 10 latents.
        factors: Integer labels [N, F]; `factors[n, f]` lies in 0..sizes[f]-1, or is -1 if unknown.
        sizes: Number of values of each factor [F], at least 1.
        names: Name of each factor [F], for results and messages. Default: "0", "1", ...
        truth: True codes [N, F] in [0, 1], NaN if unknown. Needed if they are finer than `factors`, such as for a
            binned continuous factor. Default: factors / (sizes - 1).
        truth_sizes: Number of values that each column of `truth` takes [F]. Default: sizes.
        origins: Index of each row's image [N]; rows of the same image are never split between training and testing.
            Default: all different.

    Raises:
        ValueError: If a shape, type or value is not as above; the message names the column.
    """

    codes: np.ndarray
    factors: np.ndarray
    sizes: tuple[int, ...]
    names: tuple[str, ...] = ()
    truth: np.ndarray = dataclasses.field(default_factory=lambda: np.empty((0, 0)))
    truth_sizes: tuple[int, ...] = ()
    origins: np.ndarray = dataclasses.field(default_factory=lambda: np.empty(0, np.int64))

    def __post_init__(self) -> None:
        # Convert the arguments to their types and fill in defaults.
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
        # Check them, and derive the truth from checked factors.
        self._check_shapes()
        self._check_codes()
        self._check_factors()
        if not np.size(self.truth):
            exact = self.factors / np.maximum(np.asarray(sizes, np.float64) - 1, 1)
            object.__setattr__(self, "truth", np.where(self.known, exact, np.nan))

    @property
    def known(self) -> np.ndarray:
        """Mask of the known labels [N, F] bool."""
        return self.factors != UNKNOWN

    @property
    def active(self) -> np.ndarray:
        """Mask of the codes that are not constant [K] bool.

        A code is constant if its range does not exceed the smallest normal number of float32. The variance does not
        decide, since the variance of a constant is not 0 if its mean is rounded.
        """
        return np.ptp(self.codes.astype(np.float64), axis=0) > np.finfo(np.float32).tiny

    def distinct(self, factor: int) -> int:
        """Returns the number of different known values of a factor in this table."""
        column = self.factors[self.known[:, factor], factor]
        return int(np.count_nonzero(np.bincount(column, minlength=1)))

    def varying(self, metric: str) -> list[int]:
        """Returns the indices of the factors with at least two known values, the only ones that can be scored.

        Raises:
            ValueError: If there is none; the message starts with `metric`.
        """
        found = [f for f in range(len(self.sizes)) if self.distinct(f) > 1]
        if not found:
            raise ValueError(
                f"{metric} needs at least one factor that takes two known values. "
                f"Received: {len(self.codes)} rows in which none of {list(self.names)} does."
            )
        return found

    def excluded(self, metric: str, counted: Collection[int]) -> dict[str, float]:
        """Returns the number of known values of each factor not in `counted`, as "<metric>/excluded/<name>"."""
        return {f"{metric}/excluded/{n}": self.distinct(f) for f, n in enumerate(self.names) if f not in counted}

    def complete_rows(self, metric: str) -> tuple[list[int], np.ndarray]:
        """Returns the factors that code k can be compared with factor k for, and the rows with labels for all of them.

        Returns:
            Indices of the factors that can take several values and have labels; mask [N] bool of the rows.

        Raises:
            ValueError: If the numbers of codes and factors differ, or there is no such row; the message starts with
                `metric`.
        """
        if self.codes.shape[1] != len(self.sizes):
            raise ValueError(
                f"{metric} compares code k with factor k: expected {len(self.sizes)} codes, one per factor. "
                f"Received: {self.codes.shape[1]}. For codes without such an order, use MIG."
            )
        known = self.known
        counted = [f for f, size in enumerate(self.sizes) if size > 1 and known[:, f].any()]
        complete = known[:, counted].all(axis=1)
        if not counted or not complete.any():
            raise ValueError(
                f"{metric} needs rows with labels for all factors with several values. "
                f"Received: {len(known)} rows, none of them complete. Label more rows completely."
            )
        return counted, complete

    def rows(self, chosen: np.ndarray) -> Table:
        """Returns a table of the rows `chosen`, which are indices [n] or a mask [N] bool."""
        return dataclasses.replace(
            self,
            codes=self.codes[chosen],
            factors=self.factors[chosen],
            truth=self.truth[chosen],
            origins=self.origins[chosen],
        )

    def resample(self, rng: np.random.Generator) -> Table:
        """Samples a bootstrap replicate: N rows with replacement."""
        return self.rows(rng.integers(len(self.codes), size=len(self.codes)))

    def split(self, rng: np.random.Generator, train_share: float) -> tuple[Table, Table]:
        """Splits the table at random into tables of different images for training and testing.

        Raises:
            ValueError: If there are fewer than two images.
        """
        images, row_image = np.unique(self.origins, return_inverse=True)
        if len(images) < 2:
            raise ValueError(f"A split needs at least two images. Received: {len(images)}.")
        count = min(max(1, round(train_share * len(images))), len(images) - 1)
        in_train = np.zeros(len(images), dtype=bool)
        in_train[rng.permutation(len(images))[:count]] = True
        return self.rows(in_train[row_image]), self.rows(~in_train[row_image])

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
        finite = np.abs(self.codes) <= np.finfo(np.float32).max  # False for NaN
        if finite.all():
            return
        row, column = np.argwhere(~finite)[0]
        bad = int(np.count_nonzero(~finite[:, column]))
        raise ValueError(
            f"`codes` must be finite as float32. Received: {self.codes[row, column]} in column {column} "
            f"(row {row}; {bad} of {len(finite)} rows of this column are not finite). "
            "The encoder's output has diverged: use an earlier checkpoint."
        )

    def _check_factors(self) -> None:
        if not np.issubdtype(self.factors.dtype, np.integer):
            raise ValueError(
                "`factors` must be integer labels (index of the value, or -1 for unknown). "
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
