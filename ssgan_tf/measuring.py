"""Scores of everything that was read: which metrics there are, and what each says, with an interval if asked for.

    plan = Plan(choose("mig,dci", has_features=False))
    readings = read(networks, images, factors, spec, samples, seed, plan.extras)      # readings.py
    result = score(readings, plan)
"""

import dataclasses
import zlib
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from tqdm import tqdm

from ssgan_tf.metrics import DEFAULTS, FEATURE_METRICS, METRICS, FeatureMetric, Metric, Settings, Table, frechet
from ssgan_tf.metrics.bootstrap import intervals
from ssgan_tf.metrics.titles import TITLES
from ssgan_tf.readings import Readings
from ssgan_tf.utils.progress_bar import make_bar

GROUPS = ("encoder", "generator", "images")
NAMES = (*METRICS, "frechet_oracle", "psnr", "ssim", *FEATURE_METRICS)
SLOW = ("dci",)
UNNAMED = "no labels were used, so no code belongs to a named factor"
NO_PICTURES = "this model reads pictures and makes none"

_EXTRA = {"frechet_oracle": "oracle", "psnr": "reconstruction", "ssim": "reconstruction"} | dict.fromkeys(
    FEATURE_METRICS, "network"
)

Scores = dict[str, float]


def choose(text: str, has_features: bool) -> tuple[str, ...]:
    """The metrics that the text of --metrics asks for, in the order of NAMES.

    Args:
        text: names with commas between; "fast": all that take seconds; "all": the slow ones too. Those over features
            of a network that must be given are in either if there is one.
        has_features: is there one?

    Raises:
        ValueError: for a name that is none, or none at all.
    """
    asked = {name.strip() for name in text.split(",")} - {""}
    unknown = sorted(asked - {*NAMES, "fast", "all"})
    if unknown or not asked:
        raise ValueError(f"--metrics: expected 'fast', 'all' or names of {list(NAMES)}. Received: {unknown or text!r}.")
    possible = {name for name in NAMES if has_features or name not in FEATURE_METRICS}
    groups = {"all": possible, "fast": possible.difference(SLOW)}
    wanted = asked.union(*(groups[name] for name in asked & set(groups)))
    return tuple(name for name in NAMES if name in wanted)


def choose_without_features(text: str) -> tuple[str, ...]:
    """The same where no network can be given.

    Raises:
        ValueError: as `choose`, or for a metric that needs one.
    """
    names = choose(text, has_features=False)
    if not set(names).isdisjoint(FEATURE_METRICS):
        raise ValueError(f"--metrics: expected none of {list(FEATURE_METRICS)}, which are evaluate's alone.")
    return names


@dataclasses.dataclass(frozen=True)
class Plan:
    """How to score.

    Args:
        names: metrics, as `choose` gives them.
        seed: of the metrics' own draws.
        settings: of the metrics.
        bootstrap: replicates of an interval; 0 for none.
        identified: does code k belong to factor k? Without, L2 means nothing.
        quiet: no progress bar.
    """

    names: tuple[str, ...]
    seed: int = 0
    settings: Settings = DEFAULTS
    bootstrap: int = 0
    identified: bool = True
    quiet: bool = False

    @property
    def extras(self) -> set[str]:
        """What these metrics look at beside codes, of `readings.EXTRAS`."""
        return {_EXTRA[name] for name in self.names if name in _EXTRA}


def plan_for_training(metrics: Sequence[str], identified: bool) -> Plan:
    """The plan of train.metrics.

    Raises:
        ValueError: it names what is no metric, or one over features of a network, which only evaluate is given.
    """
    try:
        names = choose_without_features(",".join(metrics))
    except ValueError as error:
        raise ValueError(str(error).replace("--metrics", "train.metrics")) from error
    return Plan(names, identified=identified, quiet=True)


@dataclasses.dataclass(frozen=True)
class Result:
    """Scores in three groups: of the "encoder", of the "generator", and of "images" generated against real ones.

    Args:
        values: {group: flat results of its metrics}, floats for scores, ints for counts.
        intervals: {group: {key: 95 % interval}}; nothing without a bootstrap.
        refused: {group: {metric: why it has no score}}.
    """

    values: dict[str, Scores]
    intervals: dict[str, dict[str, tuple[float, float]]]
    refused: dict[str, dict[str, str]]


