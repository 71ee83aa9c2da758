"""Log of a run: lines of metrics.jsonl, image grids in samples/, and both of them in TensorBoard.

A checkpoint is saved after everything that is due at its step. So whatever is newer than the checkpoint that a run
resumes from was left by a process that was killed or rolled back, will be written again, and is removed here.
"""

import json
import math
import os
import re
import struct
from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from ssgan_tf import visualize
from ssgan_tf.runs import Workdir
from ssgan_tf.runs.progress import Progress
from ssgan_tf.runs.tf_files import named_errors
from ssgan_tf.utils import files
from ssgan_tf.utils.readers import parse_json

_GRID = re.compile(r"[a-z]+-(\d+)\.png(\.tmp)?")  # .tmp: a process was killed while writing it
_HEADER = struct.Struct("<QI")  # of a record in a file of events: length and its checksum
_CHECKSUM = 4  # bytes after the record


class RunLog:
    """Open log of a run. Opening it removes what is newer than the checkpoint that the run resumes from.

    Call `close` when training ends, however it ends.

    Args:
        workdir: Folder of the run.
        progress: Progress of the run.

    Raises:
        OSError: A file cannot be written; the message names it. All methods raise it.
    """

    def __init__(self, workdir: Workdir, progress: Progress):
        self._workdir = workdir
        self._progress = progress
        _drop_lines(workdir.log, progress.step)
        _drop_grids(workdir.samples, progress.images)
        _drop_events(workdir.tensorboard, progress.images)
        with named_errors(workdir.tensorboard):
            self._writer = tf.summary.create_file_writer(workdir.tensorboard)

    def add(self, values: Mapping[str, float]) -> None:
        """Writes a line with step, images and `values` to metrics.jsonl, and `values` to TensorBoard."""
        p, path = self._progress, self._workdir.log
        with named_errors(path), open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"step": p.step, "images": p.images, **values}) + "\n")
        with named_errors(self._workdir.tensorboard), self._writer.as_default(step=p.images):
            for name, value in values.items():
                tf.summary.scalar(name, value)
            self._writer.flush()

    def add_grids(self, grids: Mapping[str, np.ndarray]) -> None:
        """Writes image grids, {name: uint8 [H,W,3]}, as samples/<name>-<images>.png and to TensorBoard."""
        images = self._progress.images
        for name, grid in grids.items():
            path = self._workdir.sample(f"{name}-{images:09d}")
            with named_errors(path):
                visualize.save_png(grid, path)
        with named_errors(self._workdir.tensorboard), self._writer.as_default(step=images):
            for name, grid in grids.items():
                tf.summary.image(name, grid[None])
            self._writer.flush()

    def close(self) -> None:
        with named_errors(self._workdir.tensorboard):
            self._writer.close()


def _drop_lines(path: str, step: int) -> None:
    """Removes lines that are incomplete, or newer than `step`."""
    if not os.path.exists(path):
        return
    with open(path, "rb") as file:
        lines = file.readlines()
    kept = [line for line in lines if _step_of(line) <= step]
    if kept != lines:
        with named_errors(path), files.atomic_write(path, "wb") as file:
            file.writelines(kept)


def _step_of(line: bytes) -> float:
    """Returns the step of a line of metrics.jsonl; infinity for what a process that was killed left of one."""
    try:
        return float(parse_json(line)["step"]) if line.endswith(b"\n") else math.inf
    except (ValueError, TypeError, KeyError):
        return math.inf


def _drop_grids(folder: str, images: int) -> None:
    """Removes image grids that are newer than `images`."""
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        match = _GRID.fullmatch(name)
        if match and int(match[1]) > images:
            os.remove(os.path.join(folder, name))


def _drop_events(folder: str, images: int) -> None:
    """Removes points that are newer than `images` from TensorBoard's files, and files without any point."""
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        path = os.path.join(folder, name)
        if "tfevents" not in name or not os.path.isfile(path):
            continue
        end, points = _measure_events(path, images)
        if not points:
            os.remove(path)
        elif end < os.path.getsize(path):
            os.truncate(path, end)


def _measure_events(path: str, images: int) -> tuple[int, int]:
    """Returns the bytes of a file before its first point that is newer than `images`, and the number of points in them.

    A file's points are in the order of their steps, since a log is opened again wherever a run goes back. Whatever
    follows an incomplete record counts as newer: TensorBoard does not read it either.
    """
    end = points = 0
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        while len(header := file.read(_HEADER.size)) == _HEADER.size:
            length = _HEADER.unpack(header)[0]
            if file.tell() + length + _CHECKSUM > size:
                break
            try:
                event = tf.compat.v1.Event.FromString(file.read(length))
            except DecodeError:
                break
            if event.step > images:
                break
            points += not event.file_version  # the first record of a file holds nothing else
            end = file.tell() + _CHECKSUM
            file.seek(end)
    return end, points
