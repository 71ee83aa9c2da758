"""Frechet distance between real and generated features: FID with Inception features, or with those of the oracle."""

from __future__ import annotations

import numpy as np

from ssgan_tf.metrics.features import check_features, counts

_BLOCK = 10_000_000  # number of elements factored at a time: 80 MB


def frechet(real: np.ndarray, generated: np.ndarray, rng: np.random.Generator, name: str = "fid") -> dict[str, float]:
    """Computes the distance between two normal distributions with the means and covariances of the two sets.

    The distance may be called FID only if the features are those of Inception-v3's pool_3 layer. With other features,
    such as the oracle's, it has a different scale and needs a different name.

    Estimating the covariances biases the distance upwards, and more so with fewer samples, so compare only scores with
    the same numbers of samples. Published scores use 50,000 real and 50,000 generated images.

    Args:
        real: Features [N, D] of real images.
        generated: Features [M, D] of generated images.
        rng: Not used; part of every feature metric's signature.
        name: Prefix of the result's keys.

    Returns:
        "<name>": `frechet_distance`, at least 0; "<name>/samples_real": N; "<name>/samples_generated": M;
        "<name>/features": D; and "<name>/singular": 1 only if N or M does not exceed D. A covariance is then singular,
        and the distance mostly reflects the small number of samples.

    Raises:
        ValueError: See `check_features`.

    References: Heusel et al. 2017 (1706.08500), eq. 6.
    """
    del rng
    result: dict[str, float] = {name: frechet_distance(real, generated)} | counts(name, real, generated)
    if min(len(real), len(generated)) <= np.shape(real)[1]:
        result[f"{name}/singular"] = 1
    return result


def frechet_distance(real: np.ndarray, generated: np.ndarray) -> float:
    """Computes the squared Frechet distance between two sets.

        |mu1 - mu2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)),   mu the means, S the covariances (divisor N - 1)

    With S1 = A^T A and S2 = B^T B, the trace of the root is the sum of the singular values of A B^T, so no covariance
    and no matrix root is computed. Computing them would lose accuracy: an eigenvalue of 0 comes out as 1e-16, its
    root is 1e-8, and a rank-deficient covariance has many of them. Here the error is about 1e-15 of tr(S1 + S2), even
    if covariances are singular, and rounding cannot make the result complex.

    Args:
        real: [N, D], at any scale.
        generated: [M, D].

    Returns:
        The squared distance, at least 0. For identical sets it is 0 up to about 1e-15 of their variance.

    Raises:
        ValueError: See `check_features`.
    """
    real, generated = check_features(real, generated)
    first, second = covariance_factor(real), covariance_factor(generated)
    shift = np.mean(real, axis=0, dtype=np.float64) - np.mean(generated, axis=0, dtype=np.float64)
    root = np.linalg.norm(first @ second.T, "nuc")  # tr (S1 S2)^(1/2)
    return max(0.0, float(np.sum(shift**2) + np.sum(first**2) + np.sum(second**2) - 2 * root))


def covariance_factor(features: np.ndarray, block: int = _BLOCK) -> np.ndarray:
    """Computes a matrix A with A^T A = covariance (divisor N - 1) by QR decomposition.

    The covariance itself is not formed, since that would square the condition number.

    Args:
        features: [N, D], N at least 2.
        block: Number of elements factored at a time, so that no float64 copy of all features is needed.

    Returns:
        [min(N, D), D] float64.
    """
    count, width = features.shape
    mean = np.mean(features, axis=0, dtype=np.float64)
    rows = max(block // width, 4 * width)  # well above D: each block is factored together with the previous factor
    factor = np.empty((0, width))
    for start in range(0, count, rows):
        stacked = np.concatenate([factor, features[start : start + rows] - mean])
        factor = np.asarray(np.linalg.qr(stacked, mode="r"))  # for mypy: the stubs declare (Q, R)
    return factor / np.sqrt(count - 1)
