"""What a run shows of itself as it goes: loss terms, pictures and scores, in files and in TensorBoard."""

import json
import os
import time
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from ssgan_tf import pictures
from ssgan_tf.progress import EveryNImages, Progress
from ssgan_tf.utils import files


class Log(tf.keras.callbacks.Callback):
    """Writes the means of all loss terms since the last line to metrics.jsonl and TensorBoard, every n images and
    at the end.

    Lines of a previous process that are newer than the checkpoint it resumes from are dropped first.

    Args:
        progress: where the run is.
        workdir: of the run; None on workers that write nothing, whose means start anew with the writing one's.
        every: images between lines.
    """

    def __init__(self, progress: Progress, workdir: str | None, every: int):
        super().__init__()
        self.progress = progress
        self.every = every
        self._writer = None
        if workdir is None:
            return
        self._path = os.path.join(workdir, "metrics.jsonl")
        self._writer = tf.summary.create_file_writer(os.path.join(workdir, "tensorboard"))
        self._drop_newer_lines()

    def _drop_newer_lines(self):
        if not os.path.exists(self._path):
            return
        with open(self._path, encoding="utf-8") as file:
            # A line without an end is one that a killed process was writing.
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


class DrawSamples(EveryNImages):
    """Writes pictures to workdir/samples and TensorBoard every n images and at the end.

    Args:
        progress: where the run is.
        workdir: of the run.
        every: images between pictures.
        draw: gives the pictures, {name: uint8 [H,W,3]}.
    """

    def __init__(self, progress: Progress, workdir: str, every: int, draw: Callable[[], Mapping[str, np.ndarray]]):
        super().__init__(progress, every)
        self.draw = draw
        self._folder = os.path.join(workdir, "samples")
        self._writer = tf.summary.create_file_writer(os.path.join(workdir, "tensorboard"))

    def look(self):
        with self._writer.as_default(step=self.progress.images):
            for name, picture in self.draw().items():
                pictures.save_png(picture, os.path.join(self._folder, f"{name}-{self.progress.images:09d}.png"))
                tf.summary.image(name, picture[None])


class Measure(EveryNImages):
    """Writes scores to metrics.jsonl and TensorBoard every n images and at the end, each under "scores/<name>".

    The Log of the workdir must be made first: it drops lines that are newer than the checkpoint.

    Args:
        progress: where the run is.
        workdir: of the run.
        every: images between scores.
        measure: gives them, {name: number}; none where there is nothing to measure yet.
    """

    def __init__(self, progress: Progress, workdir: str, every: int, measure: Callable[[], Mapping[str, float]]):
        super().__init__(progress, every)
        self.measure = measure
        self._path = os.path.join(workdir, "metrics.jsonl")
        self._writer = tf.summary.create_file_writer(os.path.join(workdir, "tensorboard"))

    def look(self):
        scores = {f"scores/{name}": value for name, value in self.measure().items()}
        if not scores:
            return
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"step": self.progress.step, "images": self.progress.images, **scores}) + "\n")
        with self._writer.as_default(step=self.progress.images):
            for name, value in scores.items():
                tf.summary.scalar(name, value)
        self._writer.flush()
