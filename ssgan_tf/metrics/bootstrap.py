"""How sure a score is: 95 % intervals by the bootstrap."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np

Scores = dict[str, float]

_LIMITS = {
    "irs": (-np.inf, 1.0),
    "l2": (0.0, np.inf),
    "total_correlation": (0.0, np.inf),
    "fid": (0.0, np.inf),
    "frechet_oracle": (0.0, np.inf),
    "kid": (-np.inf, np.inf),
    "kid/std": (0.0, np.inf),
    "psnr": (-np.inf, np.inf),
    "ssim": (-1.0, 1.0),
}
"""Between which values a score, or all of a metric's, lies; 0 and 1 where neither is listed."""

_CHANCE = "/chance"  # what a score would be by chance is of the factors, not of the sample


def intervals(
    value: Scores, score: Callable[[np.random.Generator], Scores], rng: np.random.Generator, count: int
) -> dict[str, tuple[float, float]]:
    """The 95 % interval of each score, from its values on `count` replicates: samples drawn again from the sample.

    The replicates' 2.5 % and 97.5 % quantiles, shifted so that their mean is the score itself: rows that a replicate
    has twice make codes seem to know more than they do (information, nearest neighbours), and the shift takes this
    bias out. What is left is how a score scatters from sample to sample, with the random groups and splits that the
    metric draws, for fixed weights of the networks: it says nothing about another seed of the training.

    Args:
      value: of the sample; floats are scores and get an interval, ints are counts.
      score: draws a replicate with the generator that it is given, and scores it.
      rng: of the replicates.
      count: how many, 2 or more; some hundreds for ends that stay put.

    Returns:
      {key: (low, high)}, within the values that the metric can take, of the scores that at least two replicates have.
      A replicate that never drew a value of a factor may lack what is said of it, or all: it is left out there.

    Raises:
      ValueError: fewer than two replicates.
    """
    if count < 2:
        raise ValueError(f"A bootstrap interval needs two replicates or more. Received: {count}.")
    replicates = []
    for child in rng.spawn(count):
        with contextlib.suppress(ValueError):  # nothing to score in this one
            replicates.append(score(child))
    result = {}
    for key, center in value.items():
        drawn = np.array([scores[key] for scores in replicates if key in scores], dtype=np.float64)
        if not isinstance(center, float) or len(drawn) < 2 or key.endswith(_CHANCE):
            continue
        low, high = np.percentile(drawn, [2.5, 97.5]) - drawn.mean() + center
        limits = _LIMITS.get(key, _LIMITS.get(key.split("/")[0], (0.0, 1.0)))
        result[key] = (float(np.clip(low, *limits)), float(np.clip(high, *limits)))
    return result
