"""Kernel Inception distance (KID): an unbiased distance between real and generated features."""

from __future__ import annotations

import numpy as np

from ssgan_tf.metrics.features import check_features, counts

SUBSETS = 100
LARGEST_SUBSET = 1000


def kid(real: np.ndarray, generated: np.ndarray, rng: np.random.Generator) -> dict[str, float]:
    """Computes the mean of `squared_mmd` over 100 random subsets.

    Unlike FID, it is not biased by the number of samples, so scores of a few thousand samples can be compared. For
    equal distributions it is therefore negative about as often as positive. The two sets must be sampled
    independently: a set compared with itself scores below 0, by 2/N times the difference between the mean k(x, x) and
    the mean kernel of two different rows.

    Args:
        real: Features [N, D] of real images.
        generated: Features [M, D] of generated images.
        rng: Random generator for the subsets of both sets. Rows of a subset are sampled without replacement.

    Returns:
        "kid"; "kid/std": standard deviation over the subsets. This is not a standard error, since the subsets overlap,
        and more so with fewer samples. "kid/subsets": 100; "kid/subset_size": rows per set in a subset, 1000 or the
        size of the smaller set; "kid/samples_real": N; "kid/samples_generated": M; "kid/features": D.

    Raises:
        ValueError: See `check_features`.

    References: Binkowski et al. 2018 (1801.01401).
    """
    real, generated = check_features(real, generated)
    size = min(LARGEST_SUBSET, len(real), len(generated))
    values = [squared_mmd(_sample_rows(real, size, rng), _sample_rows(generated, size, rng)) for _ in range(SUBSETS)]
    result: dict[str, float] = {"kid": float(np.mean(values)), "kid/std": float(np.std(values))}
    return result | {"kid/subsets": SUBSETS, "kid/subset_size": size} | counts("kid", real, generated)


def _sample_rows(features: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Samples `size` different rows."""
    return features[rng.choice(len(features), size, replace=False)]


def squared_mmd(real: np.ndarray, generated: np.ndarray) -> float:
    """Computes an unbiased estimate of the squared maximum mean discrepancy with the kernel k(x, y) = (x.y / D + 1)^3.

        mean_(i != j) k(x_i, x_j) + mean_(i != j) k(y_i, y_j) - 2 mean_(i, j) k(x_i, y_j)

    Args:
        real: x, [m, D], m at least 2.
        generated: y, [n, D], n at least 2.

    References: Gretton et al. 2012, "A kernel two-sample test", lemma 6; kernel of Binkowski et al. 2018.
    """
    # Computed in float64, since the three means nearly cancel.
    x, y = real.astype(np.float64), generated.astype(np.float64)
    return _mean_within(x) + _mean_within(y) - 2 * float(np.mean(_kernel(x, y)))


def _mean_within(x: np.ndarray) -> float:
    """Computes the mean kernel over pairs of different rows."""
    kernel = _kernel(x, x)
    np.fill_diagonal(kernel, 0)
    return float(np.sum(kernel)) / (len(x) * (len(x) - 1))


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Computes the kernel of all pairs: [m, D], [n, D] -> [m, n]."""
    return (x @ y.T / x.shape[1] + 1) ** 3
