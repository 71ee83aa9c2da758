"""Training loop: runs the steps from the last checkpoint to the end, segment by segment, except those that failed."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import IO

import numpy as np
import tensorflow as tf
from absl import logging

from ssgan_tf import config as configs
from ssgan_tf import data, visualize
from ssgan_tf.data import pipeline
from ssgan_tf.runs import Workdir
from ssgan_tf.runs.checkpoints import Checkpoints
from ssgan_tf.runs.progress import CountSteps, Progress
from ssgan_tf.train import callbacks, metric_logging
from ssgan_tf.train.distribution.strategy import is_chief, make_all_reduce_max
from ssgan_tf.train.run_log import RunLog


@dataclasses.dataclass(frozen=True)
class Session:
    """One start of a run: everything that training needs, checked.

    Args:
        workdir: Folder of the run.
        config: Config to train.
        strategy: Devices to train on.
        dataset: Images and labels.
        rows: Rows of the labelled subset.
        model: Compiled model with the weights of `first_step`.
        checkpoints: Checkpoints of the run.
        first_step: Step of the newest complete checkpoint, or 0.
        lock: Open lock file of the workdir; None on workers that write nothing.
        evaluate: Function that scores the model in its present state; None if this process does not score it.
        minutes: Number of minutes after which to stop; None for no limit.
        callbacks: The caller's own callbacks.
        quiet: Whether to print nothing and show no progress bar.
    """

    workdir: Workdir
    config: configs.Config
    strategy: tf.distribute.Strategy
    dataset: data.FactorDataset
    rows: np.ndarray
    model: tf.keras.Model
    checkpoints: Checkpoints
    first_step: int
    lock: IO[str] | None
    evaluate: Callable[[], dict[str, float]] | None
    minutes: float | None = None
    callbacks: tuple[tf.keras.callbacks.Callback, ...] = ()
    quiet: bool = False

    def report(self, text: str) -> None:
        """Prints a line, unless the session is quiet."""
        if not self.quiet:
            print(text, flush=True)


def train(session: Session) -> int:
    """Runs `fit` from the session's first step to the end of the run, or until a signal or the time limit.

    Returns:
        The number of the signal that stopped it, or 0.

    Raises:
        NonFinite: A value was not finite before the first checkpoint, or more often than train.rollbacks allows.
        OSError, tf.errors.ResourceExhaustedError: The disk or memory ran out.
    """
    s = session
    progress = make_progress(s, s.first_step)
    if progress.step >= progress.total_steps:
        s.report(f"Already trained to {progress.images:,} images; raise train.images to continue.")
        return 0
    if progress.step:
        s.report(f"Resuming from step {progress.step} ({progress.images:,} images).")

    # Everything that may end training early.
    stop = callbacks.StopOnSignal()
    ends = [stop] if s.minutes is None else [callbacks.StopAfter(s.minutes), stop]
    all_reduce_max = make_all_reduce_max(s.strategy)
    if all_reduce_max is not None:
        ends.append(callbacks.StopTogether(all_reduce_max))

    # Train; roll back and leave out steps whose result is not finite.
    skipped = s.workdir.read_skipped_steps()
    while True:
        try:
            fit(s, progress, skipped, ends)
            break
        except callbacks.NonFinite as error:
            progress = make_progress(s, roll_back(s, error, skipped))
        finally:
            stop.release()

    # All workers end in the same way, whichever received the signal.
    received = stop.received or 0
    if all_reduce_max is not None:
        received = all_reduce_max(received)
        time.sleep(1)  # a worker that exits at once may close connections that others still read from
    if received:
        s.report(f"Stopped at {progress.images:,} images with everything saved. The same command resumes from there.")
    else:
        s.report(f"Trained to {progress.images:,} images. Image grids: {s.workdir.samples}")
    return received


def make_progress(session: Session, step: int) -> Progress:
    return Progress(step, session.config.schedule, session.config.train.images)


def fit(
    session: Session, progress: Progress, skipped: Sequence[int], ends: Sequence[tf.keras.callbacks.Callback]
) -> None:
    """Runs the steps from `progress` to the end of the run, except those `skipped`, or until one of `ends` stops it."""
    s, model = session, session.model
    counter = CountSteps(progress, s.quiet)
    log = RunLog(s.workdir, progress) if is_chief(s.strategy) else None
    all_callbacks = [counter, *make_callbacks(s, progress, log), *s.callbacks, *ends]
    try:
        for segment in s.config.schedule.segments:
            end = min(segment.end or progress.total_steps, progress.total_steps)
            if progress.step >= end:
                continue
            model.set_segment(segment)
            # One fit up to each skipped step, and one to the segment's end.
            for stop in [*sorted(step for step in skipped if progress.step <= step < end), end]:
                if stop > progress.step:
                    progress.end = stop
                    batches = pipeline.distribute_batches(
                        s.strategy, s.dataset, s.rows, segment, s.config.train.seed, progress.step
                    )
                    model.fit(batches, steps_per_epoch=stop - progress.step, verbose=0, callbacks=all_callbacks)
                    if model.stop_training:
                        return
                if stop < end:
                    model.step.assign_add(1)
                    progress.advance()
    finally:
        counter.close()
        if log is not None:
            log.close()


def make_callbacks(session: Session, progress: Progress, log: RunLog | None) -> list[tf.keras.callbacks.Callback]:
    """Returns the run's callbacks, in the order that makes a killed run complete; `log` is None except on the chief.

    Checks for finite values come first, to stop the run before anything is written. A checkpoint comes last: once it is
    there, nothing that was due before will be written again.
    """
    s, options = session, session.config.train
    checks = [callbacks.StopOnNonFinite(progress), callbacks.CheckWeights(progress, options.checkpoint_every)]
    losses = metric_logging.LogLosses(progress, log, options.log_every, options.checkpoint_every)
    if log is None:  # checks its weights too, so that all workers roll back or none does
        return [*checks, losses]
    plot = visualize.make_plotter(s.model, options.seed)
    result = [*checks, metric_logging.PlotSamples(progress, log, options.sample_every, plot), losses]
    if s.evaluate is not None:
        result.append(metric_logging.LogScores(progress, log, options.metrics_every, s.evaluate))
    return [*result, callbacks.SaveCheckpoints(progress, s.checkpoints.save, options.checkpoint_every)]


def roll_back(session: Session, error: callbacks.NonFinite, skipped: list[int]) -> int:
    """Restores the last checkpoint and adds the failed step to `skipped`; returns the checkpoint's step.

    Raises:
        NonFinite: There is no checkpoint, or train.rollbacks is used up; the message says what to do.
        OSError: All checkpoints have been damaged since the run was started.
    """
    s, allowed = session, session.config.train.rollbacks
    penalty = " or a larger model.r1" if hasattr(session.config.model, "r1") else ""
    advice = f"A smaller phases.learning_rate{penalty} may help."
    if len(skipped) >= allowed or not s.checkpoints.steps():
        back = f"The run was rolled back {len(skipped)} of {allowed} times before. " if skipped else ""
        error.args = (f"{error} {back}Nothing was saved after {last_checkpoint(s.checkpoints)}. {advice}",)
        raise error
    try:
        with s.strategy.scope():
            step = s.checkpoints.restore_latest()
    except ValueError as damaged:
        raise OSError(f"{error} The run cannot be rolled back: {damaged}") from damaged
    assert step is not None  # with checkpoints on disk, restore_latest restores one or raises
    skipped.append(error.step)
    if is_chief(s.strategy):
        s.workdir.write_skipped_steps(skipped)
    s.model.reset_metrics()
    logging.warning(
        "%s Rolling back to the checkpoint of step %d, to continue without step %d (rollback %d of %d).",
        error, step, error.step + 1, len(skipped), allowed,
    )  # fmt: skip
    return step


def last_checkpoint(checkpoints: Checkpoints) -> str:
    """Returns "the checkpoint of step N", or "the start" if there is none."""
    steps = checkpoints.steps()
    return f"the checkpoint of step {steps[-1]}" if steps else "the start"
