"""Dependence between codes, without labels: Gaussian total correlation, its Wasserstein sibling, mutual information."""

from __future__ import annotations

import numpy as np

from ssgan_tf.metrics.information import discretize, mutual_information
from ssgan_tf.metrics.settings import DEFAULTS, Settings
from ssgan_tf.metrics.table import Table


def total_correlation(table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS) -> dict[str, float]:
    """Total correlation, in nats, of a Gaussian with the codes' covariance: 0 when no two codes are correlated.

        TC = KL(N(0, S) || N(0, diag S)) = -1/2 log det R,   R the correlation matrix

    No label is looked at. A code that is a linear function of others makes it infinite; eigenvalues of R are taken to
    be 2**-52 at least, so that each such code adds about 18 instead. Constant codes are left out.

    Args:
      table: codes [N, K].
      rng: not used; every metric has it.
      settings: `bins` of the mutual information.

    Returns:
      "total_correlation" >= 0; "total_correlation/wasserstein": the squared Wasserstein distance between the same two
      Gaussians, "total_correlation/wasserstein_norm": it divided by the trace of S (0 if all codes are constant), and
      "total_correlation/mutual_information": the mean information between two codes, in nats, constant ones counted;
      "total_correlation/live_codes", "total_correlation/bins", "total_correlation/samples".

    References: disentanglement_lib, unsupervised_metrics.
    """
    del rng
    codes = table.codes[:, table.live].astype(np.float64)
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
    covariance = np.atleast_2d(np.cov(codes, rowvar=False))
    variance = np.diag(covariance)
    deviation = np.sqrt(variance)
    correlation = covariance / deviation / deviation[:, None]
    eigenvalues = np.maximum(np.linalg.eigvalsh(correlation), np.finfo(float).eps)
    result["total_correlation"] = max(0.0, float(-np.sum(np.log(eigenvalues)) / 2))
    # tr (diag(S)^1/2 S diag(S)^1/2)^1/2: the product is symmetric, with eigenvalues that are none below 0
    root = np.sqrt(np.maximum(np.linalg.eigvalsh(covariance * deviation * deviation[:, None]), 0))
    distance = max(0.0, float(2 * variance.sum() - 2 * root.sum()))
    result["total_correlation/wasserstein"] = distance
    result["total_correlation/wasserstein_norm"] = distance / float(variance.sum())
    return result


def _mean_information(codes: np.ndarray, bins: int) -> float:
    """I between two different binned codes, averaged over all pairs; 0 for a lone code."""
    binned = discretize(codes, bins).T
    pairs = [mutual_information(a, b) for k, a in enumerate(binned) for b in binned[:k]]
    return float(np.mean(pairs)) if pairs else 0.0
