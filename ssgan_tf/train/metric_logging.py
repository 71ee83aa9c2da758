"""Callbacks that log losses, image grids and scores during training, to files and to TensorBoard."""

import json
import os
import time
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from ssgan_tf import visualize
from ssgan_tf.runs import Workdir
from ssgan_tf.runs.progress import EveryNImages, Progress
from ssgan_tf.utils import files


class LogLosses(tf.keras.callbacks.Callback):
    """Writes the means of all losses since the last line to metrics.jsonl and TensorBoard.

    When created, it drops lines of an earlier process that are newer than the checkpoint the run resumes from.

    Args:
        progress: Progress of the run.
        workdir: Folder of the run; None on workers that write nothing but restart their means with the chief.
        every: Number of images between two lines.
    """

    def __init__(self, progress: Progress, workdir: Workdir | None, every: int):
        super().__init__()
        self.progress = progress
        self.every = every
        self._writer = None
        if workdir is None:
            return
        self._path = workdir.log
        self._writer = tf.summary.create_file_writer(workdir.tensorboard)
        self._drop_newer_lines()

    def _drop_newer_lines(self):
        if not os.path.exists(self._path):
            return
        with open(self._path, encoding="utf-8") as file:
            # A line without a line break is incomplete: the process that wrote it was killed.
            lines = [line for line in file if line.endswith("\n")]
        with files.atomic_write(self._path) as file:
            file.writelines(line for line in lines if json.loads(line)["step"] <= self.progress.step)

    def on_train_begin(self, logs=None):
        self._restart()

    def _restart(self):
        self._since = time.perf_counter()
        self._from = self.progress.images

    def on_train_batch_end(self, batch, logs=None):
        self._means = {name: float(value) for name, value in (logs or {}).items()}
        if self.progress.passed(self.every):
            self._write()

    def on_train_end(self, logs=None):
        if self.progress.images > self._from:
            self._write()

    def _write(self):
        if self._writer is not None:
            self._write_line()
        self.model.reset_metrics()
        self._restart()

    def _write_line(self):
        speed = (self.progress.images - self._from) / (time.perf_counter() - self._since)
        line = {"step": self.progress.step, "images": self.progress.images, "images_per_second": round(speed, 1)}
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps({**line, **self._means}) + "\n")
        with self._writer.as_default(step=self.progress.images):
            for name, value in {**self._means, "images_per_second": speed}.items():
                tf.summary.scalar(name, value)
        self._writer.flush()


class PlotSamples(EveryNImages):
    """Writes image grids to the workdir and to TensorBoard every `every` images and at the end.

    Args:
        progress: Progress of the run.
        workdir: Folder of the run.
        every: Number of images between two grids.
        plot: Function that returns the grids, {name: uint8 [H,W,3]}.
    """

    def __init__(self, progress: Progress, workdir: Workdir, every: int, plot: Callable[[], Mapping[str, np.ndarray]]):
        super().__init__(progress, every)
        self.plot = plot
        self._workdir = workdir
        self._writer = tf.summary.create_file_writer(workdir.tensorboard)

    def on_interval(self):
        with self._writer.as_default(step=self.progress.images):
            for name, grid in self.plot().items():
                visualize.save_png(grid, self._workdir.sample(f"{name}-{self.progress.images:09d}"))
                tf.summary.image(name, grid[None])


class LogScores(EveryNImages):
    """Writes scores to metrics.jsonl and TensorBoard every `every` images and at the end, as "scores/<name>".

    Create the LogLosses of the workdir first: it drops lines that are newer than the checkpoint.

    Args:
        progress: Progress of the run.
        workdir: Folder of the run.
        every: Number of images between two evaluations.
        evaluate: Function that returns the scores, {name: number}; {} if there is nothing to score yet.
    """

    def __init__(self, progress: Progress, workdir: Workdir, every: int, evaluate: Callable[[], Mapping[str, float]]):
        super().__init__(progress, every)
        self.evaluate = evaluate
        self._path = workdir.log
        self._writer = tf.summary.create_file_writer(workdir.tensorboard)

    def on_interval(self):
        scores = {f"scores/{name}": value for name, value in self.evaluate().items()}
        if not scores:
            return
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"step": self.progress.step, "images": self.progress.images, **scores}) + "\n")
        with self._writer.as_default(step=self.progress.images):
            for name, value in scores.items():
                tf.summary.scalar(name, value)
        self._writer.flush()
