"""Callbacks that log losses, image grids and scores during training, to files and to TensorBoard."""

import time
from collections.abc import Callable, Mapping

import numpy as np

from ssgan_tf.runs.progress import EveryNImages, Progress
from ssgan_tf.train.run_log import RunLog


class LogLosses(EveryNImages):
    """Logs the means of all losses since the last line, every so many images and at the end.

    A line is due with every checkpoint too: the means begin anew there, as they do in a run that resumes from it.

    Args:
        progress: Progress of the run.
        log: Log of the run; None on workers that write nothing but restart their means with the chief.
        every: Number of images between two lines.
        checkpoint_every: Number of images between two checkpoints.
    """

    def __init__(self, progress: Progress, log: RunLog | None, every: int, checkpoint_every: int):
        super().__init__(progress, every, checkpoint_every)
        self._log = log

    def on_train_begin(self, logs=None):
        self._restart()

    def _restart(self):
        self._since = time.perf_counter()
        self._from = self.progress.images

    def on_train_batch_end(self, batch, logs=None):
        self._means = {name: float(value) for name, value in (logs or {}).items()}
        super().on_train_batch_end(batch, logs)

    def on_interval(self):
        if self._log is not None:
            speed = (self.progress.images - self._from) / (time.perf_counter() - self._since)
            self._log.add({"images_per_second": round(speed, 1), **self._means})
        self.model.reset_metrics()
        self._restart()


class PlotSamples(EveryNImages):
    """Logs image grids every `every` images and at the end.

    Args:
        progress: Progress of the run.
        log: Log of the run.
        every: Number of images between two grids.
        plot: Function that returns the grids, {name: uint8 [H,W,3]}.
    """

    def __init__(self, progress: Progress, log: RunLog, every: int, plot: Callable[[], Mapping[str, np.ndarray]]):
        super().__init__(progress, every)
        self.plot = plot
        self._log = log

    def on_interval(self):
        self._log.add_grids(self.plot())


class LogScores(EveryNImages):
    """Logs scores every `every` images and at the end, as "scores/<name>".

    Args:
        progress: Progress of the run.
        log: Log of the run.
        every: Number of images between two evaluations.
        evaluate: Function that returns the scores, {name: number}; {} if there is nothing to score yet.
    """

    def __init__(self, progress: Progress, log: RunLog, every: int, evaluate: Callable[[], Mapping[str, float]]):
        super().__init__(progress, every)
        self.evaluate = evaluate
        self._log = log

    def on_interval(self):
        scores = {f"scores/{name}": value for name, value in self.evaluate().items()}
        if scores:
            self._log.add(scores)
