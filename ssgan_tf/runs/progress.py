"""Progress of a run, counted in images over all devices, and callbacks that act every N images."""

import tensorflow as tf
from tqdm import tqdm

from ssgan_tf.core.schedule import Schedule
from ssgan_tf.utils.progress_bar import make_bar


class Progress:
    """Position of a run: the number of finished steps, counted from its very first start.

    Args:
        first_step: Step at which this process began.
        schedule: Schedule, which knows the number of images of each step.
        total_images: Length of the run.

    Attributes:
        end: Step at which the present call of `fit` ends, unless something stops it before.
    """

    def __init__(self, first_step: int, schedule: Schedule, total_images: int):
        self.step = self._before = first_step
        self.schedule = schedule
        self.total_steps = self.end = schedule.steps(total_images)

    @property
    def images(self) -> int:
        return self.schedule.images(self.step)

    @property
    def total_images(self) -> int:
        """Length of the run in images, rounded up to whole steps."""
        return self.schedule.images(self.total_steps)

    def advance(self, steps: int = 1) -> int:
        """Counts `steps` more steps as finished, and returns the number of images in them."""
        self._before = self.step
        self.step += steps
        return self.images - self.schedule.images(self._before)

    def passed(self, every: int) -> bool:
        """Returns whether the last `advance` reached or passed a multiple of `every` images."""
        return self.images // every > self.schedule.images(self._before) // every

    def due(self, *every: int) -> bool:
        """Returns whether the last `advance` passed a multiple of one of `every`, or reached `end`."""
        return self.step == self.end or any(map(self.passed, every))


class CountSteps(tf.keras.callbacks.Callback):
    """Advances `progress` and its bar; must come first in the list of callbacks.

    Call `close` after training, even if it failed, so that the next print starts on a new line.

    Args:
        progress: Progress of the run.
        quiet: Whether to hide the bar.
    """

    def __init__(self, progress: Progress, quiet: bool = False):
        super().__init__()
        self.progress = progress
        self._quiet = quiet
        self._bar: tqdm | None = None

    def on_train_begin(self, logs=None):
        p = self.progress
        self._bar = make_bar(p.total_images, "img", self.model.phase_label, p.images, self._quiet)

    def on_train_batch_end(self, batch, logs=None):
        self._bar.update(self.progress.advance())

    def on_train_end(self, logs=None):
        self.close()

    def close(self):
        if self._bar is not None:
            self._bar.close()


class EveryNImages(tf.keras.callbacks.Callback):
    """Calls `on_interval()` every `every` images and at the end of training, at most once per step.

    The end that is known before counts as an interval: all that is due at a step is done in the order of the callbacks.

    Args:
        progress: Progress of the run.
        *every: Number of images between two calls, or several such numbers.
    """

    def __init__(self, progress: Progress, *every: int):
        super().__init__()
        self.progress = progress
        self.every = every
        self._last_step = progress.step

    def on_interval(self):
        raise NotImplementedError

    def on_train_batch_end(self, batch, logs=None):
        if self.progress.due(*self.every):
            self._call()

    def on_train_end(self, logs=None):
        if self._last_step != self.progress.step:
            self._call()

    def _call(self):
        self.on_interval()
        self._last_step = self.progress.step
