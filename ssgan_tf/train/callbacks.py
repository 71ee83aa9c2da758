"""Callbacks that save a run, stop it at values that are not finite, and end it after a time limit or a signal."""

import math
import os
import signal
import threading
import time
from collections.abc import Callable

import tensorflow as tf

from ssgan_tf.runs.progress import EveryNImages, Progress

_SAME_SIGNAL_SECONDS = 1.0


class NonFinite(RuntimeError):
    """A loss, a gradient or a weight became NaN or infinite.

    Args:
        name: Name of the value.
        value: Value that it took.
        step: Step in which it happened, counted from 0.
        images: Number of images that the run had been trained with.
    """

    def __init__(self, name: str, value: float | str, step: int, images: int):
        super().__init__(f"{name} became {value} at step {step + 1} ({images:,} images).")
        self.step = step


class StopOnNonFinite(tf.keras.callbacks.Callback):
    """Raises NonFinite at the first step in which a loss or the norm of a gradient is not finite."""

    def __init__(self, progress: Progress):
        super().__init__()
        self.progress = progress

    def on_train_batch_end(self, batch, logs=None):
        bad = [name for name, value in (logs or {}).items() if not math.isfinite(value)]
        if bad:
            raise NonFinite(", ".join(bad), logs[bad[0]], self.progress.step - 1, self.progress.images)


class CheckWeights(EveryNImages):
    """Raises NonFinite if a weight is not finite when a checkpoint is due. Must come before all that writes files.

    Losses are computed before the weights change, so a weight can be NaN before any loss is.
    """

    def on_interval(self):
        for weight in self.model.weights:
            if weight.dtype.is_floating and not tf.reduce_all(tf.math.is_finite(weight)):
                name, p = f"The weight {weight.name}", self.progress
                raise NonFinite(name, "NaN or infinite", p.step - 1, p.images)


class SaveCheckpoints(EveryNImages):
    """Calls `save(step)` every `every` images and at the end. Must come after all that writes files.

    A checkpoint then means that everything due up to its step is on disk, so a resumed run never has to repeat it.
    """

    def __init__(self, progress: Progress, save: Callable[[int], object], every: int):
        super().__init__(progress, every)
        self.save = save

    def on_interval(self):
        self.save(self.progress.step)


class StopAfter(tf.keras.callbacks.Callback):
    """Ends training after the given number of minutes, with everything saved as at a normal end."""

    def __init__(self, minutes: float):
        super().__init__()
        self._seconds = minutes * 60
        self._end: float | None = None

    def on_train_begin(self, logs=None):
        if self._end is None:  # training begins once for every segment
            self._end = time.monotonic() + self._seconds

    def on_train_batch_end(self, batch, logs=None):
        if time.monotonic() >= self._end:
            self.model.stop_training = True


class StopOnSignal(tf.keras.callbacks.Callback):
    """Ends training at Ctrl-C or SIGTERM after the current step, with everything saved as at a normal end.

    A second signal ends it at once. Signals within a second count as one, since a terminal, `timeout` or a dying
    parent may send several. The handler only records the signal, so that nothing changes after the workers have agreed
    to continue. Outside the main thread, where Python allows no signal handlers, this callback does nothing.

    Attributes:
        received: Number of the signal, or None.
    """

    def __init__(self):
        super().__init__()
        self.received: int | None = None
        self._when = 0.0
        self._before: dict[int, object] = {}

    def on_train_begin(self, logs=None):
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}

    def on_train_batch_end(self, batch, logs=None):
        if self.received is not None:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        self.release()

    def release(self):
        """Restores the previous signal handlers."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _note(self, number, frame):
        if self.received is not None:
            if time.monotonic() - self._when < _SAME_SIGNAL_SECONDS:
                return
            raise KeyboardInterrupt
        self.received, self._when = number, time.monotonic()
        # print() may be what the signal interrupted.
        os.write(2, b"\nFinishing this step and saving. Press Ctrl-C again to stop at once.\n")


class StopTogether(tf.keras.callbacks.Callback):
    """Ends training on all workers after the same step, as soon as one of them is to stop. Must be the last callback.

    Without it, the other workers would wait forever for the one that stopped.

    Args:
        all_reduce_max: Function that each worker calls with a number, and that returns the largest of them to all.
    """

    def __init__(self, all_reduce_max: Callable[[int], int]):
        super().__init__()
        self.all_reduce_max = all_reduce_max

    def on_train_batch_end(self, batch, logs=None):
        self.model.stop_training = bool(self.all_reduce_max(int(self.model.stop_training)))
