"""Dependence between codes, without labels: Gaussian total correlation, Wasserstein distance, mutual information."""

from __future__ import annotations

import numpy as np

from ssgan_tf.metrics.information import discretize, mutual_information
from ssgan_tf.metrics.settings import DEFAULTS, Settings
from ssgan_tf.metrics.table import Table


def total_correlation(table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS) -> dict[str, float]:
    """Computes the total correlation, in nats, of a Gaussian with the codes' covariance S.

        TC = KL(N(0, S) || N(0, diag S)) = -1/2 log det R,   R the correlation matrix
        W  = 2 tr S - 2 tr (diag(S)^1/2 S diag(S)^1/2)^1/2,  squared Wasserstein distance of the same Gaussians

    Both are 0 if no two codes are correlated. Labels are not used. A code that is a linear function of others would
    make TC infinite; eigenvalues of R are limited to at least 2**-52, so each such code adds about 18 nats instead.
    Constant codes are left out.

    Args:
        table: Codes [N, K].
        rng: Not used; part of every metric's signature.
        settings: Uses `bins` for the mutual information.

    Returns:
        "total_correlation", at least 0; "total_correlation/wasserstein": W; "total_correlation/wasserstein_norm":
        W / tr S (0 if all codes are constant); "total_correlation/mutual_information": mean mutual information of two
        codes in nats, including constant codes. Counts "total_correlation/live_codes" (codes that are not constant),
        "total_correlation/bins" and "total_correlation/samples".

    References: disentanglement_lib, unsupervised_metrics.
    """
    del rng
    codes = table.codes[:, table.active].astype(np.float64)
    result: dict[str, float] = {
        "total_correlation": 0.0,
        "total_correlation/wasserstein": 0.0,
        "total_correlation/wasserstein_norm": 0.0,
        "total_correlation/mutual_information": _mean_information(table.codes, settings.bins),
        "total_correlation/live_codes": codes.shape[1],
        "total_correlation/bins": settings.bins,
        "total_correlation/samples": len(table.codes),
    }
    if not codes.shape[1]:
        return result
    # TC from the eigenvalues of R.
    covariance = np.atleast_2d(np.cov(codes, rowvar=False))
    variance = np.diag(covariance)
    deviation = np.sqrt(variance)
    correlation = covariance / deviation / deviation[:, None]
    eigenvalues = np.maximum(np.linalg.eigvalsh(correlation), np.finfo(float).eps)
    result["total_correlation"] = max(0.0, float(-np.sum(np.log(eigenvalues)) / 2))
    # W. The matrix under the root is symmetric; rounding alone can make its eigenvalues negative.
    root = np.sqrt(np.maximum(np.linalg.eigvalsh(covariance * deviation * deviation[:, None]), 0))
    distance = max(0.0, float(2 * variance.sum() - 2 * root.sum()))
    result["total_correlation/wasserstein"] = distance
    result["total_correlation/wasserstein_norm"] = distance / float(variance.sum())
    return result


def _mean_information(codes: np.ndarray, bins: int) -> float:
    """Computes the mean mutual information over all pairs of different binned codes; 0 for a single code."""
    binned = discretize(codes, bins).T
    pairs = [mutual_information(a, b) for k, a in enumerate(binned) for b in binned[:k]]
    return float(np.mean(pairs)) if pairs else 0.0
