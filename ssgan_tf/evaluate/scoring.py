"""Scores of predictions: chooses metrics and computes the score of each, with an interval if asked for.

    plan = Plan(choose("mig,dci", has_features=False))
    predictions = predict(targets, dataset, part, samples, seed, plan.optional_inputs)
    result = score(predictions, plan)
"""

import dataclasses
import warnings
import zlib
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from tqdm import tqdm

from ssgan_tf.evaluate.named_images import NOT_A_GRID, NamedComparison
from ssgan_tf.evaluate.predictions import Predictions
from ssgan_tf.evaluate.read_moves import ReadMoves
from ssgan_tf.metrics import (
    DEFAULTS,
    FEATURE_METRICS,
    GENERATOR_METRICS,
    METRICS,
    FeatureMetric,
    Metric,
    Settings,
    Table,
    frechet,
)
from ssgan_tf.metrics.bootstrap import fraction_interval, intervals
from ssgan_tf.metrics.l2 import l2_intervals
from ssgan_tf.metrics.titles import TITLES
from ssgan_tf.utils.progress_bar import make_bar

GROUPS = ("encoder", "generator", "images")
NAMES = (
    *METRICS, *GENERATOR_METRICS, "frechet_oracle", "frechet_trunk", "psnr", "ssim", "named_psnr", "sliders",
    "read_sliders", *FEATURE_METRICS,
)  # fmt: skip
_FEW_IMAGES, _FEW_REPLICATES = 1_000, 200
_FIRST_SCORES = ("mig", "l2", "exact_match")
_OF_THE_GENERATOR = (*METRICS, *GENERATOR_METRICS, "read_sliders")
SLOW = ("dci",)
# Metrics for which code k must stand for factor k.
NAMED_CODES = ("l2", "exact_match", "named_psnr", "sliders", "read_sliders")
UNNAMED = "no labels were used, so no code belongs to a named factor"
NO_TRUNK = "this model has no discriminator that also encodes"
ENCODER_ONLY = "this model encodes images and generates none"

_OPTIONAL_INPUT = {
    "frechet_oracle": "oracle",
    "frechet_trunk": "trunk",
    "psnr": "reconstruction",
    "ssim": "reconstruction",
    "named_psnr": "moves",
    "sliders": "moves",
    "read_sliders": "moves",
} | dict.fromkeys(FEATURE_METRICS, "network")

Values = dict[str, float]


def choose(text: str, has_features: bool) -> tuple[str, ...]:
    """Returns the metrics that `text` asks for, in the order of NAMES.

    Args:
        text: Comma-separated names; "fast" for all that take seconds; "all" for the slow ones too. Both include the
            metrics that need a feature network only if there is one.
        has_features: Whether there is a feature network.

    Raises:
        ValueError: A name is unknown, or `text` has no names.
    """
    asked = {name.strip() for name in text.split(",")} - {""}
    unknown = sorted(asked - {*NAMES, "fast", "all"})
    if unknown or not asked:
        raise ValueError(f"metrics: expected 'fast', 'all' or names of {list(NAMES)}. Received: {unknown or text!r}.")
    possible = {name for name in NAMES if has_features or name not in FEATURE_METRICS}
    groups = {"all": possible, "fast": possible.difference(SLOW)}
    wanted = asked.union(*(groups[name] for name in asked & set(groups)))
    return tuple(name for name in NAMES if name in wanted)


def choose_without_features(text: str) -> tuple[str, ...]:
    """Returns the metrics that `text` asks for, see `choose`, where no feature network can be given.

    Raises:
        ValueError: See `choose`; also if a metric needs a feature network.
    """
    names = choose(text, has_features=False)
    if not set(names).isdisjoint(FEATURE_METRICS):
        raise ValueError(f"metrics: expected none of {list(FEATURE_METRICS)}, which only evaluate can compute.")
    return names


@dataclasses.dataclass(frozen=True)
class Plan:
    """Metrics to compute, with their settings.

    Args:
        names: Metrics, as `choose` returns them.
        seed: Seed of the metrics' own random numbers.
        settings: Settings of the metrics.
        bootstrap: Number of replicates for intervals; 0 for no intervals.
        identified: Whether code k belongs to factor k; otherwise the metrics in NAMED_CODES have no meaning.
        quiet: Whether to show no progress bar.
        few: Whether E's MIG, L2 and exact match have intervals without a bootstrap too, if it was scored on few images.
    """

    names: tuple[str, ...]
    seed: int = 0
    settings: Settings = DEFAULTS
    bootstrap: int = 0
    identified: bool = True
    quiet: bool = False
    few: bool = False

    @property
    def optional_inputs(self) -> set[str]:
        """Entries of `predictions.OPTIONAL_INPUTS` that these metrics need."""
        return {_OPTIONAL_INPUT[name] for name in self.names if name in _OPTIONAL_INPUT}


