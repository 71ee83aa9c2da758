"""What keeps a run going and ends it: counting, checkpoints, and when to stop.

Of the model they know `stage`, a word for the progress bar. What a run shows of itself is in logs.py.
"""

import math
import os
import signal
import time
from collections.abc import Callable

import tensorflow as tf
from tqdm import tqdm

from ssgan_tf.progress import EveryNImages, Progress
from ssgan_tf.utils.progress_bar import make_bar

_SAME_SIGNAL_SECONDS = 1.0


class NonFinite(RuntimeError):
    """A loss term, a gradient or a weight became NaN or infinite.

    Args:
        what: its name.
        value: that it has.
        step: the step, counted from 0, in which it happened.
        images: of the run by then.
    """

    def __init__(self, what: str, value: float | str, step: int, images: int):
        super().__init__(f"{what} became {value} at step {step + 1} ({images:,} images).")
        self.step = step


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
        self._bar = make_bar(p.total_images, "img", self.model.phase_label, p.images)

    def on_train_batch_end(self, batch, logs=None):
        self._bar.update(self.progress.advance())

    def on_train_end(self, logs=None):
        self.close()

    def close(self):
        if self._bar is not None:
            self._bar.close()


class StopOnNonFinite(tf.keras.callbacks.Callback):
    """Raises NonFinite at the first step at which a loss term or the norm of a gradient is no finite number."""

    def __init__(self, progress: Progress):
        super().__init__()
        self.progress = progress

    def on_train_batch_end(self, batch, logs=None):
        bad = [name for name, value in (logs or {}).items() if not math.isfinite(value)]
        if bad:
            raise NonFinite(", ".join(bad), logs[bad[0]], self.progress.step - 1, self.progress.images)


class SaveCheckpoints(EveryNImages):
    """Calls `save(step)` every n images and at the end, while all weights are finite numbers.

    Losses are computed before the weights change, so that a weight can be NaN when no loss is yet.
    """

    def __init__(self, progress: Progress, save: Callable[[int], object], every: int):
        super().__init__(progress, every)
        self.save = save

    def look(self):
        for weight in self.model.weights:
            if weight.dtype.is_floating and not tf.reduce_all(tf.math.is_finite(weight)):
                what, p = f"The weight {weight.name}", self.progress
                raise NonFinite(what, "NaN or infinite", p.step - 1, p.images)
        self.save(self.progress.step)


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

    A second one, a second or more later, ends it at once; sooner it is the same one, since a terminal, `timeout` or a
    parent's death tell a program and all its threads. `received` is the signal's number, or None. Between two steps it
    only notes the signal, so that nothing changes after workers have agreed to go on.
    """

    def __init__(self):
        super().__init__()
        self.received: int | None = None
        self._when = 0.0
        self._before: dict[int, object] = {}

    def on_train_begin(self, logs=None):
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}

    def on_train_batch_end(self, batch, logs=None):
        if self.received is not None:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        self.release()

    def release(self):
        """Puts back what the signals did before."""
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
        os.write(2, b"\nStopping after this step, to save it; once more stops at once.\n")


class StopTogether(tf.keras.callbacks.Callback):
    """Ends training on all workers after the same step, as soon as one of them is to stop; must come last.

    Without it those who go on would wait for ever for the one who stopped.

    Args:
        agree: gives every worker the largest of the numbers that they call it with.
    """

    def __init__(self, agree: Callable[[int], int]):
        super().__init__()
        self.agree = agree

    def on_train_batch_end(self, batch, logs=None):
        self.model.stop_training = bool(self.agree(int(self.model.stop_training)))
