"""Tables of a comparison: Markdown for people, CSV for programs, and sentences about settings that differ."""

import csv
import math
from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

from ssgan_tf.evaluate.compare import seeds
from ssgan_tf.evaluate.compare.scores import RunScores, direction, sort_key, title
from ssgan_tf.utils import files


def number_format(runs: Sequence[RunScores], name: str) -> Callable[[float | None], str]:
    """Returns a function that formats the numbers of a column.

    Numbers get three decimals, more if all of them are small, and one if any is 100 or more.
    """
    largest = max((abs(score) for run in runs if isfinite(score := run.scores.get(name, math.inf))), default=0)
    decimals = 1 if largest >= 100 else max(3, 2 - math.floor(math.log10(largest or 1)))
    return lambda value: "-" if value is None else f"{value:.{decimals}f}"


def best_runs(runs: Sequence[RunScores], name: str) -> list[RunScores]:
    """Returns the runs whose score is the best when rounded for display; none if fewer than two runs have it."""
    show = number_format(runs, name)
    scored = sorted((run for run in runs if name in run.scores), key=lambda run: sort_key(run, name))
    if not direction(name) or len(scored) < 2:
        return []
    return [run for run in scored if show(run.scores[name]) == show(scored[0].scores[name]) != "nan"]


def describe_differences(runs: Sequence[RunScores]) -> list[str]:
    """Returns a sentence for each differing setting that scores depend on; the data set comes first."""
    lines = []
    for name in sorted({name: None for run in runs for name in run.depends}, key=lambda name: name != "dataset"):
        labels_of: dict[str, list[str]] = {}
        for run in runs:
            labels_of.setdefault(str(run.depends.get(name, "-")), []).append(run.label)
        if len(labels_of) > 1:
            listed = "; ".join(f"{value} ({', '.join(labels)})" for value, labels in labels_of.items())
            lines.append(f"{name} differs, so scores may not be comparable: {listed}.")
    return lines


def to_markdown(runs: Sequence[RunScores], names: Sequence[str]) -> str:
    """Returns the table, aligned for a terminal too, and a note on how to read it."""
    # Cells, row by row.
    rows = [["run", "labels", "images trained"]]
    for run in runs:
        counts = [run.settings.get(name) for name in ("labels", "images_trained")]
        shown = [f"{count:,}" if isinstance(count, int) else "-" for count in counts]
        rows.append([run.label.replace("|", "\\|"), *shown])
    for name in names:
        top, show = best_runs(runs, name), number_format(runs, name)
        rows[0].append(title(name))
        for cells, run in zip(rows[1:], runs, strict=True):
            mark, ends = "**" * (run in top), ", ".join(map(show, run.intervals.get(name, ())))
            cells.append(f"{mark}{show(run.scores.get(name))}{mark}{f' [{ends}]' if ends else ''}")

    lower = ", ".join(title(name) for name in names if direction(name) < 0)
    note = f"Bold: best of its column{f'; lower is better for {lower}' if lower else ''}."
    return "\n".join([*align(rows), "", note])


def means_to_markdown(runs: Sequence[RunScores], names: Sequence[str]) -> str:
    """Returns a table of means over seeds, if several runs differ in their seed alone, and a note on the order of rows.

    Without such runs it is the note alone, and "" if all runs are seeds of one experiment or there is one run.
    """
    groups = seeds.group_by_experiment(runs)
    counts = [len(group) for group in groups]
    notes = seeds.warn_of_order(counts)
    if max(counts) < 2:
        return "\n".join(notes)
    rows = [["mean of", "seeds", *map(title, names)]]
    for group in groups:
        cells = [", ".join(run.label.replace("|", "\\|") for run in group), str(len(group))]
        for name in names:
            found = [run.scores[name] for run in group if name in run.scores]
            cells.append(seeds.format_mean(found, number_format(runs, name)))
        rows.append(cells)
    return "\n".join([*align(rows), "", seeds.INTERVAL, *notes])


def align(rows: Sequence[Sequence[str]]) -> list[str]:
    """Returns the lines of a Markdown table, aligned for a terminal too; the first row is the header."""
    widths = [max(3, *map(len, cells)) for cells in zip(*rows, strict=True)]
    ruler = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return [
        f"| {' | '.join([cells[0].ljust(widths[0]), *map(str.rjust, cells[1:], widths[1:])])} |"
        for cells in (rows[0], ruler, *rows[1:])
    ]


def write_csv(runs: Sequence[RunScores], names: Sequence[str], path: str) -> None:
    """Writes all scores with all digits. Columns <name>_low and <name>_high hold intervals, if any run has them."""
    facts = ["dataset", "labels", "labeled_fraction", "images_trained"]
    rows: list[list[Any]] = [["run", "workdir", *facts]]
    rows += [[run.label, run.workdir, *map(run.settings.get, facts)] for run in runs]
    for name in names:
        cells = 3 if any(name in run.intervals for run in runs) else 1
        rows[0] += [name, f"{name}_low", f"{name}_high"][:cells]
        for row, run in zip(rows[1:], runs, strict=True):
            row += [run.scores.get(name), *run.intervals.get(name, ("", ""))][:cells]
    with files.atomic_write(path) as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
