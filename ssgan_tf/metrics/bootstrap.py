"""Confidence intervals (95 %) of scores: by bootstrap, and exact ones of fractions and means."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable

import numpy as np
from scipy.special import stdtrit

Scores = dict[str, float]

_LIMITS = {
    "irs": (-np.inf, 1.0),
    "l2": (0.0, np.inf),
    "total_correlation": (0.0, np.inf),
    "fid": (0.0, np.inf),
    "frechet_oracle": (0.0, np.inf),
    "frechet_trunk": (0.0, np.inf),
    "kid": (-np.inf, np.inf),
    "kid/std": (0.0, np.inf),
    "psnr": (-np.inf, np.inf),
    "ssim": (-1.0, 1.0),
    "named_psnr": (-np.inf, np.inf),
    "sliders": (-1.0, np.inf),  # correlations, and ratios
    "read_sliders": (-np.inf, np.inf),  # slopes
}
"""Lower and upper limits of scores, by key or else by the metric's name; (0, 1) if neither is listed."""

_NORMAL = 1.959964  # 97.5 % quantile of the normal distribution
_CHANCE = "/chance"  # ending of chance levels, which depend on the factors and not on the sample


def intervals(
    value: Scores, score: Callable[[np.random.Generator], Scores], rng: np.random.Generator, count: int
) -> dict[str, tuple[float, float]]:
    """Computes the 95 % interval of each score from `count` bootstrap replicates of the sample.

    An interval consists of the replicates' 2.5 % and 97.5 % quantiles, shifted so that the replicates' mean equals
    the score. The shift removes a bias: repeated rows in a replicate make codes look more informative than they are
    (mutual information, nearest neighbours). The interval covers the variation between samples and between the random
    groups and splits of the metric, for fixed network weights. It does not cover the variation between training seeds.

    Args:
        value: Scores of the sample. Floats are scores and get an interval, ints are counts and get none.
        score: Function that resamples a replicate with the given random generator and returns its scores.
        rng: Random generator for the replicates.
        count: Number of replicates, at least 2; stable limits need several hundred.

    Returns:
        {key: (low, high)} of each score that at least two replicates have, clipped to the values that the metric can
        take. A replicate that misses some value of a factor may lack that factor's scores, or all scores; it then
        counts only for the scores it has.

    Raises:
        ValueError: If `count` is less than 2.
    """
    if count < 2:
        raise ValueError(f"A bootstrap interval needs at least two replicates. Received: {count}.")
    # Score the replicates.
    replicates = []
    for child in rng.spawn(count):
        with contextlib.suppress(ValueError):  # this replicate cannot be scored
            replicates.append(score(child))
    # Shift and clip the quantiles of each score.
    result = {}
    for key, center in value.items():
        values = np.array([scores[key] for scores in replicates if key in scores], dtype=np.float64)
        if not isinstance(center, float) or len(values) < 2 or key.endswith(_CHANCE):
            continue
        low, high = np.percentile(values, [2.5, 97.5]) - values.mean() + center
        limits = _LIMITS.get(key, _LIMITS.get(key.split("/")[0], (0.0, 1.0)))
        result[key] = (float(np.clip(low, *limits)), float(np.clip(high, *limits)))
    return result


def mean_interval(values: np.ndarray, most: float) -> tuple[float, float]:
    """Returns the 95 % interval of the mean of errors, which lie in about [0, most], by Student's t.

    A single value says nothing: its interval is [0, most].

    References: Student 1908.
    """
    mean = float(np.mean(values, dtype=np.float64))
    most = max(most, mean)
    if len(values) < 2:
        return 0.0, most
    half = stdtrit(len(values) - 1, 0.975) * np.std(values, ddof=1, dtype=np.float64) / math.sqrt(len(values))
    return max(0.0, float(mean - half)), min(most, float(mean + half))


def fraction_interval(fraction: float, count: int) -> tuple[float, float]:
    """Returns the 95 % interval of a fraction of `count` images, by Wilson's score.

    Unlike a bootstrap it is right for few images: none of 16 leaves [0, 0.19], where all replicates have none.

    References: Wilson 1927.
    """
    square = _NORMAL**2 / count
    middle = fraction + square / 2
    half = _NORMAL * np.sqrt(fraction * (1 - fraction) / count + square / (4 * count))
    return max(0.0, float((middle - half) / (1 + square))), min(1.0, float((middle + half) / (1 + square)))
