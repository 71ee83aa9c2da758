"""Frechet distance between real and generated features: FID over Inception's, frechet_oracle over the oracle's."""

from __future__ import annotations

import numpy as np

from ssgan_tf.metrics.features import check_features, counts

_BLOCK = 10_000_000  # numbers that are factored at a time: 80 MB


def frechet(real: np.ndarray, generated: np.ndarray, rng: np.random.Generator, name: str = "fid") -> dict[str, float]:
    """Distance between the normal distributions with the means and covariances of the two sets.

    Only over the pool_3 features of Inception-v3 may it be called FID. Over other features, of the oracle for
    instance, it has another scale: give it another name.

    Both sets' covariances are estimated, which makes the distance too large, the more so the fewer samples: compare
    scores of the same numbers of samples alone. Published ones are of 50,000 and 50,000.

    Args:
      real: features [N, D] of real images.
      generated: features [M, D] of generated images.
      rng: not used; every feature metric has one.
      name: what the result is called.

    Returns:
      "<name>": `frechet_distance`, 0 or more; "<name>/samples_real": N; "<name>/samples_generated": M;
      "<name>/features": D; and only where N or M is D or less, so that a covariance is singular and the distance
      mostly says how few samples there are, "<name>/singular": 1.

    Raises:
      ValueError: as `check_features`.

    References: Heusel 2017 (1706.08500).
    """
    del rng
    result: dict[str, float] = {name: frechet_distance(real, generated)} | counts(name, real, generated)
    if min(len(real), len(generated)) <= np.shape(real)[1]:
        result[f"{name}/singular"] = 1
    return result


def frechet_distance(real: np.ndarray, generated: np.ndarray) -> float:
    """|mu1 - mu2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)), means mu and covariances S (over N - 1) of the two sets.

    With S1 = A^T A and S2 = B^T B the trace of the root is the sum of the singular values of A B^T. So neither a
    covariance nor a root of one is computed: an eigenvalue of 0 comes out as 1e-16, whose root would be 1e-8, and a
    rank-deficient covariance has many. Here the error stays at some 1e-15 of tr(S1 + S2), singular or not, and the
    result is real whatever the rounding.

    Args:
      real: [N, D], any scale.
      generated: [M, D].

    Returns:
      The squared distance, 0 or more; 0 for identical sets, up to some 1e-15 of their variance.

    Raises:
      ValueError: as `check_features`.
    """
    real, generated = check_features(real, generated)
    first, second = covariance_factor(real), covariance_factor(generated)
    shift = np.mean(real, axis=0, dtype=np.float64) - np.mean(generated, axis=0, dtype=np.float64)
    root = np.linalg.norm(first @ second.T, "nuc")
    return max(0.0, float(np.sum(shift**2) + np.sum(first**2) + np.sum(second**2) - 2 * root))


def covariance_factor(features: np.ndarray, block: int = _BLOCK) -> np.ndarray:
    """A of A^T A = covariance (over N - 1), without forming the covariance, which would square its rounding errors.

    Args:
      features: [N, D], N 2 or more.
      block: numbers that are factored at a time, so that float64 copies of all features need no room.

    Returns:
      [min(N, D), D] float64.
    """
    count, width = features.shape
    mean = np.mean(features, axis=0, dtype=np.float64)
    rows = max(block // width, 4 * width)  # well above D: every block is factored together with the last factor
    factor = np.empty((0, width))
    for start in range(0, count, rows):
        stacked = np.concatenate([factor, features[start : start + rows] - mean])
        factor = np.asarray(np.linalg.qr(stacked, mode="r"))  # for mypy: its types know Q and R alone
    return factor / np.sqrt(count - 1)
