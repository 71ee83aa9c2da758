"""Scores over seeds: means with 95 % intervals, and groups of runs that differ in their seed alone."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import stdtrit

from ssgan_tf.evaluate.compare.scores import RunScores

ENOUGH = 5
"""Number of seeds of each method from which a table may claim an order."""

INTERVAL = "Mean over seeds ± half-width of its 95 % interval (Student's t)."


def format_mean(values: Sequence[float], show: Callable[[float], str] = "{:.3f}".format) -> str:
    """Returns the mean and, for two values or more, the half-width of its 95 % interval: "0.881 ± 0.040"; "-" for none.

    The interval is Student's t over the seeds: its half-width is t s / sqrt(n), with the sample standard deviation s of
    n seeds and the 97.5 % quantile t for n - 1 degrees of freedom: 9.0 s for two seeds, 2.5 s for three, 1.2 s for
    five. The bootstrap would be too narrow, since so few seeds have few different resamples. The interval of a bounded
    score may exceed the bound.

    Args:
        values: One score per seed.
        show: Function that formats a number.
    """
    if not len(values):
        return "-"
    with np.errstate(invalid="ignore"):  # a score may be infinite
        mean = float(np.mean(values))
        if len(values) < 2:
            return show(mean)
        half_width = stdtrit(len(values) - 1, 0.975) * np.std(values, ddof=1) / math.sqrt(len(values))
    return f"{show(mean)} ± {show(float(half_width))}"


def warn_of_order(seeds: Sequence[int]) -> list[str]:
    """Returns one sentence if there are two methods or more and one of them has fewer than ENOUGH seeds.

    Args:
        seeds: Number of seeds of each method.
    """
    if len(seeds) < 2 or min(seeds) >= ENOUGH:
        return []
    return [f"The order of the methods is not established, which takes at least {ENOUGH} seeds of each."]


def group_by_experiment(runs: Sequence[RunScores]) -> list[list[RunScores]]:
    """Returns the runs in groups that differ in their seed alone, in the given order.

    A run without a config, or with a seed that its group already has, is a group of its own.
    """
    groups: dict[tuple, list[RunScores]] = {}
    for i, run in enumerate(runs):
        key: tuple = (run.experiment,) if run.experiment else (i,)
        if any(run.seed == other.seed for other in groups.get(key, ())):
            key = (i,)
        groups.setdefault(key, []).append(run)
    return list(groups.values())
