"""Figure of a comparison: one panel per score, with a dot for every run."""

import math
import textwrap
from collections.abc import Sequence
from math import isfinite
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import MaxNLocator

from ssgan_tf.evaluate.compare.scores import RunScores, direction, title
from ssgan_tf.evaluate.compare.table import best_runs, number_format

BLUE, VERMILLION, GREY = "#0072B2", "#D55E00", "#6F6F6F"  # Okabe and Ito's, distinct for colour-blind readers too
STYLES = {"oracle": "--", "chance": ":"}
DPI = 120
# Inches: width of a panel, gap between two; height of a run's row, of a line of text, and of the legend.
PANEL, GAP, ROW, LINE, HEAD = 2.1, 0.35, 0.22, 0.16, 0.4


def plot(runs: Sequence[RunScores], names: Sequence[str]) -> np.ndarray:
    """Plots one panel per score, with the names of the runs to the left of each row of panels: uint8 [H,W,3].

    Panels are placed in inches around the measured labels, so the layout fits for one run and for thirty.
    """
    with matplotlib.rc_context({"text.parse_math": False}):  # a label may contain a $
        return _plot(runs, names)


def _plot(runs: Sequence[RunScores], names: Sequence[str]) -> np.ndarray:
    # Measure the labels.
    figure = Figure(dpi=DPI)
    canvas = FigureCanvasAgg(figure)
    measure, font = canvas.get_renderer().get_text_width_height_descent, FontProperties(size=9)
    left = max(measure(run.label, font, False)[0] for run in runs) / DPI + 0.25

    # Size of a panel and of the figure.
    height = ROW * (len(runs) + 0.5)
    above = LINE * (max(wrapped_title(name).count("\n") for name in names) + 1.5)
    step = height + above + 4.5 * LINE  # below a panel are ticks and two lines of text
    across = min(len(names), max(4, min(8, round(math.sqrt(len(names) * step / (PANEL + GAP))))))
    width, total = max(left + across * (PANEL + GAP), 4.5), HEAD + -(-len(names) // across) * step
    figure.set_size_inches(width, total)

    # Panels.
    for i, name in enumerate(names):
        x, y = left + i % across * (PANEL + GAP), HEAD + i // across * step + above
        axes = figure.add_axes((x / width, 1 - (y + height) / total, PANEL / width, height / total))
        plot_panel(axes, runs, name)
        if i % across == 0:
            axes.set_yticks(range(len(runs)), [run.label for run in runs])

    # Legend, each mark once.
    marks = {label: mark for a in figure.axes for mark, label in zip(*a.get_legend_handles_labels(), strict=True)}
    figure.legend(marks.values(), marks.keys(), loc="upper left", ncols=len(marks), fontsize=9, frameon=False)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def plot_panel(axes: Any, runs: Sequence[RunScores], name: str) -> None:
    """Plots one score of all runs: dots, intervals, references as lines, and a caption with the better direction."""
    # Dots and intervals.
    top, show = best_runs(runs, name), number_format(runs, name)
    plotted: list[float] = []
    for row, run in enumerate(runs):
        ends = [x for x in run.intervals.get(name, ()) if isfinite(x)]
        dots = [x for x in [run.scores.get(name, math.nan)] if isfinite(x)]
        colour, marker, label = (VERMILLION, "D", "best") if run in top else (BLUE, "o", "run")
        axes.plot(dots, [row] * len(dots), marker, color=colour, markersize=5, label=label)
        axes.plot(ends, [row] * len(ends), color=colour, label="95 % interval" if ends and run not in top else None)
        plotted += ends + dots

    # References; an arrow points to any that lie outside the axis.
    found = {kind: sorted({v[kind] for r in runs if kind in (v := r.references.get(name, {}))}) for kind in STYLES}
    low, high = axis_limits(plotted or [0.0], [x for values in found.values() for x in values])
    texts = []
    for kind, values in found.items():
        for x in values:
            axes.axvline(x, color=GREY, linestyle=STYLES[kind], linewidth=1, zorder=0, label=kind)
        if values:
            span = " to ".join(dict.fromkeys([show(values[0]), show(values[-1])]))
            texts.append("← " * (values[0] < low) + f"{kind} {span}" + " →" * (values[-1] > high))

    # Texts, axes and grid.
    better = {1: "higher is better →", -1: "← lower is better", 0: ""}[direction(name)]
    axes.set_xlabel(f"{better}\n{', '.join(texts)}".strip(), fontsize=8, color=GREY)
    axes.set_title(wrapped_title(name), fontsize=10)
    axes.set(xlim=(low, high), ylim=(len(runs) - 0.5, -0.5), axisbelow=True)
    axes.set_yticks(range(len(runs)), [])
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:.6g}")
    axes.tick_params("x", labelsize=8, length=2)
    axes.tick_params("y", labelsize=9, length=0)
    axes.grid(axis="y", color="#E5E5E5")


def axis_limits(scores: Sequence[float], references: Sequence[float]) -> tuple[float, float]:
    """Returns the ends of an axis around the scores and all references near enough not to squeeze them."""
    low, high = min(scores), max(scores)
    near = [x for x in references if low == high or max(x - low, high - x) <= 4 * (high - low)]
    low, high = min(low, *near, high), max(low, *near, high)
    # The ticks of a narrower axis would have many digits.
    half = 0.58 * max(high - low, (1e-3 if high > low else 0.2) * max(abs(low), abs(high)) or 1)
    return (low + high) / 2 - half, (low + high) / 2 + half


def wrapped_title(name: str) -> str:
    """Returns the title in lines no wider than a panel; the name of an unknown metric may be broken at any _."""
    return textwrap.fill(title(name).replace("_", " "), 24)
