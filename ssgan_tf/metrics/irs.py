"""Interventional robustness score (IRS): how little a code changes while its factor is fixed and others change."""

from __future__ import annotations

import numpy as np

from ssgan_tf.metrics.information import discretize
from ssgan_tf.metrics.settings import DEFAULTS, Settings
from ssgan_tf.metrics.table import Table


def irs(table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS) -> dict[str, float]:
    """Computes the weighted mean over codes of 1 - (deviation while the best factor is fixed) / (largest deviation).

        IRS = sum_k m_k max_f (1 - d_kf / m_k) / sum_k m_k

    d_kf: for each value of factor f, take the `quantile` of code k's distances from its mean over the rows with that
    value; then average over the values. m_k: the largest distance of code k from its mean over all rows.

    The score is 1 for perfect codes, including permuted, flipped or duplicated ones. A code of pure noise scores above
    0, since the quantile is below the largest distance. Constant codes have no weight; if all codes are constant, the
    score is 0. As in the reference, the values of each factor are put into `bins` bins. If a factor has more values
    than bins, it is fixed only up to its bin, and even perfect codes score below 1.

    Args:
        table: Codes [N, K] and factors [N, F].
        rng: Not used; part of every metric's signature.
        settings: Uses `bins` and `quantile`.

    Returns:
        "irs", at most 1. It may be negative: a code that sometimes jumps to the place of another value can be further
        from the mean of the rows with its value than from the mean of all rows. Counts "irs/live_codes" (codes that
        are not constant), "irs/bins", "irs/samples" and "irs/excluded/<name>" for each factor with fewer than two
        values.

    Raises:
        ValueError: If no factor takes two values.

    References: Suter et al. 2019 (1811.00007), as computed by disentanglement_lib.
    """
    del rng
    factors = table.varying("IRS")
    codes = table.codes[:, table.active].astype(np.float64)
    result: dict[str, float] = {
        "irs/live_codes": codes.shape[1],
        "irs/bins": settings.bins,
        "irs/samples": len(table.codes),
        **table.excluded("irs", factors),
    }
    if not codes.shape[1]:
        return {"irs": 0.0, **result}
    # m_k, the largest deviation of each code.
    largest = np.max(np.abs(codes - codes.mean(axis=0)), axis=0)
    # d_kf, the deviation of each code while each factor is fixed.
    deviations = np.empty((codes.shape[1], len(factors)))
    for column, f in enumerate(factors):
        rows = table.known[:, f]
        labels = discretize(table.factors[rows, f, None].astype(np.float64), settings.bins)[:, 0]
        deviations[:, column] = _mean_deviation(codes[rows], labels, settings.quantile)
    robustness = np.max(1 - deviations / largest[:, None], axis=1)
    return {"irs": float(np.average(robustness, weights=largest)), **result}


def _mean_deviation(codes: np.ndarray, labels: np.ndarray, quantile: float) -> np.ndarray:
    """Computes the quantile of each code's distances from its label's mean [K], averaged over the labels."""
    deviations = []
    for label in np.unique(labels):
        group = codes[labels == label]
        deviations.append(np.quantile(np.abs(group - group.mean(axis=0)), quantile, axis=0))
    return np.mean(deviations, axis=0)
