"""The steps of a run, from its last checkpoint to its end: segment by segment, without the steps that went wrong."""

import dataclasses
import os
import time
from collections.abc import Callable, Sequence
from typing import IO

import numpy as np
import tensorflow as tf
from absl import logging

from ssgan_tf import callbacks, data, distribution, drawing, logs, workdirs
from ssgan_tf import config as configs
from ssgan_tf.checkpoints import Checkpoints
from ssgan_tf.data import pipeline
from ssgan_tf.progress import Progress


@dataclasses.dataclass(frozen=True)
class Session:
    """One start of a run: everything that training needs, checked.

    Args:
        workdir: of the run.
        config: what to train.
        strategy: where.
        table: the data.
        rows: those of it whose labels are used.
        model: compiled, with the weights of `first_step`.
        checkpoints: of the run.
        first_step: 0, or where the newest whole checkpoint goes on.
        lock: what keeps others out of the workdir as long as it is open; None on workers that write nothing.
        measure: scores of the model as it is; None where none are asked for, or another worker takes them.
        minutes: after which to stop; None for never.
    """

    workdir: str
    config: configs.Config
    strategy: tf.distribute.Strategy
    table: data.FactorDataset
    rows: np.ndarray
    model: tf.keras.Model
    checkpoints: Checkpoints
    first_step: int
    lock: IO[str] | None
    measure: Callable[[], dict[str, float]] | None
    minutes: float | None


def train(session: Session) -> int:
    """Runs `fit` from the session's first step to the end, or until it is told to stop.

    Returns:
        The exit code: 0, or 128 + the signal that stopped it.

    Raises:
        NonFinite: more often than train.rollbacks allows, or before the first checkpoint.
        OSError, tf.errors.ResourceExhaustedError: if something cannot be written, or memory ends.
    """
    s = session
    progress = make_progress(s, s.first_step)
    if progress.step >= progress.total_steps:
        print(f"Already trained to {progress.images:,} images; raise train.images to go on.")
        return 0
    if progress.step:
        print(f"Going on from the checkpoint of step {progress.step} ({progress.images:,} images).", flush=True)
    stop = callbacks.StopOnSignal()
    ends = [stop] if s.minutes is None else [callbacks.StopAfter(s.minutes), stop]
    agree = distribution.make_agree(s.strategy)
    if agree is not None:
        ends.append(callbacks.StopTogether(agree))
    skipped = workdirs.read_skipped(s.workdir)
    while True:
        try:
            fit(s, progress, skipped, ends)
            break
        except callbacks.NonFinite as error:
            progress = make_progress(s, roll_back(s, error, skipped))
        finally:
            stop.release()
    received = stop.received or 0
    if agree is not None:
        received = agree(received)  # all workers end alike, whichever was told to
        time.sleep(1)  # who left at once could take along what another has not read yet
    if received:
        print(f"Stopped at {progress.images:,} images, all saved. The same command goes on from there.")
        return 128 + received
    print(f"Trained to {progress.images:,} images. Pictures: {os.path.join(s.workdir, 'samples')}")
    return 0


def make_progress(session: Session, step: int) -> Progress:
    return Progress(step, session.config.schedule, session.config.train.images)


def fit(
    session: Session, progress: Progress, skipped: Sequence[int], ends: Sequence[tf.keras.callbacks.Callback]
) -> None:
    """The steps from `progress` to the end of the run but those `skipped`, or until one of `ends` stops it."""
    s, model = session, session.model
    counter = callbacks.CountSteps(progress)
    every = [counter, *make_callbacks(s, progress), *ends]
    try:
        for segment in s.config.schedule.segments:
            end = min(segment.end or progress.total_steps, progress.total_steps)
            if progress.step >= end:
                continue
            model.set_segment(segment)
            for stop in [*sorted(step for step in skipped if progress.step <= step < end), end]:
                if stop > progress.step:
                    batches = pipeline.distribute_batches(
                        s.strategy, s.table, s.rows, segment, s.config.train.seed, progress.step
                    )
                    model.fit(batches, steps_per_epoch=stop - progress.step, verbose=0, callbacks=every)
                    if model.stop_training:
                        return
                if stop < end:
                    model.step.assign_add(1)
                    progress.advance()
    finally:
        counter.close()


def make_callbacks(session: Session, progress: Progress) -> list[tf.keras.callbacks.Callback]:
    """In the order they run: a number that is not finite must stop the run before anything is saved."""
    s, options = session, session.config.train
    result: list[tf.keras.callbacks.Callback] = [callbacks.StopOnNonFinite(progress)]
    if not distribution.is_chief(s.strategy):  # its weights are looked at too: all workers go back, or none does
        check = callbacks.SaveCheckpoints(progress, lambda step: None, options.checkpoint_every)
        return [*result, check, logs.Log(progress, None, options.log_every)]
    draw = drawing.make_drawing(s.model, options.seed)
    result += [
        callbacks.SaveCheckpoints(progress, s.checkpoints.save, options.checkpoint_every),
        logs.DrawSamples(progress, s.workdir, options.sample_every, draw),
        logs.Log(progress, s.workdir, options.log_every),
    ]
    if s.measure is not None:
        result.append(logs.Measure(progress, s.workdir, options.metrics_every, s.measure))
    return result


def roll_back(session: Session, error: callbacks.NonFinite, skipped: list[int]) -> int:
    """Makes the model as it was at the last checkpoint and adds the error's step to those skipped; returns the step.

    Raises:
        NonFinite: the error, with what to do, where that cannot be done or was done often enough.
    """
    s, allowed = session, session.config.train.rollbacks
    penalty = " or a larger model.r1" if hasattr(session.config.model, "r1") else ""
    advice = f"A smaller phases.learning_rate{penalty} may help."
    if len(skipped) >= allowed or not s.checkpoints.steps():
        back = f"It was rolled back {len(skipped)} of {allowed} times before. " if skipped else ""
        error.args = (f"{error} {back}Nothing was saved after {last_checkpoint(s.checkpoints)}. {advice}",)
        raise error
    with s.strategy.scope():
        step = s.checkpoints.restore_latest()
    assert step is not None  # there are checkpoints, and were none whole that would have raised
    skipped.append(error.step)
    if distribution.is_chief(s.strategy):
        workdirs.write_skipped(s.workdir, skipped)
    s.model.reset_metrics()
    logging.warning(
        "%s Going back to the checkpoint of step %d, to go on without step %d (rollback %d of %d).",
        error, step, error.step + 1, len(skipped), allowed,
    )  # fmt: skip
    return step


def last_checkpoint(checkpoints: Checkpoints) -> str:
    steps = checkpoints.steps()
    return f"the checkpoint of step {steps[-1]}" if steps else "the start"
