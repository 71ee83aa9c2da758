"""Comparison of runs as a function: reads their scores, and returns and writes one table and one figure."""

import dataclasses
import os
import re
from collections.abc import Sequence

import numpy as np
from PIL import Image

from ssgan_tf.evaluate.compare import figure, scores, table
from ssgan_tf.utils import files


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Scores of several runs, side by side. It prints as a table, and a notebook displays it as one.

    Args:
        runs: Rows of the table.
        columns: Names of the scores in the table, e.g. "mig" of the encoder and "mig_gen" of the generator.
        warnings: One sentence for each setting that differs between the runs and may explain different scores.
        notes: Sentences about the arguments, e.g. that a run is given twice.
        paths: Files that were written: Markdown, CSV and PNG; empty if there are none.
    """

    runs: tuple[scores.RunScores, ...]
    columns: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "\n\n".join(
            filter(None, [f(self.runs, self.columns) for f in (table.to_markdown, table.means_to_markdown)])
        )

    def _repr_markdown_(self) -> str:
        return repr(self)

    def plot(self) -> np.ndarray:
        """Returns a figure with one panel for each column: uint8 [H,W,3]."""
        return figure.plot(self.runs, self.columns)


def run(
    workdirs: str | Sequence[str], out: str | None = None, *, metrics: str = "", sort: str = "", names: str = ""
) -> Comparison:
    """Compares the scores that evaluation wrote into the workdirs of several runs.

    Args:
        workdirs: Folders of runs, or patterns such as "runs/*".
        out: Path of the .md, .csv and .png files to write, without an extension; None to write nothing.
        metrics: Comma-separated columns, in this order; all of them if empty.
        sort: Comma-separated columns to sort the runs by, best run first; the order of `workdirs` if empty.
        names: Comma-separated names of the runs; taken from their paths if empty.

    Raises:
        FileNotFoundError: A run has not been evaluated.
        ValueError: An argument is invalid, or a file of scores is damaged.
        OSError: The results cannot be written.
    """
    # Read the scores.
    paths, notes = scores.find_workdirs([workdirs] if isinstance(workdirs, str) else workdirs)
    labels = names.split(",") if names else scores.shortest_labels(paths)
    if len(set(labels)) != len(paths) or len(labels) != len(paths):
        raise ValueError(f"names: expected {len(paths)} different names, one for each run. Received: {names!r}.")
    runs = [scores.load(path, label) for path, label in zip(paths, labels, strict=True)]

    # Choose columns and order.
    known = {name: None for group in scores.SUFFIXES for run in runs for name in run.columns[group]}
    if not known:
        raise ValueError(f"no scores in {', '.join(scores.file_of(path) for path in paths)}.")
    columns = scores.choose_columns("metrics", metrics, known) or list(known)
    by = scores.choose_columns("sort", sort, known)
    runs.sort(key=lambda run: [scores.sort_key(run, name) for name in by])

    result = Comparison(tuple(runs), tuple(columns), tuple(table.describe_differences(runs)), tuple(notes))
    return result if out is None else dataclasses.replace(result, paths=write(result, out))


def write(comparison: Comparison, out: str) -> tuple[str, str, str]:
    """Writes the table as Markdown and CSV and the figure as PNG; returns their paths.

    Raises:
        OSError: They cannot be written.
    """
    pixels = comparison.plot()
    stem = re.sub(r"\.(md|csv|png)$", "", out)
    stem += "comparison" * (not os.path.basename(stem))
    paths = f"{stem}.md", f"{stem}.csv", f"{stem}.png"
    try:
        os.makedirs(os.path.dirname(stem) or ".", exist_ok=True)
        with files.atomic_write(paths[0]) as file:
            file.write("\n\n".join([repr(comparison), *(f"warning: {line}" for line in comparison.warnings)]) + "\n")
        table.write_csv(comparison.runs, comparison.columns, paths[1])
        with files.atomic_write(paths[2], "wb") as file:
            Image.fromarray(pixels).save(file, format="PNG")
    except OSError as error:
        raise OSError(f"out: cannot write {out!r}: {error.strerror}.") from error
    return paths
