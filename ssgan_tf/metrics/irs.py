"""Interventional robustness score (IRS): does a code stay put while its factor does and the others change?"""

from __future__ import annotations

import numpy as np

from ssgan_tf.metrics.information import discretize
from ssgan_tf.metrics.settings import DEFAULTS, Settings
from ssgan_tf.metrics.table import Table


def irs(table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS) -> dict[str, float]:
    """Mean over codes of 1 - (how far a code strays while its best factor is held) / (how far it strays at all).

    A code strays, in the rows of one value of a factor, by the `quantile` of its distances from its mean there,
    averaged over the values; over all rows by the largest distance from its mean, which is also its weight. 1 for
    perfect codes, permuted, flipped or duplicated ones too. A code of noise scores above 0, since its quantile lies
    below its largest distance. Constant codes have no weight; if all are constant the score is 0.

    Values of factors are put into `bins` bins, as the reference does, so that a factor of more values than bins is
    held within a bin only and even perfect codes stay below 1.

    Args:
      table: codes [N, K] and factors [N, F].
      rng: not used; every metric has it.
      settings: `bins`, `quantile`.

    Returns:
      "irs", 1 at most: a code that jumps to another value's place now and then may stray, in a value's rows, further
      than it does from the mean of all, which gives numbers below 0; counts "irs/live_codes", "irs/bins",
      "irs/samples" and "irs/excluded/<name>" of factors with fewer than two values.

    Raises:
      ValueError: no factor takes two values.

    References: Suter et al. 2019 (1811.00007), as disentanglement_lib computes it.
    """
    del rng
    factors = table.varying("IRS")
    codes = table.codes[:, table.live].astype(np.float64)
    result: dict[str, float] = {
        "irs/live_codes": codes.shape[1],
        "irs/bins": settings.bins,
        "irs/samples": len(table.codes),
        **table.excluded("irs", factors),
    }
    if not codes.shape[1]:
        return {"irs": 0.0, **result}
    reach = np.max(np.abs(codes - codes.mean(axis=0)), axis=0)
    strayed = np.empty((codes.shape[1], len(factors)))
    for column, f in enumerate(factors):
        rows = table.known[:, f]
        labels = discretize(table.factors[rows, f, None].astype(np.float64), settings.bins)[:, 0]
        strayed[:, column] = _stray(codes[rows], labels, settings.quantile)
    robust = np.max(1 - strayed / reach[:, None], axis=1)
    return {"irs": float(np.average(robust, weights=reach)), **result}


def _stray(codes: np.ndarray, labels: np.ndarray, quantile: float) -> np.ndarray:
    """For each code [K] the quantile of its distances from the mean of its label's rows, averaged over labels."""
    found = []
    for label in np.unique(labels):
        group = codes[labels == label]
        found.append(np.quantile(np.abs(group - group.mean(axis=0)), quantile, axis=0))
    return np.mean(found, axis=0)
