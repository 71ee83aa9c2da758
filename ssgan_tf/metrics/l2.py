"""L2 distance between codes and true codes, for encoders and, as L2-gen, for generators."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ssgan_tf.metrics.bootstrap import mean_interval
from ssgan_tf.metrics.settings import DEFAULTS, Settings
from ssgan_tf.metrics.table import Table


def l2(table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS) -> dict[str, float]:
    """Computes the mean distance between the codes of a sample and its true codes, index / (size - 1).

        L2 = mean_n || codes_n - true_n ||_2

    Code k must stand for factor k, so the distance is meaningless for an unsupervised model. Compare it with the
    chance level, which grows with the number of factors. Codes that are constantly 1/2 score below chance (0.725
    against 1.006 on dSprites), so only values far below both are good.

    A factor with one value has no code, and a factor without labels has no true code: both are excluded, also from the
    chance level, and listed. The norm is averaged over rows with known labels for all remaining factors, the error of
    a factor over all rows with a known label for it.

    Args:
        table: Codes [N, F], one per factor in the same order, and factors [N, F]. For L2-gen, the oracle's codes of
            generated images and the factors that the images were generated from.
        rng: Random generator for the chance level.
        settings: Not used; part of every metric's signature.

    Returns:
        "l2", at least 0; "l2/chance": `chance_l2` of these factors; "l2/samples": number of rows in the mean. Per
        factor "l2/error/<name>": mean absolute error in code units (1 = the whole range), and "l2/samples/<name>":
        number of rows with a known label; or, for an excluded factor, "l2/excluded/<name>": number of values (0 or 1).

    Raises:
        ValueError: If the numbers of codes and factors differ, or if no row has labels for all remaining factors.

    References: Nie et al. 2020 (Semi-StyleGAN, 2003.03461), L2 and L2-gen.
    """
    del settings
    counted, complete = table.complete_rows("L2")
    found = distances(table)
    result: dict[str, float] = {
        "l2": float(np.mean(found["l2"])),
        "l2/chance": chance_l2([table.truth_sizes[f] for f in counted], rng),
        "l2/samples": int(complete.sum()),
    }
    for f in counted:
        result[f"l2/error/{table.names[f]}"] = float(np.mean(found[f"l2/error/{table.names[f]}"]))
        result[f"l2/samples/{table.names[f]}"] = int(table.known[:, f].sum())
    return {**result, **table.excluded("l2", counted)}


def distances(table: Table) -> dict[str, np.ndarray]:
    """Computes the values that the scores of `l2` are the means of.

    Returns:
        "l2": distance of each complete row; "l2/error/<name>": absolute error of each row with a label of the factor.

    Raises:
        ValueError: See `l2`.
    """
    counted, complete = table.complete_rows("L2")
    difference = table.codes[:, counted] - table.truth[:, counted]
    errors = {
        f"l2/error/{table.names[f]}": abs(difference[table.known[:, f], column]) for column, f in enumerate(counted)
    }
    return {"l2": np.linalg.norm(difference[complete], axis=1), **errors}


def l2_intervals(table: Table) -> dict[str, tuple[float, float]]:
    """Returns the 95 % intervals of L2 and of each factor's error, by Student's t over the rows.

    With few rows a bootstrap is too narrow, since the few errors that were seen are all that its replicates contain.
    """
    found = distances(table)
    return {
        key: mean_interval(values, 1.0 if key != "l2" else math.sqrt(len(found) - 1)) for key, values in found.items()
    }


def chance_l2(sizes: Sequence[int], rng: np.random.Generator, n: int = 20_000) -> float:
    """Estimates the L2 of codes that are independent of the image, from random pairs of grid codes.

    Both codes of a pair take each value of each factor with the same probability, as codes for generated images do.
    The result is thus the L2-gen of a generator that ignores its codes, measured with a perfect oracle. Exact values:
    1.525 for Isaac3D, 1.251 for Falcor3D, 1.006 for dSprites.

    Args:
        sizes: Number of values of each factor; factors with one value add nothing.
        rng: Random generator for the pairs.
        n: Number of pairs. The standard error is about 0.3 / sqrt(n), 0.002 for 20,000 pairs.
    """
    squares = np.zeros(n)
    for size in sizes:
        first, second = rng.integers(size, size=(2, n))
        squares += ((first - second) / max(size - 1, 1)) ** 2
    return float(np.mean(np.sqrt(squares)))
