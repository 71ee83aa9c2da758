"""Improved precision and recall: how much of what is generated is like real images, and the other way round."""

from __future__ import annotations

import math

import numpy as np

from ssgan_tf.metrics.features import check_features, counts

# A squared distance |x|^2 + |y|^2 - 2 x.y is off by less than this part of |x|^2 + |y|^2, in float64 and up to some
# thousand features. In float32 it would be 1e-5, and whether a duplicate counts would be left to chance.
_ROUNDING = 1e-12


def precision_recall(
    real: np.ndarray, generated: np.ndarray, rng: np.random.Generator, k: int = 3, block: int = 10_000_000
) -> dict[str, float]:
    """Shares of each set inside the other's manifold: the balls around its rows up to their k-th nearest other row.

    Precision falls when generated images do not look real, recall when there are real ones that the generator does
    not make. Both depend on the numbers of samples: compare scores of the same numbers alone.

    A row on the surface of a ball is inside, so that a row with k duplicates has a ball, of radius 0, and duplicates
    of it in the other set are inside.

    Args:
      real: features [N, D] of real images, N more than k.
      generated: features [M, D] of generated images, M more than k.
      rng: not used; every feature metric has one.
      k: 3 in the paper.
      block: distances that are held at a time; the result does not depend on it.

    Returns:
      "precision": share of the generated rows in the ball of any real row; "recall": share of the real rows in the
      ball of any generated row; "precision_recall/k"; "precision_recall/samples_real": N;
      "precision_recall/samples_generated": M; "precision_recall/features": D.

    Raises:
      ValueError: as `check_features`; or k is below 1; or a side has no k other rows.

    References: Kynkaanniemi 2019 (1904.06991).
    """
    del rng
    real, generated = check_features(real, generated)
    _check_count(real, generated, k)
    rows = max(1, math.isqrt(block))
    centre = np.mean(real, axis=0, dtype=np.float64)  # the smaller the numbers, the smaller their rounding
    precise, recalled = _inside(_Blocks(real, centre, rows), _Blocks(generated, centre, rows), k)
    result: dict[str, float] = {"precision": float(np.mean(precise)), "recall": float(np.mean(recalled))}
    return result | {"precision_recall/k": k} | counts("precision_recall", real, generated)


def _check_count(real: np.ndarray, generated: np.ndarray, k: int) -> None:
    if k < 1:
        raise ValueError(f"`k` must be 1 or more. Received: {k}.")
    for side, features in (("real", real), ("generated", generated)):
        if len(features) <= k:
            raise ValueError(
                f"Precision and recall measure the distance of a row to its nearest other row number {k}: expected "
                f"more than {k} rows. Received: {len(features)} in `{side}`. Use more samples."
            )


class _Blocks:
    """Features about a centre, some rows at a time: float64 copies of all of them need no room."""

    def __init__(self, features: np.ndarray, centre: np.ndarray, rows: int):
        self.features, self.centre, self.rows = features, centre, rows

    def __len__(self) -> int:
        return -(-len(self.features) // self.rows)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.features[index * self.rows : (index + 1) * self.rows] - self.centre


def _inside(real: _Blocks, generated: _Blocks, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Which generated rows lie in a real ball [M] bool, and which real rows in a generated one [N] bool."""
    real_radii, generated_radii = _squared_radii(real, k), _squared_radii(generated, k)
    precise = [np.zeros(len(radii), dtype=bool) for radii in generated_radii]
    recalled = [np.zeros(len(radii), dtype=bool) for radii in real_radii]
    for i in range(len(real)):
        for j in range(len(generated)):
            distances = _squared_distances(real[i], generated[j], -_ROUNDING)
            precise[j] |= (distances <= real_radii[i][:, None]).any(axis=0)
            recalled[i] |= (distances <= generated_radii[j]).any(axis=1)
    return np.concatenate(precise), np.concatenate(recalled)


def _squared_radii(points: _Blocks, k: int) -> list[np.ndarray]:
    """Per block, [rows]: the squared distance of each row to its k-th nearest other row."""
    nearest = [np.full((len(points[i]), k), np.inf) for i in range(len(points))]
    for i in range(len(points)):
        for j in range(i + 1):
            distances = _squared_distances(points[i], points[j], _ROUNDING)
            if i == j:
                np.fill_diagonal(distances, np.inf)  # a row is not its own neighbour; its duplicates are
            else:
                nearest[j] = _smallest(nearest[j], distances.T, k)
            nearest[i] = _smallest(nearest[i], distances, k)
    return [np.max(distances, axis=1) for distances in nearest]


def _smallest(kept: np.ndarray, others: np.ndarray, k: int) -> np.ndarray:
    """[a, k], [a, b] -> the k smallest of each row, [a, k], in any order."""
    return np.partition(np.concatenate([kept, others], axis=1), k - 1, axis=1)[:, :k].copy()


def _squared_distances(x: np.ndarray, y: np.ndarray, rounding: float) -> np.ndarray:
    """[a, D], [b, D] -> [a, b]; not below the exact ones for `rounding` = _ROUNDING, not above for -_ROUNDING.

    Radii are taken from above and distances from below, so that a row on the surface of a ball is always inside.
    """
    result = x @ y.T
    result *= -2
    result += (1 + rounding) * np.sum(x * x, axis=1)[:, None]
    result += (1 + rounding) * np.sum(y * y, axis=1)
    return result
