"""The scores of methods over seeds: what tools/compare_methods prints, writes and draws."""

import json
import math
import os
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ssgan_tf import visualize
from ssgan_tf.evaluate import report
from ssgan_tf.metrics.titles import IMAGE_SCORES, LOWER_IS_BETTER, TITLES
from ssgan_tf.runs import Workdir
from ssgan_tf.train import costs

COLUMNS = ("mig", "factor_vae", "dci_histogram", "l2", "mig_gen", "l2_gen", "frechet_oracle")
BLUE, GREY = "#0072B2", "#6F6F6F"  # Okabe and Ito's, for colour-blind eyes
_SIDES = {"encoder": "", "generator": "_gen", "images": ""}


class Run(NamedTuple):
    """One training of a method.

    Args:
        scores: by column; empty where there are none.
        facts: labels, images, parameters, images_per_second; what is not known is missing.
        refused: by column, why there is no score.
        failed: why there is nothing; "" for a run that went well.
    """

    method: str
    seed: int
    scores: dict[str, float]
    facts: dict[str, float]
    refused: dict[str, str]
    failed: str


def choose(text: str) -> list[str]:
    """The columns that the text of --columns asks for, each once.

    Raises:
        ValueError: for one that no score has.
    """
    columns = list(dict.fromkeys(filter(None, (name.strip() for name in text.split(",")))))
    known = [key + end for key in TITLES for end in (("",) if key in IMAGE_SCORES else ("", "_gen"))]
    unknown = [name for name in columns if name not in known]
    if unknown:
        raise ValueError(f"--columns: expected known scores. Received: {unknown}. Known: {', '.join(known)}.")
    return columns


def read(method: str, seed: int, workdir: str, record: dict[str, Any]) -> Run:
    """A run's scores and facts, as far as they are there."""
    scores: dict[str, float] = {}
    refused: dict[str, str] = {}
    failed = record.get("failed") or record.get("unscored") or ""
    content = {} if failed else _json(os.path.join(workdir, "metrics.json"))  # what is there was measured otherwise
    for group, end in _SIDES.items():
        found = content.get(group) or {}
        scores |= {key + end: float(found[key]) for key in TITLES if isinstance(found.get(key), (int, float))}
        for metric, why in (content.get("refused") or {}).get(group, {}).items():
            refused |= {key + end: why for key in TITLES if report.metric_of(key) == metric}
    settings = content.get("settings") or {}
    named = {"labels": "labels", "images": "images_trained"}
    facts = {name: settings[key] for name, key in named.items() if key in settings}
    try:
        config, spec = Workdir(workdir).read_config(), Workdir(workdir).read_factors()
        facts["parameters"] = sum(costs.network_sizes(config.model, spec).values())
    except (OSError, ValueError):
        pass
    speeds = _speeds(os.path.join(workdir, "metrics.jsonl"))
    if speeds:
        facts["images_per_second"] = float(np.median(speeds))
    return Run(method, seed, scores, facts, refused, failed)


