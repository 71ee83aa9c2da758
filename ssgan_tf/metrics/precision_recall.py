"""Improved precision and recall: shares of generated images that look real, and of real images that are covered."""

from __future__ import annotations

import math

import numpy as np

from ssgan_tf.metrics.features import check_features, counts

# Bound for the rounding error of a squared distance |x|^2 + |y|^2 - 2 x.y, relative to |x|^2 + |y|^2, in float64 and
# for up to a few thousand features. In float32 the error would be 1e-5, and rounding would decide whether a duplicate
# counts.
_ROUNDING = 1e-12


def precision_recall(
    real: np.ndarray, generated: np.ndarray, rng: np.random.Generator, k: int = 3, block: int = 10_000_000
) -> dict[str, float]:
    """Computes the share of each set that lies inside the other set's manifold.

    The manifold of a set is the union of balls around its rows, each reaching to the row's k-th nearest other row.
    Precision is low if generated images do not look real; recall is low if the generator misses some real images.
    Both depend on the numbers of samples, so compare only scores with the same numbers.

    A ball includes its surface. So the ball of a row with k duplicates, whose radius is 0, contains the duplicates of
    this row in the other set.

    Args:
        real: Features [N, D] of real images, N greater than k.
        generated: Features [M, D] of generated images, M greater than k.
        rng: Not used; part of every feature metric's signature.
        k: Number of the neighbour that sets a ball's radius; 3 in the paper.
        block: Number of distances in memory at a time; the result does not depend on it.

    Returns:
        "precision": share of generated rows in the ball of any real row; "recall": share of real rows in the ball of
        any generated row; "precision_recall/k"; "precision_recall/samples_real": N;
        "precision_recall/samples_generated": M; "precision_recall/features": D.

    Raises:
        ValueError: See `check_features`; also if k is less than 1 or a set has no more than k rows.

    References: Kynkaanniemi et al. 2019 (1904.06991), eq. 1 and 2.
    """
    del rng
    real, generated = check_features(real, generated)
    _check_count(real, generated, k)
    rows = max(1, math.isqrt(block))
    centre = np.mean(real, axis=0, dtype=np.float64)  # smaller numbers have smaller rounding errors
    precise, recalled = _in_manifold(_Blocks(real, centre, rows), _Blocks(generated, centre, rows), k)
    result: dict[str, float] = {"precision": float(np.mean(precise)), "recall": float(np.mean(recalled))}
    return result | {"precision_recall/k": k} | counts("precision_recall", real, generated)


def _check_count(real: np.ndarray, generated: np.ndarray, k: int) -> None:
    """Checks that each row has k other rows in its set."""
    if k < 1:
        raise ValueError(f"`k` must be 1 or more. Received: {k}.")
    for name, features in (("real", real), ("generated", generated)):
        if len(features) <= k:
            raise ValueError(
                f"Precision and recall need the k-th nearest other row of each row, k = {k}: expected more than {k} "
                f"rows. Received: {len(features)} in `{name}`. Use more samples."
            )


class _Blocks:
    """Centred features in blocks of rows, so that no float64 copy of all of them is needed."""

    def __init__(self, features: np.ndarray, centre: np.ndarray, rows: int):
        self.features, self.centre, self.rows = features, centre, rows

    def __len__(self) -> int:
        return -(-len(self.features) // self.rows)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.features[index * self.rows : (index + 1) * self.rows] - self.centre


def _in_manifold(real: _Blocks, generated: _Blocks, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Evaluates eq. 1: generated rows inside a real ball [M] bool, and real rows inside a generated ball [N] bool."""
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
    """Computes, per block [rows], the squared distance of each row to its k-th nearest other row."""
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


def _smallest(current: np.ndarray, others: np.ndarray, k: int) -> np.ndarray:
    """Returns the k smallest numbers of each row of both [a, k] and [a, b]: [a, k], in any order."""
    return np.partition(np.concatenate([current, others], axis=1), k - 1, axis=1)[:, :k].copy()


def _squared_distances(x: np.ndarray, y: np.ndarray, rounding: float) -> np.ndarray:
    """Computes the squared distances [a, b] of rows [a, D] and [b, D], rounded up or down.

    With `rounding` = _ROUNDING they are never below the exact distances, with -_ROUNDING never above. Radii are rounded
    up and distances down, so a row on the surface of a ball is always inside.
    """
    result = x @ y.T
    result *= -2
    result += (1 + rounding) * np.sum(x * x, axis=1)[:, None]
    result += (1 + rounding) * np.sum(y * y, axis=1)
    return result
