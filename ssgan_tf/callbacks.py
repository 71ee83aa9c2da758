"""What happens around the training steps: progress, logs, pictures, checkpoints, and when to stop.

Progress is counted in images over all devices. Of the model they know `stage`, a word for the progress bar,
and a function that draws pictures.
"""

import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from ssgan_tf import files, pictures


class NonFiniteLoss(RuntimeError):
    """A loss term or a weight became NaN or infinite."""


class Progress:
    """Where the run is: the step after the last one finished, counted from the very first start.

    Args:
        first_step: where this process began.
        batch: images per step.
        total_images: length of the run.
    """

    def __init__(self, first_step: int, batch: int, total_images: int):
        self.step = first_step
        self.batch = batch
        self.total_steps = -(-total_images // batch)

    @property
    def images(self) -> int:
        return self.step * self.batch

    def passed(self, every: int) -> bool:
        """Did the last step reach or pass a multiple of `every` images?"""
        return self.images // every > (self.images - self.batch) // every


class CountSteps(tf.keras.callbacks.Callback):
    """Keeps `progress` and the bar on the terminal; must come first in the list.

    `close` it when training is over, however it ended: what is printed next then has a line of its own.
    """

    def __init__(self, progress: Progress):
        super().__init__()
        self.progress = progress
        self._bar: tqdm | None = None

    def on_train_begin(self, logs=None):
        p = self.progress
        self._bar = tqdm(
            desc=self.model.stage,
            total=p.total_steps * p.batch,
            initial=p.images,
            unit="img",
            unit_scale=True,
            dynamic_ncols=True,
            mininterval=0.5 if sys.stderr.isatty() else 30,  # a log file wants a line now and then
        )

    def on_train_batch_end(self, batch, logs=None):
        self.progress.step += 1
        self._bar.update(self.progress.batch)

    def on_train_end(self, logs=None):
        self.close()

    def close(self):
        if self._bar is not None:
            self._bar.close()


class StopOnNonFinite(tf.keras.callbacks.Callback):
    """Raises NonFiniteLoss at the first step at which a loss term is no finite number."""

    def __init__(self, progress: Progress, last_checkpoint: Callable[[], str]):
        super().__init__()
        self.progress = progress
        self.last_checkpoint = last_checkpoint

    def on_train_batch_end(self, batch, logs=None):
        bad = [name for name, value in (logs or {}).items() if not math.isfinite(value)]
        if bad:
            raise NonFiniteLoss(
                f"{', '.join(bad)} became {logs[bad[0]]} at step {self.progress.step} "
                f"({self.progress.images:,} images). Nothing was saved after {self.last_checkpoint()}. "
                "A smaller model.learning_rate or a larger model.r1 may help."
            )


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
        with files.replacing(self._path) as file:
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


class SaveCheckpoints(tf.keras.callbacks.Callback):
    """Calls `save(step)` every n images and at the end, while all weights are finite numbers.

    Losses are computed before the weights change, so that a weight can be NaN when no loss is yet.
    """

    def __init__(self, progress: Progress, save: Callable[[int], object], every: int):
        super().__init__()
        self.progress = progress
        self.save = save
        self.every = every
        self._saved = progress.step

    def on_train_batch_end(self, batch, logs=None):
        if self.progress.passed(self.every):
            self._save()

    def on_train_end(self, logs=None):
        if self._saved != self.progress.step:
            self._save()

    def _save(self):
        for weight in self.model.weights:
            if weight.dtype.is_floating and not tf.reduce_all(tf.math.is_finite(weight)):
                raise NonFiniteLoss(
                    f"The weight {weight.name} became NaN or infinite by step {self.progress.step} "
                    f"({self.progress.images:,} images); it was not saved. A smaller model.learning_rate may help."
                )
        self.save(self.progress.step)
        self._saved = self.progress.step


class DrawSamples(tf.keras.callbacks.Callback):
    """Writes pictures to workdir/samples and TensorBoard every n images and at the end.

    Args:
        progress: where the run is.
        workdir: of the run.
        every: images between pictures.
        draw: gives the pictures, {name: uint8 [H,W,3]}.
    """

    def __init__(self, progress: Progress, workdir: str, every: int, draw: Callable[[], Mapping[str, np.ndarray]]):
        super().__init__()
        self.progress = progress
        self.every = every
        self.draw = draw
        self._folder = os.path.join(workdir, "samples")
        self._writer = tf.summary.create_file_writer(os.path.join(workdir, "tensorboard"))
        self._drawn = -1

    def on_train_batch_end(self, batch, logs=None):
        if self.progress.passed(self.every):
            self._write()

    def on_train_end(self, logs=None):
        if self._drawn != self.progress.step:
            self._write()

    def _write(self):
        self._drawn = self.progress.step
        with self._writer.as_default(step=self.progress.images):
            for name, picture in self.draw().items():
                pictures.save_png(picture, os.path.join(self._folder, f"{name}-{self.progress.images:09d}.png"))
                tf.summary.image(name, picture[None])


class StopAfter(tf.keras.callbacks.Callback):
    """Ends training after so many minutes, with everything saved as at a normal end."""

    def __init__(self, minutes: float):
        super().__init__()
        self._seconds = minutes * 60
        self._end: float | None = None

    def on_train_begin(self, logs=None):
        if self._end is None:  # growing networks begin once for every segment
            self._end = time.monotonic() + self._seconds

    def on_train_batch_end(self, batch, logs=None):
        if time.monotonic() >= self._end:
            self.model.stop_training = True


class StopOnSignal(tf.keras.callbacks.Callback):
    """Ends training at ctrl-C or SIGTERM after the step at hand, with everything saved as at a normal end.

    A second one ends it at once. `received` is the signal's number, or None.
    """

    def __init__(self):
        super().__init__()
        self.received: int | None = None
        self._before: dict[int, object] = {}

    def on_train_begin(self, logs=None):
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}

    def on_train_end(self, logs=None):
        self.release()

    def release(self):
        """Puts back what the signals did before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _note(self, number, frame):
        if self.received is not None:
            raise KeyboardInterrupt
        self.received = number
        # print() may be what the signal interrupted.
        os.write(2, b"\nStopping after this step, to save it; once more stops at once.\n")
        self.model.stop_training = True
