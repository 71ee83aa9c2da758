"""Reads the files of a run: checkpoints, metrics.jsonl, TensorBoard events, or all of them as bytes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf


def files_in(folder: Path) -> dict[str, bytes]:
    """Returns the content of every file except locks, which name the last process that wrote in the folder."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def read_checkpoint(workdir: Path, step: int) -> dict[str, np.ndarray]:
    """Returns every variable in the checkpoint of `step`, by name."""
    reader = tf.train.load_checkpoint(str(workdir / "checkpoints" / f"step-{step:09d}" / "ckpt"))
    names = [name for name in reader.get_variable_to_shape_map() if name != "_CHECKPOINTABLE_OBJECT_GRAPH"]
    return {name: reader.get_tensor(name) for name in names}


def assert_same_bits(workdir: Path, other: Path, step: int) -> None:
    """Fails unless the checkpoints of `step` in both workdirs have the same variables, bit for bit."""
    one, two = read_checkpoint(workdir, step), read_checkpoint(other, step)
    assert one.keys() == two.keys()
    assert [name for name in one if one[name].tobytes() != two[name].tobytes()] == []


def checkpoint_steps(workdir: Path) -> list[int]:
    """Returns the steps that have a checkpoint."""
    return sorted(int(path.name.removeprefix("step-")) for path in (workdir / "checkpoints").glob("step-*"))


def read_log(workdir: Path) -> list[dict]:
    """Returns the lines of metrics.jsonl."""
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def logged_steps(workdir: Path) -> list[int]:
    """Returns the step of each line of metrics.jsonl."""
    return [line["step"] for line in read_log(workdir)]


def read_events(workdir: Path) -> list[tuple[str, int, np.ndarray]]:
    """Returns (tag, step, value) of everything that TensorBoard would show."""
    found = []
    for path in sorted((workdir / "tensorboard").iterdir()):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            found += [(value.tag, event.step, tf.make_ndarray(value.tensor)) for value in event.summary.value]
    return found


def contents(workdir: Path) -> dict[str, Any]:
    """Returns everything that a run has written, in a form in which equal runs are equal.

    Speeds and the names of TensorBoard's files are left out, and its points are those of all files together.
    """
    found: dict[str, Any] = {name: content for name, content in files_in(workdir).items() if "tfevents" not in name}
    found.pop("metrics.jsonl")
    found["lines"] = [{k: v for k, v in line.items() if k != "images_per_second"} for line in read_log(workdir)]
    points = [(tag, step, value.tolist()) for tag, step, value in read_events(workdir)]
    found["points"] = sorted((tag, step, value) for tag, step, value in points if tag != "images_per_second")
    return found
