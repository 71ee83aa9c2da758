"""Training as a function: checks everything, trains or resumes, and returns the trained run."""

from collections.abc import Sequence

import tensorflow as tf

from ssgan_tf.config import Config
from ssgan_tf.evaluate.oracle import OracleOptions
from ssgan_tf.runs import Run, load_run
from ssgan_tf.train import loop, setup
from ssgan_tf.train.distribution.cluster import WorkerMissing
from ssgan_tf.train.distribution.strategy import lost_worker


class Stopped(KeyboardInterrupt):
    """Training was stopped by Ctrl-C or SIGTERM, with everything saved; the same call resumes it.

    Args:
        signal_number: Signal that stopped it.
    """

    def __init__(self, signal_number: int):
        super().__init__("Training was stopped with everything saved; the same call resumes it.")
        self.signal_number = signal_number


def run(
    config: Config | str,
    workdir: str,
    data_dir: str = "data",
    *,
    strategy: str | tf.distribute.Strategy = "default",
    jit_compile: bool | None = None,
    minutes: float | None = None,
    oracle_images: int = OracleOptions.images,
    callbacks: Sequence[tf.keras.callbacks.Callback] = (),
    quiet: bool = False,
) -> Run:
    """Trains the model of a config, or resumes it where the last call with this workdir ended.

    Args:
        config: Config, or a string for `load_config`: a Python file, or the name of a shipped config such as "demo".
        workdir: Folder of the run.
        data_dir: Folder of the prepared data sets.
        strategy: Strategy, or the name of one: "default", "mirrored" or "multiworker".
        jit_compile: Whether to compile the training step with XLA; None to compile it on GPUs only.
        minutes: Number of minutes after which to stop even if training is not complete; None for no limit.
        oracle_images: Length of the oracle's training in images, if train.metrics_every needs an oracle and none is
            cached.
        callbacks: Keras callbacks. `fit` runs once for each phase, so `on_train_begin` may be called several times.
        quiet: Whether to print nothing and show no progress bar.

    Returns:
        The run with its newest weights. Training is complete if `run.images >= run.config.train.images`.

    Raises:
        ValueError, OSError, MemoryError: The input cannot be used (nothing was written then), or memory or the disk
            ran out.
        NonFinite: A loss, gradient or weight was not finite more often than train.rollbacks allows.
        Stopped: Ctrl-C or SIGTERM stopped training; everything is saved.
        WorkerMissing: Another worker did not start, or was lost.
    """
    session = setup.prepare(
        config,
        workdir,
        data_dir,
        strategy=strategy,
        jit_compile=jit_compile,
        minutes=minutes,
        oracle_images=oracle_images,
        callbacks=callbacks,
        quiet=quiet,
    )
    execute(session)
    return load_run(workdir)


def execute(session: loop.Session) -> None:
    """Trains from the session's first step to its end, and unlocks the workdir.

    Raises:
        NonFinite, Stopped, WorkerMissing: See `run`.
        OSError, MemoryError: The disk or memory ran out.
    """
    s = session
    try:
        received = loop.train(s)
    except (OSError, tf.errors.ResourceExhaustedError) as error:
        if isinstance(error, tf.errors.OpError) and "OOM" in error.message:
            raise MemoryError(
                f"phases.batch: out of memory with {s.model.segment.phase.batch} images per step. Lower phases.batch "
                "and phases.labeled_batch (in another workdir), or the sizes in model.network."
            ) from error
        raise OSError(f"workdir: {s.workdir.path!r} cannot be written: {error}") from error
    except tf.errors.OpError as error:
        lost = lost_worker(error)
        if lost is None:
            raise
        raise WorkerMissing(
            f"{lost} is gone: it stopped, was killed, or its machine or network failed; see its last messages. "
            f"Start all workers again: they resume from {loop.last_checkpoint(s.checkpoints)}."
        ) from error
    finally:
        if s.lock is not None:
            s.lock.close()
    if received:
        raise Stopped(received)