def plan_for_training(metrics: Sequence[str], identified: bool) -> Plan:
    """Returns the plan for scores during training, from the config's train.metrics.

    Raises:
        ValueError: A name is unknown, or needs a feature network, which only evaluate has.
    """
    try:
        names = choose_without_features(",".join(metrics))
    except ValueError as error:
        raise ValueError(f"train.{error}") from error
    return Plan(names, identified=identified, quiet=True)


@dataclasses.dataclass(frozen=True)
class Result:
    """Scores in three groups: "encoder", "generator", and "images", which compares generated images with real ones.

    Args:
        values: {group: {key: value}}, floats for scores, ints for counts.
        intervals: {group: {key: 95 % interval}}; empty without a bootstrap.
        refused: {group: {metric: reason why it has no score}}.
        replicates: {metric: number of replicates of its intervals}.
    """

    values: dict[str, Values]
    intervals: dict[str, dict[str, tuple[float, float]]]
    refused: dict[str, dict[str, str]]
    replicates: dict[str, int] = dataclasses.field(default_factory=dict)


def summary(result: Result) -> Values:
    """Returns the scores that have a title in one flat dict: {"mig": ..., "mig_gen": ..., "frechet_oracle": ...}."""
    ends = {"encoder": "", "generator": "_gen", "images": ""}
    found = result.values.items()
    return {key + ends[group]: values[key] for group, values in found for key in TITLES if key in values}


def reasons(result: Result) -> set[str]:
    """Returns one sentence for each metric without a score."""
    return {
        f"no {TITLES.get(name, name)} of {group}: {why}"
        for group, refused in result.refused.items()
        for name, why in refused.items()
    }


@dataclasses.dataclass(frozen=True)
class MetricTask:
    """One metric of one group, as functions that score the predictions and a bootstrap replicate of them."""

    group: str
    name: str
    score: Callable[[np.random.Generator], Values]
    score_replicate: Callable[[np.random.Generator], Values]


def score(predictions: Predictions, plan: Plan) -> Result:
    """Computes all metrics of the plan. Those that cannot be computed are listed in `refused`, with the reason."""
    result = Result(
        {group: {} for group in GROUPS}, {group: {} for group in GROUPS}, {group: {} for group in GROUPS}
    )
    tasks = _tasks(predictions, plan)
    if predictions.generator is None:
        for name in plan.names:
            group = "generator" if name in _OF_THE_GENERATOR else "images"
            if not predictions.no_oracle:
                result.refused[group][name] = ENCODER_ONLY
            elif group == "generator" or name == "frechet_oracle":
                result.refused[group][name] = predictions.no_oracle
    replicates = [_replicates(task, predictions, plan) for task in tasks]
    with make_bar(len(tasks) + sum(replicates), "score", quiet=plan.quiet) as bar, warnings.catch_warnings():
        # Of a factor with many values, scikit-learn guesses that it might not be a class.
        warnings.filterwarnings("ignore", "The number of unique classes is greater than 50%")
        for task, count in zip(tasks, replicates, strict=True):
            bar.set_description(f"{task.group} {task.name}")
            seed = [plan.seed, zlib.crc32(task.name.encode())]  # does not depend on the other metrics in the plan
            try:
                if task.name in NAMED_CODES and not plan.identified:
                    raise ValueError(UNNAMED)
                values = task.score(np.random.default_rng(seed))
                result.values[task.group].update(values)
            except ValueError as error:
                result.refused[task.group][task.name] = str(error)
                bar.update(1 + count)
                continue
            bar.update()
            if count:
                rng = np.random.default_rng([*seed, 1])
                score_replicate = _counted(task.score_replicate, bar)
                result.intervals[task.group].update(intervals(values, score_replicate, rng, count))
                result.replicates[task.name] = count
                if task.group == "encoder":
                    result.intervals[task.group].update(_exact_intervals(task.name, values, predictions.encoder))
    return result


def _replicates(task: MetricTask, predictions: Predictions, plan: Plan) -> int:
    """Returns the number of replicates of a metric; E's first scores always have intervals if it has few images."""
    few = len(predictions.encoder.codes) < _FEW_IMAGES
    if not plan.bootstrap and few and plan.few and task.group == "encoder" and task.name in _FIRST_SCORES:
        return _FEW_REPLICATES
    return plan.bootstrap


