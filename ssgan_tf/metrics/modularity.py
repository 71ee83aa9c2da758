"""Modularity: the degree to which each code is informative about only one factor."""

from __future__ import annotations

import numpy as np

from ssgan_tf.metrics.information import information_matrix
from ssgan_tf.metrics.settings import DEFAULTS, Settings
from ssgan_tf.metrics.table import Table


def modularity(table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS) -> dict[str, float]:
    """Computes the mean, over codes, of the degree to which a code is informative about only one factor.

        modularity = mean_k (1 - sum_{f != best} I(c_k; f)^2 / (I(c_k; best)^2 (F - 1)))

    The score is 1 if each code is informative about only one factor, even if several codes share a factor. As in the
    reference, a code without any information counts as 0, so inactive codes lower the score; "modularity/live" leaves
    them out. A code of pure noise has a little information about each factor by chance, so it is not inactive. With a
    single factor, every active code has modularity 1.

    Args:
        table: Codes [N, K] and factors [N, F].
        rng: Not used; part of every metric's signature.
        settings: Uses `bins`.

    Returns:
        "modularity" and "modularity/live" in [0, 1] (0 if all codes are inactive); counts "modularity/live_codes"
        (active codes), "modularity/bins", "modularity/samples" and "modularity/excluded/<name>" for each factor with
        fewer than two values.

    Raises:
        ValueError: If no factor takes two values.

    References: Ridgeway & Mozer 2018 (1802.05312), eq. 2, as computed by disentanglement_lib.
    """
    del rng
    factors = table.varying("Modularity")
    scores = modularity_of_codes(information_matrix(table, settings.bins)[:, factors])
    active = scores[~np.isnan(scores)]
    return {
        "modularity": float(active.sum() / len(scores)),
        "modularity/live": float(active.mean()) if len(active) else 0.0,
        "modularity/live_codes": len(active),
        "modularity/bins": settings.bins,
        "modularity/samples": len(table.codes),
        **table.excluded("modularity", factors),
    }


def modularity_of_codes(information: np.ndarray) -> np.ndarray:
    """Computes the modularity of each code [K] from I(c_k; f) [K, F]; NaN for a code without any information."""
    squared = information**2
    best = squared.max(axis=1)
    others = squared.sum(axis=1) - best
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(best > 0, 1 - others / (best * max(1, squared.shape[1] - 1)), np.nan)
