"""How far a run is, counted in images over all devices, and what happens every so many of them."""

import tensorflow as tf

from ssgan_tf.core.schedule import Schedule


class Progress:
    """Where the run is: the step after the last one finished, counted from the very first start.

    Args:
        first_step: where this process began.
        schedule: how many images each step takes.
        total_images: length of the run.
    """

    def __init__(self, first_step: int, schedule: Schedule, total_images: int):
        self.step = self._before = first_step
        self.schedule = schedule
        self.total_steps = schedule.steps(total_images)

    @property
    def images(self) -> int:
        return self.schedule.images(self.step)

    @property
    def total_images(self) -> int:
        """Those of the run's whole steps."""
        return self.schedule.images(self.total_steps)

    def advance(self, steps: int = 1) -> int:
        """Counts `steps` more as finished; returns their images."""
        self._before = self.step
        self.step += steps
        return self.images - self.schedule.images(self._before)

    def passed(self, every: int) -> bool:
        """Did what was counted last reach or pass a multiple of `every` images?"""
        return self.images // every > self.schedule.images(self._before) // every


class EveryNImages(tf.keras.callbacks.Callback):
    """Calls `look()` every n images and at the end, once for a step.

    Args:
        progress: where the run is.
        every: n.
    """

    def __init__(self, progress: Progress, every: int):
        super().__init__()
        self.progress = progress
        self.every = every
        self._looked = progress.step

    def look(self):
        raise NotImplementedError

    def on_train_batch_end(self, batch, logs=None):
        if self.progress.passed(self.every):
            self._look()

    def on_train_end(self, logs=None):
        if self._looked != self.progress.step:
            self._look()

    def _look(self):
        self.look()
        self._looked = self.progress.step
