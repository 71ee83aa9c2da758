"""How far a run is, counted in images over all devices, and the bar that shows it."""

import sys

import tensorflow as tf
from tqdm import tqdm


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


def make_bar(total: int, unit: str, title: str = "", initial: int = 0, quiet: bool = False) -> tqdm:
    """A bar on stderr: alive on a terminal, and in a log file a line now and then.

    Args:
        total: units until it is full.
        unit: "img" for images, which are counted in thousands and millions too.
        title: stands before it.
        initial: units done before.
        quiet: show nothing.
    """
    return tqdm(
        desc=title,
        total=total,
        initial=initial,
        unit=unit,
        unit_scale=unit == "img",
        dynamic_ncols=True,
        mininterval=0.5 if sys.stderr.isatty() else 30,
        disable=quiet,
    )
