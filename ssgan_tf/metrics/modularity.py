"""Modularity: does each code know about one factor alone?"""

from __future__ import annotations

import numpy as np

from ssgan_tf.metrics.information import information_matrix
from ssgan_tf.metrics.settings import DEFAULTS, Settings
from ssgan_tf.metrics.table import Table


def modularity(table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS) -> dict[str, float]:
    """Mean over codes of how far the information that a code holds belongs to one factor.

        modularity = mean_k (1 - sum_{f != best} I(c_k; f)^2 / (I(c_k; best)^2 (F - 1)))

    1 when each code knows one factor alone, also if several codes know the same one. As in the reference a code that
    knows nothing counts 0, so that dead codes drag the score down; "modularity/live" leaves them out. A code of noise
    knows a little of every factor by chance, and is not dead. With one factor alone a live code has 1.

    Args:
      table: codes [N, K] and factors [N, F].
      rng: not used; every metric has it.
      settings: `bins`.

    Returns:
      "modularity" and "modularity/live" in [0, 1] (0 if all codes are dead); counts "modularity/live_codes",
      "modularity/bins", "modularity/samples" and "modularity/excluded/<name>" of factors with fewer than two values.

    Raises:
      ValueError: no factor takes two values.

    References: Ridgeway & Mozer 2018 (1802.05312), eq. 2 as disentanglement_lib computes it.
    """
    del rng
    factors = table.varying("Modularity")
    scores = modularity_of_codes(information_matrix(table, settings.bins)[:, factors])
    live = scores[~np.isnan(scores)]
    return {
        "modularity": float(live.sum() / len(scores)),
        "modularity/live": float(live.mean()) if len(live) else 0.0,
        "modularity/live_codes": len(live),
        "modularity/bins": settings.bins,
        "modularity/samples": len(table.codes),
        **table.excluded("modularity", factors),
    }


def modularity_of_codes(information: np.ndarray) -> np.ndarray:
    """Modularity of each code [K] from I(c_k; f) [K, F]; NaN for a code that knows nothing."""
    squared = information**2
    best = squared.max(axis=1)
    others = squared.sum(axis=1) - best
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(best > 0, 1 - others / (best * max(1, squared.shape[1] - 1)), np.nan)
