"""Results of tools/compare_methods.py: scores of methods over seeds, as a table, as JSON and as a figure."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ssgan_tf import visualize
from ssgan_tf.evaluate import report
from ssgan_tf.evaluate.compare import seeds
from ssgan_tf.evaluate.compare.table import align
from ssgan_tf.metrics.titles import GENERATOR_SCORES, IMAGE_SCORES, LOWER_IS_BETTER, TITLES
from ssgan_tf.runs import Workdir
from ssgan_tf.train import costs

COLUMNS = ("mig", "factor_vae", "dci_histogram", "l2", "mig_swapped_gen", "mig_gen", "l2_gen", "frechet_oracle")
BLUE, GREY = "#0072B2", "#6F6F6F"  # from the palette of Okabe and Ito, for colour-blind readers
_SUFFIX = {"encoder": "", "generator": "_gen", "images": ""}  # group in metrics.json -> suffix of its columns


class MethodRun(NamedTuple):
    """Results of one method with one seed.

    Args:
        method: Name of the method.
        seed: Seed of the training.
        scores: Scores by column; empty if there are none.
        facts: labels, images, parameters and images_per_second, as far as they are known.
        refused: Reason for a missing score, by column.
        failed: Reason why there are no results at all; "" if all went well.
    """

    method: str
    seed: int
    scores: dict[str, float]
    facts: dict[str, float]
    refused: dict[str, str]
    failed: str


def parse_columns(text: str) -> list[str]:
    """Returns the columns in the text of --columns, without repetitions.

    Raises:
        ValueError: There is no such score.
    """
    columns = list(dict.fromkeys(filter(None, (name.strip() for name in text.split(",")))))
    known = [
        key + suffix
        for key in TITLES
        for suffix in (("",) if key in IMAGE_SCORES else ("_gen",) if key in GENERATOR_SCORES else ("", "_gen"))
    ]
    unknown = [name for name in columns if name not in known]
    if unknown:
        raise ValueError(f"columns: expected known scores. Received: {unknown}. Known: {', '.join(known)}.")
    return columns


def read_run(method: str, seed: int, workdir: Workdir, record: Mapping[str, Any]) -> MethodRun:
    """Reads scores and facts of a run, as far as they exist.

    Args:
        method: Name of the method.
        seed: Seed of the training.
        workdir: Folder of the run.
        record: Record of the job.
    """
    # Scores, and the reasons for those that are missing. Scores from before a failed evaluation do not count.
    failed = record.get("failed") or record.get("unscored") or ""
    content = {} if failed else _read_json(workdir.scores)
    scores: dict[str, float] = {}
    refused: dict[str, str] = {}
    for group, suffix in _SUFFIX.items():
        found = content.get(group) or {}
        scores |= {key + suffix: float(found[key]) for key in TITLES if isinstance(found.get(key), (int, float))}
        for metric, reason in (content.get("refused") or {}).get(group, {}).items():
            refused |= {key + suffix: reason for key in TITLES if report.metric_of(key) == metric}

    # Facts.
    settings = content.get("settings") or {}
    keys = {"labels": "labels", "images": "images_trained"}
    facts = {name: settings[key] for name, key in keys.items() if key in settings}
    try:
        config, spec = workdir.read_config(), workdir.read_factors()
        facts["parameters"] = sum(costs.network_sizes(config.model, spec).values())
    except (OSError, ValueError):
        pass
    speeds = _read_speeds(workdir.log)
    if speeds:
        facts["images_per_second"] = float(np.median(speeds))
    return MethodRun(method, seed, scores, facts, refused, failed)


def _read_json(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def _read_speeds(path: str) -> list[float]:
    """Returns images per second between successive lines of the log."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
    except (OSError, ValueError):
        return []
    return [line["images_per_second"] for line in lines if "images_per_second" in line]


def title(column: str) -> str:
    """Returns the display title of a column."""
    key = column.removesuffix("_gen")
    return TITLES.get(key, key) + "-gen" * column.endswith("_gen")


def group_by_method(runs: Sequence[MethodRun]) -> dict[str, list[MethodRun]]:
    """Returns {method: its runs}, in the given order."""
    result: dict[str, list[MethodRun]] = {}
    for run in runs:
        result.setdefault(run.method, []).append(run)
    return result


