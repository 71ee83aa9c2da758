"""MIG with swapped roles: a score of generators that is comparable between methods with different codes."""

from __future__ import annotations

import math

import numpy as np

from ssgan_tf.metrics.information import entropy, information_matrix
from ssgan_tf.metrics.mig import gap
from ssgan_tf.metrics.settings import DEFAULTS, Settings
from ssgan_tf.metrics.table import UNKNOWN, Table


def mig_swapped(table: Table, rng: np.random.Generator, settings: Settings = DEFAULTS) -> dict[str, float]:
    """Computes the mean, over factors, of the gap between the two codes that control a generated factor most.

        MIG-swapped = mean_f (I(c_j; v_f) - max_{k != j} I(c_k; v_f)) / H(v_f),   j = argmax_k I(c_k; v_f)

    c_k: input code k of the generator, binned; v_f: the value of factor f that the oracle reads in the image. In
    MIG-gen, the codes take the place of the factors, so the result is divided by the entropy of a code. That is ln 6
    for a code that is sampled from 6 values, but ln 20 for a latent in 20 bins: a perfect generator of `scene3d/demo`
    scores 0.999 and 0.54. Here, all methods are divided by the entropy of the same labelled factors: it scores 0.999
    and 0.96. The rest of the difference is due to bins in which one factor value changes to the next.

    A factor of which all images show the same value counts as 0. A generator that shows some values rarely is not
    penalised, since the entropy is that of the images shown; "mig_swapped/entropy/<name>" tells. Permuting or
    flipping codes changes nothing.

    Args:
        table: The generator's input codes [N, K] in unit range, and the factors [N, F] that the oracle reads in the
            images.
        rng: Not used; part of every metric's signature.
        settings: Uses `bins`.

    Returns:
        "mig_swapped" in [0, 1], "mig_swapped/bins" and "mig_swapped/samples" (N). Per factor
        "mig_swapped/gap/<name>" in [0, 1]; "mig_swapped/entropy/<name>": H(v_f) / ln(size), which is 1 if all values
        are equally frequent; and "mig_swapped/code/<name>": the index j (-1 if no code is informative). For a factor
        of size 1 or without known labels, "mig_swapped/excluded/<name>": number of values (0 or 1).

    Raises:
        ValueError: If all factors have size 1 or no known label.

    References: the formula is that of MIG, Chen et al. 2018 (1802.04942), eq. 6, for the generator's input.
    """
    del rng
    result: dict[str, float] = {"mig_swapped/bins": settings.bins, "mig_swapped/samples": len(table.codes)}
    information = information_matrix(table, settings.bins)
    gaps = []
    for f, (name, size) in enumerate(zip(table.names, table.sizes, strict=True)):
        labels = table.factors[table.factors[:, f] != UNKNOWN, f]
        if size < 2 or not len(labels):
            result[f"mig_swapped/excluded/{name}"] = table.distinct(f)
            continue
        information_gap, code = gap(information[:, f])
        shown = entropy(labels)
        gaps.append(min(1.0, information_gap / shown) if shown > 0 else 0.0)
        result[f"mig_swapped/gap/{name}"] = gaps[-1]
        result[f"mig_swapped/entropy/{name}"] = shown / math.log(size)
        result[f"mig_swapped/code/{name}"] = code
    if not gaps:
        raise ValueError(
            f"MIG-swapped needs at least one factor that can take two values. Received: {list(table.names)}."
        )
    return {"mig_swapped": float(np.mean(gaps)), **result}
