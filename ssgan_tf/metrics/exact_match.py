"""Exact match: the fraction of images of which all factors are read right."""

from __future__ import annotations

import numpy as np

from ssgan_tf.metrics.settings import DEFAULTS, Settings
from ssgan_tf.metrics.table import Table


def exact_match(table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS) -> dict[str, float]:
    """Computes the fraction of rows whose codes, rounded to the nearest value of each factor, are all right.

    A code is right if it differs by at most half a step from the true code, that is 1 / (2 (size - 1)). A numeric
    factor counts as right within half of one of its classes. Code k must stand for factor k, as for L2. A constant code
    still gets as many rows right as its factor has of one value; by chance a row is right with probability
    prod_f 1 / size_f.

    A factor with one value has no code, and a factor without labels has no true code: both are excluded and listed.

    Args:
        table: Codes [N, F], one per factor in the same order, and factors [N, F]. For a generator, the oracle's codes
            of generated images and the factors that the images were generated from.
        rng: Not used; part of every metric's signature.
        settings: Not used; part of every metric's signature.

    Returns:
        "exact_match" in [0, 1], over rows with known labels for all factors; "exact_match/chance";
        "exact_match/samples": number of these rows. Per factor "exact_match/accuracy/<name>" in [0, 1], over all rows
        with a known label; or, for an excluded factor, "exact_match/excluded/<name>": number of values (0 or 1).

    Raises:
        ValueError: If the numbers of codes and factors differ, or if no row has labels for all remaining factors.

    References: The subset accuracy of multi-label classification.
    """
    del rng, settings
    counted, complete = table.complete_rows("Exact match")
    known = table.known

    # Compare with half a step. Codes beyond the ends count as the ends; a few units in the last place do not matter.
    half_step = 0.5 / (np.array([table.sizes[f] for f in counted]) - 1)
    codes = np.clip(table.codes[:, counted].astype(np.float64), 0, 1)
    right = np.abs(codes - table.truth[:, counted]) <= half_step * (1 + 1e-6)
    result: dict[str, float] = {
        "exact_match": float(right[complete].all(axis=1).mean()),
        "exact_match/chance": float(np.prod([1 / table.sizes[f] for f in counted])),
        "exact_match/samples": int(complete.sum()),
    }
    for column, f in enumerate(counted):
        result[f"exact_match/accuracy/{table.names[f]}"] = float(right[known[:, f], column].mean())
    return {**result, **table.excluded("exact_match", counted)}