def _exact_intervals(name: str, values: Values, table: Table) -> dict[str, tuple[float, float]]:
    """Returns the intervals of L2 and of the fractions of exact match, which are right for few images too."""
    if name == "l2":
        return l2_intervals(table)
    if name != "exact_match":
        return {}
    counts = {f"exact_match/accuracy/{name}": int(table.known[:, f].sum()) for f, name in enumerate(table.names)}
    counts["exact_match"] = int(values["exact_match/samples"])
    return {key: fraction_interval(values[key], count) for key, count in counts.items() if key in values}


def _counted(score_replicate: Callable[[np.random.Generator], Values], bar: tqdm) -> Callable:
    """Returns `score_replicate` as a function that advances the bar at each call."""

    def counted(rng: np.random.Generator) -> Values:
        bar.update()
        return score_replicate(rng)

    return counted


def _tasks(predictions: Predictions, plan: Plan) -> list[MetricTask]:
    tasks = []
    for name, metric in METRICS.items():
        tasks.append(_table_task("encoder", name, metric, predictions.encoder, plan.settings))
        if predictions.generator is not None:
            tasks.append(_table_task("generator", name, metric, predictions.generator.read, plan.settings))
    if predictions.generator is not None:
        for name, metric in GENERATOR_METRICS.items():
            tasks.append(_table_task("generator", name, metric, predictions.generator.swapped, plan.settings))
        tasks.append(_read_task(predictions.moves_read))
    if predictions.generator is not None or predictions.no_oracle:
        tasks += [*_named_tasks(predictions.named), _trunk_task(predictions.features.get("trunk"))]
    if "oracle" in predictions.features:
        over_oracle = partial(frechet, name="frechet_oracle")
        tasks.append(_feature_task("frechet_oracle", over_oracle, predictions.features["oracle"]))
    tasks += [_image_task(name, values) for name, values in predictions.per_image.items()]
    if "network" in predictions.features:
        sides = predictions.features["network"]
        tasks += [_feature_task(name, metric, sides) for name, metric in FEATURE_METRICS.items()]
    return [task for task in tasks if task.name in plan.names]


def _table_task(group: str, name: str, metric: Metric, table: Table, settings: Settings) -> MetricTask:
    return MetricTask(
        group, name, lambda rng: metric(table, rng, settings), lambda rng: metric(table.resample(rng), rng, settings)
    )


def _feature_task(name: str, metric: FeatureMetric, sides: tuple[np.ndarray, np.ndarray]) -> MetricTask:
    def score_replicate(rng: np.random.Generator) -> Values:
        real, generated = (side[rng.integers(len(side), size=len(side))] for side in sides)
        return metric(real, generated, rng)

    return MetricTask("images", name, lambda rng: metric(*sides, rng), score_replicate)


def _trunk_task(sides: tuple[np.ndarray, np.ndarray] | None) -> MetricTask:
    """Returns the task for the Frechet distance over the run's own trunk; a model without one has no score."""
    if sides is None:
        return _refusal("images", "frechet_trunk", NO_TRUNK)
    return _feature_task("frechet_trunk", partial(frechet, name="frechet_trunk"), sides)


def _refusal(group: str, name: str, why: str) -> MetricTask:
    """Returns a task that has no score but a reason."""

    def refuse(rng: np.random.Generator) -> Values:
        raise ValueError(why)

    return MetricTask(group, name, refuse, refuse)


def _image_task(name: str, values: np.ndarray) -> MetricTask:
    def mean(rng: np.random.Generator) -> Values:
        if np.isnan(values).any():
            raise ValueError(f"{name} uses a window of 11x11 pixels. Received: smaller images.")
        return {name: float(np.mean(values, dtype=np.float64)), f"{name}/samples": len(values)}

    return MetricTask("images", name, mean, lambda rng: {name: float(rng.choice(values, len(values)).mean())})


def _named_tasks(named: NamedComparison | None) -> list[MetricTask]:
    """Returns the tasks that need the images that codes name; without these images they say why there is no score."""
    if named is None:
        return [_refusal("images", name, NOT_A_GRID) for name in ("named_psnr", "sliders")]
    sliders = MetricTask("images", "sliders", lambda rng: named.slider_scores(), named.slider_scores)
    return [_image_task("named_psnr", named.psnr), sliders]


def _read_task(read: ReadMoves | None) -> MetricTask:
    """Returns the task for the effect of every slider as the oracle reads it."""
    if read is None:
        return _refusal("generator", "read_sliders", UNNAMED)
    return MetricTask("generator", "read_sliders", lambda rng: read.slider_scores(), read.slider_scores)
