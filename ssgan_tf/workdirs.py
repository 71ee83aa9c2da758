"""The folder of a run before it starts: is it the right one, is there room, and whose labels are used."""

import hashlib
import json
import os
import shutil
from typing import IO

import numpy as np

from ssgan_tf import config as configs
from ssgan_tf import data
from ssgan_tf.data.labeled_subset import choose_labeled
from ssgan_tf.utils import files

# What may change between two starts of a run: how long, and how often one looks; never what is computed.
_CHANGEABLE = (
    "train.images",
    "train.log_every",
    "train.sample_every",
    "train.metrics_every",
    "train.metrics",
    "train.metrics_samples",
    "train.checkpoint_every",
    "train.keep_checkpoints",
    "train.rollbacks",
    "data.memory_gib",
)


def check(workdir: str, config: configs.Config) -> None:
    """Refuses a workdir that cannot be written or holds a run of another config.

    Raises:
        ValueError: naming the fields that differ.
        OSError: if it is no folder or cannot be written.
    """
    place = _nearest(workdir)
    if not os.path.isdir(place):
        raise NotADirectoryError(f"--workdir: expected a folder. Received: {workdir!r}, and {place} is a file.")
    files.check_writable(place, f"--workdir: expected a folder that can be written. Received: {workdir!r}.")
    if not os.path.exists(os.path.join(workdir, "config.json")):
        for name in ("checkpoints", "labeled_subset.npy"):
            if os.path.exists(os.path.join(workdir, name)):
                raise ValueError(f"--workdir: {workdir!r} holds {name} but no config.json. Choose another folder.")
        return
    there = configs.read_config(workdir)
    changed = [d for d in configs.differences(there, config) if d[0] not in _CHANGEABLE]
    if changed:
        listed = "; ".join(f"{name}: expected {old!r}, received {new!r}" for name, old, new in changed)
        raise ValueError(f"--workdir: {workdir!r} holds a run of another config ({listed}). Choose another folder.")


def _nearest(path: str) -> str:
    """The path itself or the nearest folder above it that exists."""
    path = os.path.abspath(path)
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return path


def check_disk(workdir: str, parameters: int, keep: int) -> None:
    """Refuses to start where the checkpoints will not fit.

    Raises:
        OSError: naming what is needed and what is free.
    """
    # Weights, their average and Adam's two moments, float32, in `keep` checkpoints and the one being written.
    needed = 4 * 4 * parameters * (keep + 1)
    held = sum(os.path.getsize(os.path.join(at, f)) for at, _, files in os.walk(workdir) for f in files if "ckpt" in f)
    free = shutil.disk_usage(_nearest(workdir)).free
    if free + held < needed:
        raise OSError(
            f"--workdir: {workdir!r} needs {(needed - held) / 2**20:,.1f} MiB for checkpoints. Received: a disk with "
            f"{free / 2**20:,.1f} MiB free. Free some, or lower train.keep_checkpoints."
        )


def lock(workdir: str) -> IO[str]:
    """Makes the folder this process's own for as long as the file that is returned is open.

    The system lets go of it when the process ends, however it ends.

    Raises:
        ValueError: another process trains there.
        OSError: the folder cannot be written.
    """
    os.makedirs(workdir, exist_ok=True)
    try:
        return files.lock_file(os.path.join(workdir, "lock"))
    except files.LockedError as holder:
        raise ValueError(
            f"--workdir: {workdir!r} is being trained by {holder}. Wait until it has ended, or choose another folder."
        ) from None


def labeled_subset(workdir: str, table: data.FactorDataset, config: configs.Config) -> np.ndarray:
    """Reads the run's labelled rows from its workdir, or chooses and writes them.

    Raises:
        ValueError: if the file there is damaged, or not of this data.
    """
    path = os.path.join(workdir, "labeled_subset.npy")
    rows = choose_labeled(
        table.factors, config.data.labeled_fraction, config.train.seed, config.data.stratified
    )
    if not os.path.exists(path):
        with files.atomic_write(path, "wb") as file:
            np.save(file, rows)
        return rows
    try:
        there = np.load(path)
    except (ValueError, EOFError) as error:
        raise ValueError(f"--workdir: {path} is damaged ({error}). Remove it: the seed draws it again.") from error
    if not np.array_equal(there, rows):
        raise ValueError(
            f"--workdir: {path} is not of this data; expected the {len(rows)} rows of {len(table)} images that the "
            f"seed chooses. Received: {there.size} rows up to {there.max(initial=-1)}. The data set has other labels "
            "than when the run began: build it as it was, or choose another folder."
        )
    return there


def check_labels(workdir: str, table: data.FactorDataset) -> None:
    """Notes in workdir/data.json which labels the run is about, or refuses others.

    Raises:
        ValueError: the data set has other labels, or the same in another order, than when the run began.
    """
    path = os.path.join(workdir, "data.json")
    digest = hashlib.sha256(np.ascontiguousarray(table.factors, np.int64).tobytes()).hexdigest()
    now = {"dataset": table.name, "images": len(table), "labels_sha256": digest}
    if not os.path.exists(path):
        files.write_json(now, path)
        return
    with open(path, encoding="utf-8") as file:
        try:
            then = json.load(file)
        except ValueError as error:
            raise ValueError(f"--workdir: {path} is damaged ({error}). Remove it if the data is the same.") from error
    if then != now:
        raise ValueError(
            f"--workdir: {workdir!r} holds a run on other labels, or on labels in another order (expected {then}). "
            f"Received: {now}. Build the data set as it was, or choose another folder."
        )


def read_skipped(workdir: str) -> list[int]:
    """The steps, counted from 0, that the run goes on without: what they computed was no finite number.

    Raises:
        ValueError: if the file that lists them is damaged.
    """
    path = os.path.join(workdir, "skipped_steps.json")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        try:
            return [int(step) for step in json.load(file)]
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"--workdir: {path} is damaged ({error}). Remove it: the run then finds such steps anew."
            ) from error


def write_skipped(workdir: str, skipped: list[int]) -> None:
    """Writes what `read_skipped` reads."""
    files.write_json(skipped, os.path.join(workdir, "skipped_steps.json"))


def note_replicas(workdir: str, count: int) -> int:
    """Notes in workdir/replicas.json how many devices train the run; returns how many did before."""
    path = os.path.join(workdir, "replicas.json")
    before = count
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            try:
                before = int(json.load(file)["replicas"])
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"--workdir: {path} is damaged ({error}). Remove it.") from error
    files.write_json({"replicas": count}, path)
    return before
