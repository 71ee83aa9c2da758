"""Kernel Inception distance: an unbiased comparison of real and generated features."""

from __future__ import annotations

import numpy as np

from ssgan_tf.metrics.features import check_features, counts

SUBSETS = 100
LARGEST_SUBSET = 1000


def kid(real: np.ndarray, generated: np.ndarray, rng: np.random.Generator) -> dict[str, float]:
    """Mean of `squared_mmd` over 100 random subsets.

    Unlike FID it has no bias from the number of samples, so that a few thousand give a value to compare; around 0
    it is therefore negative as often as positive. A set against itself scores just below 0, by 2/N of what k(x, x) is
    above the mean kernel: the two are to be drawn independently.

    Args:
      real: features [N, D] of real images.
      generated: features [M, D] of generated images.
      rng: draws the subsets of each side, without replacement within a subset.

    Returns:
      "kid"; "kid/std": standard deviation over the subsets. They overlap, and the fewer samples there are the more:
      it is no standard error. "kid/subsets": 100; "kid/subset_size": rows of each side in a subset, 1000 or as many
      as the smaller side has; "kid/samples_real": N; "kid/samples_generated": M; "kid/features": D.

    Raises:
      ValueError: as `check_features`.

    References: Binkowski 2018 (1801.01401).
    """
    real, generated = check_features(real, generated)
    size = min(LARGEST_SUBSET, len(real), len(generated))
    values = [squared_mmd(_draw(real, size, rng), _draw(generated, size, rng)) for _ in range(SUBSETS)]
    result: dict[str, float] = {"kid": float(np.mean(values)), "kid/std": float(np.std(values))}
    return result | {"kid/subsets": SUBSETS, "kid/subset_size": size} | counts("kid", real, generated)


def _draw(features: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    return features[rng.choice(len(features), size, replace=False)]


def squared_mmd(real: np.ndarray, generated: np.ndarray) -> float:
    """Unbiased estimate of the squared maximum mean discrepancy with the kernel k(x, y) = (x.y / D + 1)^3.

        mean_(i != j) k(x_i, x_j) + mean_(i != j) k(y_i, y_j) - 2 mean_(i, j) k(x_i, y_j)

    Args:
      real: x, [m, D], m 2 or more.
      generated: y, [n, D], n 2 or more.
    """
    # float64: the three means nearly cancel.
    x, y = real.astype(np.float64), generated.astype(np.float64)
    return _mean_of_pairs(x) + _mean_of_pairs(y) - 2 * float(np.mean(_kernel(x, y)))


def _mean_of_pairs(x: np.ndarray) -> float:
    """Mean kernel of two different rows."""
    kernel = _kernel(x, x)
    np.fill_diagonal(kernel, 0)
    return float(np.sum(kernel)) / (len(x) * (len(x) - 1))


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """[m, D], [n, D] -> [m, n]."""
    return (x @ y.T / x.shape[1] + 1) ** 3
