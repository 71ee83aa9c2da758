"""Mutual information gap (MIG), for encoders and, as MIG-gen, for generators."""

from __future__ import annotations

import numpy as np

from ssgan_tf.metrics.information import entropy, information_matrix
from ssgan_tf.metrics.settings import DEFAULTS, Settings
from ssgan_tf.metrics.table import UNKNOWN, Table

NO_CODE = -1
"""Index of the matched code if no code is informative about the factor."""


def mig(table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS) -> dict[str, float]:
    """Computes the mean, over factors, of the gap between the two codes that are most informative about the factor.

        MIG = mean_f (I(c_j; f) - max_{k != j} I(c_k; f)) / H(f),   j = argmax_k I(c_k; f)

    The score is 1 if each factor is encoded by exactly one code, and 0 if each factor is encoded by no code or equally
    well by two. Permuting or flipping codes changes nothing. A single code is compared with one of information 0.

    A factor with more than `bins` values cannot reach 1. With 20 bins, exact linear codes score 0.902 on dSprites
    (0.812 for 40 values, 0.850 for 32), 0.834 on Cars3D and 0.946 on MPI3D; with 10 bins, 0.790 on dSprites.

    Factors with fewer than two known values have no entropy: they are excluded and listed. A row with an unknown label
    is left out for that factor only.

    Args:
        table: Codes [N, K] and factors [N, F]. For MIG-gen, the oracle's codes of generated images and the factors
            that the images were generated from.
        rng: Not used; part of every metric's signature.
        settings: Uses `bins`.

    Returns:
        "mig" in [0, 1], "mig/bins" and "mig/samples" (N). Per factor "mig/gap/<name>" in [0, 1], "mig/code/<name>":
        the index j (-1 if no code is informative), and "mig/samples/<name>": number of rows with a known label; or,
        for an excluded factor, "mig/excluded/<name>": number of values (0 or 1).

    Raises:
        ValueError: If no factor takes two values.

    References: Chen et al. 2018 (1802.04942), eq. 6; binning as in disentanglement_lib; MIG-gen of Nie et al. 2020
        (Semi-StyleGAN, 2003.03461).
    """
    del rng
    result: dict[str, float] = {"mig/bins": settings.bins, "mig/samples": len(table.codes)}
    varying = table.varying("MIG")
    information = information_matrix(table, settings.bins)
    gaps = []
    for f, name in enumerate(table.names):
        if f not in varying:
            result[f"mig/excluded/{name}"] = table.distinct(f)
            continue
        labels = table.factors[table.factors[:, f] != UNKNOWN, f]
        information_gap, code = gap(information[:, f])
        gaps.append(min(1.0, information_gap / entropy(labels)))  # eq. 6
        result[f"mig/gap/{name}"] = gaps[-1]
        result[f"mig/code/{name}"] = code
        result[f"mig/samples/{name}"] = len(labels)
    return {"mig": float(np.mean(gaps)), **result}


def gap(information: np.ndarray) -> tuple[float, int]:
    """Returns the gap between the best and the second-best code, and the best one's index, from I(c_k; f) [K]."""
    best = int(np.argmax(information))
    second = float(np.max(np.delete(information, best), initial=0.0))
    top = float(information[best])
    return top - second, best if top > 0 else NO_CODE