def summary(result: Result) -> Scores:
    """The scores that have a title, one flat dict: {"mig": ..., "mig_gen": ..., "frechet_oracle": ...}."""
    ends = {"encoder": "", "generator": "_gen", "images": ""}
    found = result.values.items()
    return {key + ends[group]: values[key] for group, values in found for key in TITLES if key in values}


def reasons(result: Result) -> set[str]:
    """Why metrics have no score, a sentence each."""
    return {
        f"no {TITLES.get(name, name)} of {group}: {why}"
        for group, refused in result.refused.items()
        for name, why in refused.items()
    }


@dataclasses.dataclass(frozen=True)
class _Job:
    """One metric of one group: how to score what was read, and how to score a replicate of it."""

    group: str
    name: str
    score: Callable[[np.random.Generator], Scores]
    score_again: Callable[[np.random.Generator], Scores]


def score(readings: Readings, plan: Plan) -> Result:
    """Scores what was read by every metric of the plan; one that cannot be is refused, and the others go on."""
    result = Result(
        {group: {} for group in GROUPS}, {group: {} for group in GROUPS}, {group: {} for group in GROUPS}
    )
    jobs = _jobs(readings, plan)
    if readings.generator is None:
        result.refused["generator"] = {name: NO_PICTURES for name in plan.names if name in METRICS}
        result.refused["images"] = {name: NO_PICTURES for name in plan.names if name not in METRICS}
    with make_bar(len(jobs) * (1 + plan.bootstrap), "score", quiet=plan.quiet) as bar:
        for job in jobs:
            bar.set_description(f"{job.group} {job.name}")
            seed = [plan.seed, zlib.crc32(job.name.encode())]  # the same draws whatever else is asked for
            try:
                if job.name == "l2" and not plan.identified:
                    raise ValueError(UNNAMED)
                values = job.score(np.random.default_rng(seed))
                result.values[job.group].update(values)
            except ValueError as error:
                result.refused[job.group][job.name] = str(error)
                bar.update(1 + plan.bootstrap)
                continue
            bar.update()
            if plan.bootstrap:
                rng = np.random.default_rng([*seed, 1])
                again = _counted(job.score_again, bar)
                result.intervals[job.group].update(intervals(values, again, rng, plan.bootstrap))
    return result


def _counted(score_again: Callable[[np.random.Generator], Scores], bar: tqdm) -> Callable:
    """The same, and the bar moves."""

    def counted(rng: np.random.Generator) -> Scores:
        bar.update()
        return score_again(rng)

    return counted


def _jobs(readings: Readings, plan: Plan) -> list[_Job]:
    jobs = []
    for name, metric in METRICS.items():
        for group, table in (("encoder", readings.encoder), ("generator", readings.generator)):
            if table is None:
                continue
            jobs.append(_table_job(group, name, metric, table, plan.settings))
    if "oracle" in readings.features:
        over_oracle = partial(frechet, name="frechet_oracle")
        jobs.append(_feature_job("frechet_oracle", over_oracle, readings.features["oracle"]))
    jobs += [_image_job(name, values) for name, values in readings.per_image.items()]
    if "network" in readings.features:
        jobs += [_feature_job(name, metric, readings.features["network"]) for name, metric in FEATURE_METRICS.items()]
    return [job for job in jobs if job.name in plan.names]


def _table_job(group: str, name: str, metric: Metric, table: Table, settings: Settings) -> _Job:
    return _Job(
        group, name, lambda rng: metric(table, rng, settings), lambda rng: metric(table.resample(rng), rng, settings)
    )


def _feature_job(name: str, metric: FeatureMetric, sides: tuple[np.ndarray, np.ndarray]) -> _Job:
    def again(rng: np.random.Generator) -> Scores:
        real, generated = (side[rng.integers(len(side), size=len(side))] for side in sides)
        return metric(real, generated, rng)

    return _Job("images", name, lambda rng: metric(*sides, rng), again)


def _image_job(name: str, values: np.ndarray) -> _Job:
    def mean(rng: np.random.Generator) -> Scores:
        if np.isnan(values).any():
            raise ValueError(f"{name} looks through a window of 11x11 pixels. Received: smaller images.")
        return {name: float(np.mean(values, dtype=np.float64)), f"{name}/samples": len(values)}

    return _Job("images", name, mean, lambda rng: {name: float(rng.choice(values, len(values)).mean())})