def _json(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def _speeds(path: str) -> list[float]:
    """Images per second, of every stretch between two lines of the log."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
    except (OSError, ValueError):
        return []
    return [line["images_per_second"] for line in lines if "images_per_second" in line]


def title(column: str) -> str:
    key = column.removesuffix("_gen")
    return TITLES.get(key, key) + "-gen" * column.endswith("_gen")


def methods_of(all_runs: list[Run]) -> dict[str, list[Run]]:
    """{method: its runs}, in the order given."""
    result: dict[str, list[Run]] = {}
    for run in all_runs:
        result.setdefault(run.method, []).append(run)
    return result


def markdown(all_runs: list[Run], columns: list[str]) -> str:
    """A row for each method: mean and, over two seeds or more, sample standard deviation."""
    shown = [name for name in columns if any(name in run.scores for run in all_runs)]
    head = ["method", "seeds", "labels", "parameters", "images", "images/s", *map(title, shown)]
    rows = [head]
    for method, group in methods_of(all_runs).items():
        scored = [run for run in group if run.scores]
        facts = [_fact(group, name) for name in ("labels", "parameters", "images", "images_per_second")]
        rows.append([method, str(len(scored)), *facts, *(_mean(scored, name) for name in shown)])
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    rows.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    lines = [
        f"| {' | '.join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])} |" for row in rows
    ]
    lower = ", ".join(title(name) for name in shown if name.removesuffix("_gen") in LOWER_IS_BETTER)
    notes = ["Mean and standard deviation over seeds" + (f"; lower is better for {lower}." if lower else ".")]
    notes += [f"{run.method}, seed {run.seed}: {run.failed}." for run in all_runs if run.failed]
    notes += refusals(all_runs, columns)
    return "\n".join([*lines, "", *notes])


def refusals(all_runs: list[Run], columns: list[str]) -> list[str]:
    """Why a method has no score in a column: a sentence for each reason, with its columns and methods."""
    found: dict[tuple[str, str], list[str]] = {}  # {(reason, methods): columns}
    for name in columns:
        reasons: dict[str, list[str]] = {}
        for method, group in methods_of(all_runs).items():
            if not any(name in run.scores for run in group):
                for why in dict.fromkeys(run.refused[name].rstrip(".") for run in group if name in run.refused):
                    reasons.setdefault(why, []).append(method)
        for why, methods in reasons.items():
            found.setdefault((why, ", ".join(methods)), []).append(title(name))
    lines = [f"No {', '.join(names)} of {methods}: {why}." for (why, methods), names in found.items()]
    told = {name for names in found.values() for name in names}
    unknown = [title(c) for c in columns if title(c) not in told and not any(c in run.scores for run in all_runs)]
    return [*lines, f"Not measured: {', '.join(unknown)}; --metrics chooses."] if unknown else lines


def _fact(group: list[Run], name: str) -> str:
    values = [run.facts[name] for run in group if name in run.facts]
    return f"{np.mean(values):,.0f}" if values else "-"


def _mean(scored: list[Run], name: str) -> str:
    values = [run.scores[name] for run in scored if name in run.scores]
    if not values:
        return "-"
    spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""  # of a NaN both are one
    return f"{np.mean(values):.3f}{spread}"


def to_json(all_runs: list[Run]) -> list[dict[str, Any]]:
    """Every number, run by run."""
    return [run._asdict() for run in all_runs]


def draw(all_runs: list[Run], columns: list[str], path: str) -> None:
    """One panel for each score: a dot for each seed and a line at their mean, methods below each other."""
    shown = [name for name in columns if any(math.isfinite(run.scores.get(name, math.nan)) for run in all_runs)]
    groups = methods_of(all_runs)
    figure = Figure(figsize=(2.2 + 2.3 * max(1, len(shown)), 1.2 + 0.32 * len(groups)), dpi=120, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    if not shown:
        figure.text(0.5, 0.5, "no scores yet", ha="center", va="center", color=GREY)
    with matplotlib.rc_context({"text.parse_math": False}):  # a name may hold a $
        for i, name in enumerate(shown):
            _panel(figure.add_subplot(1, len(shown), i + 1), groups, name, names=i == 0)
        canvas.draw()
    visualize.save_png(np.asarray(canvas.buffer_rgba())[..., :3], path)


def _panel(axes: Any, groups: dict[str, list[Run]], name: str, names: bool) -> None:
    for row, group in enumerate(groups.values()):
        values = [run.scores[name] for run in group if math.isfinite(run.scores.get(name, math.nan))]
        axes.plot(values, [row] * len(values), "o", color=BLUE, markersize=5, alpha=0.7)
        if values:
            axes.plot([np.mean(values)] * 2, [row - 0.3, row + 0.3], color=BLUE)
    key = name.removesuffix("_gen")
    axes.set_title(title(name), fontsize=10)
    axes.set_xlabel("← lower is better" if key in LOWER_IS_BETTER else "higher is better →", fontsize=8, color=GREY)
    axes.set_yticks(range(len(groups)), list(groups) if names else [])
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.margins(x=0.1)
    axes.tick_params(labelsize=8, length=2)
    axes.grid(axis="y", color="#E5E5E5")
    axes.set_axisbelow(True)