def format_markdown(runs: Sequence[MethodRun], columns: Sequence[str]) -> str:
    """Returns a Markdown table, with notes, that has one row per method.

    A cell has the mean over seeds and, for two seeds or more, the half-width of its 95 % interval.
    """
    # Rows.
    shown = [name for name in columns if any(name in run.scores for run in runs)]
    rows = [["method", "seeds", "labels", "parameters", "images", "images/s", *map(title, shown)]]
    for method, group in group_by_method(runs).items():
        scored = [run for run in group if run.scores]
        facts = [_mean_fact(group, name) for name in ("labels", "parameters", "images", "images_per_second")]
        means = [seeds.format_mean([run.scores[name] for run in scored if name in run.scores]) for name in shown]
        rows.append([method, str(len(scored)), *facts, *means])

    # Notes.
    lower = ", ".join(title(name) for name in shown if name.removesuffix("_gen") in LOWER_IS_BETTER)
    counts = [count for row in rows[1:] if (count := int(row[1]))]
    notes = [seeds.INTERVAL] * (max(counts, default=0) > 1) + [f"Lower is better for {lower}."] * bool(lower)
    notes += seeds.warn_of_order(counts)
    notes += [f"{run.method}, seed {run.seed}: {run.failed}." for run in runs if run.failed]
    notes += explain_missing(runs, columns)
    return "\n".join([*align(rows), "", *notes])


def explain_missing(runs: Sequence[MethodRun], columns: Sequence[str]) -> list[str]:
    """Returns one sentence for each reason why methods have no score in some columns."""
    found: dict[tuple[str, str], list[str]] = {}  # {(reason, methods): columns}
    for name in columns:
        methods_by_reason: dict[str, list[str]] = {}
        for method, group in group_by_method(runs).items():
            if not any(name in run.scores for run in group):
                for reason in dict.fromkeys(run.refused[name].rstrip(".") for run in group if name in run.refused):
                    methods_by_reason.setdefault(reason, []).append(method)
        for reason, methods in methods_by_reason.items():
            found.setdefault((reason, ", ".join(methods)), []).append(title(name))
    lines = [f"No {', '.join(names)} for {methods}: {reason}." for (reason, methods), names in found.items()]
    explained = {name for names in found.values() for name in names}
    unknown = [title(c) for c in columns if title(c) not in explained and not any(c in run.scores for run in runs)]
    return [*lines, f"Not measured: {', '.join(unknown)}; choose metrics with --metrics."] if unknown else lines


def _mean_fact(group: Sequence[MethodRun], name: str) -> str:
    values = [run.facts[name] for run in group if name in run.facts]
    return f"{np.mean(values):,.0f}" if values else "-"


def to_json(runs: Sequence[MethodRun]) -> list[dict[str, Any]]:
    """Returns all numbers, run by run."""
    return [run._asdict() for run in runs]


def plot_scores(runs: Sequence[MethodRun], columns: Sequence[str], path: str) -> None:
    """Writes a figure with one panel per score: for each method a dot per seed, and a bar at their mean."""
    shown = [name for name in columns if any(math.isfinite(run.scores.get(name, math.nan)) for run in runs)]
    groups = group_by_method(runs)
    figure = Figure(figsize=(2.2 + 2.3 * max(1, len(shown)), 1.2 + 0.32 * len(groups)), dpi=120, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    if not shown:
        figure.text(0.5, 0.5, "no scores yet", ha="center", va="center", color=GREY)
    with matplotlib.rc_context({"text.parse_math": False}):  # a name may contain a $
        for i, name in enumerate(shown):
            _plot_panel(figure.add_subplot(1, len(shown), i + 1), groups, name, with_names=i == 0)
        canvas.draw()
    visualize.save_png(np.asarray(canvas.buffer_rgba())[..., :3], path)


def _plot_panel(axes: Axes, groups: Mapping[str, Sequence[MethodRun]], name: str, with_names: bool) -> None:
    for row, group in enumerate(groups.values()):
        values = [run.scores[name] for run in group if math.isfinite(run.scores.get(name, math.nan))]
        axes.plot(values, [row] * len(values), "o", color=BLUE, markersize=5, alpha=0.7)
        if values:
            axes.plot([np.mean(values)] * 2, [row - 0.3, row + 0.3], color=BLUE)
    key = name.removesuffix("_gen")
    axes.set_title(title(name), fontsize=10)
    axes.set_xlabel("← lower is better" if key in LOWER_IS_BETTER else "higher is better →", fontsize=8, color=GREY)
    axes.set_yticks(range(len(groups)), list(groups) if with_names else [])
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.margins(x=0.1)
    axes.tick_params(labelsize=8, length=2)
    axes.grid(axis="y", color="#E5E5E5")
    axes.set_axisbelow(True)
