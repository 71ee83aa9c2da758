"""Scores of runs as rows of a comparison: reading, naming and sorting them."""

import dataclasses
import glob
import json
import math
import os
from collections.abc import Collection, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from ssgan_tf.evaluate import report
from ssgan_tf.metrics.titles import LOWER_IS_BETTER, TITLES
from ssgan_tf.runs.paths import RunPaths
from ssgan_tf.utils.readers import read_json

SUFFIXES = {"encoder": "", "generator": "_gen", "images": ""}  # a column's name is the score's key plus this
# Settings that describe the run itself. All others belong to the evaluation, and should be equal.
_OF_THE_RUN = {"labels", "labeled_fraction", "images_trained", "checkpoint", "model", "bootstrap", "versions"}


@dataclasses.dataclass(eq=False)
class RunScores:
    """Row of a comparison.

    Args:
        label: Name of the run in the table.
        workdir: Folder of the run.
        settings: Settings in its metrics.json.
        columns: Names of the columns, by group.
        scores: Scores, by column.
        intervals: Ends of the 95 % intervals, by column.
        references: Values to compare a score with, e.g. {"mig": {"oracle": 0.97}}.
        depends: Settings that must be equal for scores to be comparable.
        experiment: Text that is equal for runs that differ in their seed alone; "" if the run's config is missing.
        seed: Seed of the training.
    """

    label: str
    workdir: str
    settings: dict[str, Any]
    columns: dict[str, list[str]]
    scores: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    references: dict[str, dict[str, float]]
    depends: dict[str, Any]
    experiment: str = ""
    seed: int = 0


def find_workdirs(patterns: Sequence[str]) -> tuple[list[str], list[str]]:
    """Returns the folders that `patterns` name or match, each once, and a sentence for each duplicate.

    Raises:
        ValueError: No folder matches a pattern.
    """
    folders: dict[str, str] = {}
    notes = []
    for pattern in patterns:
        matches = [pattern]
        if glob.has_magic(pattern) and not os.path.exists(pattern):
            matches = [path for path in sorted(glob.glob(pattern)) if os.path.isdir(path)]
        if not matches:
            raise ValueError(f"no folder matches {pattern!r}.")
        for path in matches:
            if os.path.realpath(path) in folders:
                notes.append(f"{path} is given twice but shown once.")
            folders.setdefault(os.path.realpath(path), path)
    return list(folders.values()), notes


def shortest_labels(paths: Sequence[str]) -> list[str]:
    """Returns the shortest distinct endings of the paths, without the ending that all paths share."""
    parts = [Path(os.path.abspath(path)).parts for path in paths]
    while len(parts) > 1 and len({p[-1] for p in parts}) == 1:
        parts = [p[:-1] for p in parts]
    lengths = range(1, max(map(len, parts)) + 1)
    count = next(n for n in lengths if len({p[-n:] for p in parts}) == len(parts))
    return [os.path.join(*p[-count:]) for p in parts]


def file_of(workdir: str) -> str:
    """Returns the path of a run's scores."""
    return RunPaths(workdir).scores


def load(workdir: str, label: str) -> RunScores:
    """Reads the scores of a run.

    Raises:
        FileNotFoundError: The run has not been evaluated.
        ValueError: The file is damaged.
    """
    path = file_of(workdir)
    command = f"run `ssgan evaluate --workdir={workdir} --data_dir=...`"
    if not os.path.exists(path):
        raise FileNotFoundError(f"no {os.path.basename(path)} in {workdir!r}: {command} first.")
    run = interpret(report.read(path, f"{command[0].upper()}{command[1:]} again."), workdir, label)
    run.experiment, run.seed = read_experiment(workdir, run.settings.get("images_trained"))
    return run


def read_experiment(workdir: str, images: Any) -> tuple[str, int]:
    """Returns a text that is equal for runs that differ in their seed alone, and the seed; ("", 0) without a config.

    Args:
        workdir: Folder of the run.
        images: Number of images that it was trained with.
    """

    def parse(config: Any) -> tuple[str, int]:
        if not isinstance(config, dict) or not isinstance(config.get("train"), dict):
            raise ValueError("expected a training.")
        rest = {key: value for key, value in config["train"].items() if key != "seed"}
        return json.dumps([{**config, "train": rest}, images], sort_keys=True), config["train"].get("seed", 0)

    try:
        return read_json(RunPaths(workdir).config, parse, "the config of a run")
    except (OSError, ValueError):
        return "", 0  # scores can be compared without it


def interpret(content: dict[str, Any], workdir: str, label: str) -> RunScores:
    """Makes a row from the content of metrics.json, any part of which may be missing; see `report.check`."""
    settings, oracle, intervals = (content.get(part) or {} for part in ("settings", "oracle", "intervals"))
    run = RunScores(label, workdir, settings, {}, {}, {}, {}, {})

    # Settings that scores depend on.
    run.depends = {k: v for k, v in settings.items() if k not in _OF_THE_RUN}
    run.depends |= {f"oracle {k}": f"{v:.6g}" for k, v in oracle.items() if is_score(k, v)}
    run.depends |= {f"version of {k}": v for k, v in (settings.get("versions") or {}).items()}

    # Scores and their intervals.
    for group, suffix in SUFFIXES.items():
        scores = {k + suffix: v for k, v in (content.get(group) or {}).items() if is_score(k, v)}
        run.columns[group] = list(scores)
        run.scores |= scores
        for key, (low, high) in (intervals.get(group) or {}).items():
            run.intervals[key + suffix] = float(low), float(high)

    # References: the oracle's own scores are a ceiling, the L2 of random codes is chance.
    for suffix in ("", "_gen"):
        run.references |= {k + suffix: {"oracle": v} for k, v in oracle.items() if is_score(k, v) and isfinite(v)}
        if content.get("chance_l2") is not None:
            run.references.setdefault("l2" + suffix, {})["chance"] = float(content["chance_l2"])
    return run


def is_score(key: str, value: Any) -> bool:
    """Returns whether an entry of metrics.json gets a column: known and new scores do, details and counts do not."""
    if key in TITLES:
        return isinstance(value, float) or type(value) is int  # an int if another program rewrote 1.0 as 1
    return isinstance(value, float) and "/" not in key


def title(name: str) -> str:
    """Returns the title of a column."""
    key = name.removesuffix("_gen")
    return TITLES.get(key, key) + "-gen" * name.endswith("_gen")


def direction(name: str) -> int:
    """Returns 1 if higher is better in this column, -1 if lower is better, 0 if unknown."""
    key = name.removesuffix("_gen")
    return -1 if key in LOWER_IS_BETTER else int(key in TITLES)


def choose_columns(argument: str, names: str, known: Collection[str]) -> list[str]:
    """Splits comma-separated names of columns; raises ValueError with the argument's name for an unknown one."""
    wanted = [name for name in dict.fromkeys(names.split(",")) if name]
    for name in wanted:
        if name not in known:
            raise ValueError(f"{argument}: expected names among {', '.join(known)}. Received: {name!r}.")
    return wanted


def sort_key(run: RunScores, name: str) -> float:
    """Returns a number that is lowest for the best score, and infinite for a missing one.

    Without a known direction, the highest score counts as the best.
    """
    score = run.scores.get(name, math.nan)
    return math.inf if math.isnan(score) else -score * (direction(name) or 1)
