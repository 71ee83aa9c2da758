"""Trains the model of a config. The same command again goes on where the last one stopped.

python -m ssgan_tf.train --config=configs/demo.py --workdir=runs/demo --data_dir=data
"""

import dataclasses
import json
import os
from collections.abc import Callable
from typing import IO

import numpy as np
import tensorflow as tf
from absl import flags, logging

from ssgan_tf import (
    callbacks,
    data,
    distribution,
    drawing,
    logs,
    measuring,
    models,
    pictures,
    program,
    readings,
    runs,
    streams,
    workdirs,
)
from ssgan_tf import config as configs
from ssgan_tf import oracle as oracles
from ssgan_tf.checkpoints import Checkpoints
from ssgan_tf.codes import CodeSpec
from ssgan_tf.progress import Progress

_CONFIG = flags.DEFINE_string("config", None, "Python file with get_config(), e.g. configs/demo.py.", required=True)
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of the run: config, checkpoints, logs, pictures.", required=True
)
_SET = flags.DEFINE_multi_string("set", [], "Changes a field of the config, e.g. model.gamma_g=3. Repeatable.")
_DATA_DIR = flags.DEFINE_string("data_dir", "data", "Folder that `tfds build --data_dir` filled.")
_STRATEGY = flags.DEFINE_enum("strategy", "default", distribution.STRATEGIES, "Devices to train on.")
_ORACLE_IMAGES = flags.DEFINE_integer(
    "oracle_images",
    oracles.OracleOptions.images,
    "Length of the oracle's training, where train.metrics_every needs one that is not kept yet.",
    1,
)
_MINUTES = flags.DEFINE_float("minutes", None, "Stop after so many minutes, also if images are left.", 0.0)
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Print config, data and sizes; train and write nothing.")


@dataclasses.dataclass(frozen=True)
class Session:
    """One start of a run: everything that training needs, checked.

    Args:
        config: what to train.
        strategy: where.
        table: the data.
        rows: those of it whose labels are used.
        model: compiled, with the weights of `first_step`.
        checkpoints: of the run.
        first_step: 0, or where the newest whole checkpoint goes on.
        lock: what keeps others out of the workdir as long as it is open; None on workers that write nothing.
        measure: scores of the model as it is; None where none are asked for, or another worker takes them.
    """

    config: configs.Config
    strategy: tf.distribute.Strategy
    table: data.ImageTable
    rows: np.ndarray
    model: tf.keras.Model
    checkpoints: Checkpoints
    first_step: int
    lock: IO[str] | None
    measure: Callable[[], dict[str, float]] | None


def check_data(config: configs.Config, header: data.Header, workdir: str) -> None:
    """Refuses data that the networks, the batches or the run in the workdir were not made for.

    Raises:
        ValueError: naming the field.
    """
    network = config.model.network
    height, width, channels = header.shape
    if (height, width) != (network.resolution, network.resolution):
        raise ValueError(
            f"model.network.resolution: {header.name} has images of {height}x{width}. Received: {network.resolution}."
        )
    if channels != network.channels:
        raise ValueError(f"model.network.channels: {header.name} has {channels}. Received: {network.channels}.")
    if config.data.batch > header.count:
        raise ValueError(
            f"data.batch: expected at most the {header.count:,} images of {header.name}. Received: {config.data.batch}."
        )
    if os.path.exists(os.path.join(workdir, "codes.json")):
        expected = runs.read_spec(workdir)
        if expected != header.spec:
            raise ValueError(
                f"--workdir: {workdir!r} holds a run on other factors: expected {expected.to_json()}. Received: "
                f"{header.spec.to_json()} of {header.name}. Choose another folder."
            )


def describe(config: configs.Config, header: data.Header, model: tf.keras.Model, strategy) -> str:
    """What a person wants to see before a run: data, factors, sizes, length, devices."""
    generator, discriminator = model.generator.count_params(), model.discriminator.count_params()
    factors = ", ".join(
        f"{f.name} {f.size}" if f.range is None else f"{f.name} from {f.range[0]:g} to {f.range[1]:g}"
        for f in header.spec.factors
    )
    steps = -(-config.train.images // config.data.batch)
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    return (
        f"data         {header.name}, {header.count:,} images{'' if header.in_memory else ', read from disk'}\n"
        f"factors      {factors}\n"
        f"parameters   {generator + discriminator:,} "
        f"(generator {generator:,}, discriminator/encoder {discriminator:,})\n"
        f"length       {config.train.images:,} images, {steps:,} steps of {config.data.batch}\n"
        f"runs on      {strategy.num_replicas_in_sync} {kind}"
    )


def make_model(strategy: tf.distribute.Strategy, config: configs.Config, spec: CodeSpec) -> tf.keras.Model:
    """Makes the model with its seeded weights, in the strategy's scope."""
    tf.keras.utils.set_random_seed(config.train.seed)
    if config.train.deterministic:
        tf.config.experimental.enable_op_determinism()
    with strategy.scope():
        return models.make_model(config.model, spec, config.train.seed, config.data.batch)


def write_start(workdir: str, config: configs.Config, table: data.ImageTable) -> np.ndarray:
    """Writes config.json, codes.json, the labelled subset and a sheet of the data; returns the labelled rows.

    Raises:
        OSError: if the workdir cannot be written.
        ValueError: as `workdirs.labeled_subset`.
    """
    try:
        os.makedirs(workdir, exist_ok=True)
        configs.write_config(config, workdir)  # first: without it, what else is there would belong to nothing
        runs.write_spec(table.spec, workdir)
        workdirs.check_labels(workdir, table)
        rows = workdirs.labeled_subset(workdir, table, config)
        picture = drawing.draw_data(table.images, config.train.seed)
        pictures.save_png(picture, os.path.join(workdir, "samples", "data.png"))
    except OSError as error:
        raise OSError(cannot_write(error)) from error
    return rows


def start() -> Session | None:
    """Everything before the first step: checks all input, writes nothing until all of it is good.

    Returns:
        None for --dry_run.
    """
    config = configs.override(configs.load_config(_CONFIG.value), _SET.value)
    workdir, d = _WORKDIR.value, config.data
    workdirs.check(workdir, config)
    strategy = distribution.make_strategy(_STRATEGY.value)
    measuring.plan_for_training(config.train.metrics, d.labeled_fraction > 0)
    streams.check_replicas(d, strategy.num_replicas_in_sync)
    header = data.inspect(d.dataset, _DATA_DIR.value, d.factors, d.memory_gib, d.split, d.resolution)
    check_data(config, header, workdir)
    model = make_model(strategy, config, header.spec)
    print(json.dumps(config.to_json(), indent=2))
    print(describe(config, header, model, strategy), flush=True)
    if _DRY_RUN.value:
        return None
    parameters = model.generator.count_params() + model.discriminator.count_params()
    workdirs.check_disk(workdir, parameters, config.train.keep_checkpoints)
    table = data.load(d.dataset, _DATA_DIR.value, d.factors, d.memory_gib, d.split, d.resolution)
    chief = distribution.is_chief(strategy)
    lock = workdirs.lock(workdir) if chief else None
    with strategy.scope():
        items = model.checkpoint_items()
        checkpoints = Checkpoints(os.path.join(workdir, "checkpoints"), items, config.train.keep_checkpoints)
        first_step = checkpoints.restore_latest() or 0
    measure = make_measure(config, table, model) if config.train.metrics_every and chief else None
    if chief:
        rows = write_start(workdir, config, table)
    else:
        rows = streams.choose_labeled(table.factors, d.labeled_fraction, config.train.seed, d.stratified)
    return Session(config, strategy, table, rows, model, checkpoints, first_step, lock, measure)


def make_measure(
    config: configs.Config, table: data.ImageTable, model: tf.keras.Model
) -> Callable[[], dict[str, float]]:
    """A function that scores the model as it is, by what evaluate runs; loads or trains the oracle first.

    Raises:
        ValueError: the oracle has too few labels.
    """
    oracle_options = oracles.OracleOptions(images=_ORACLE_IMAGES.value)
    oracle = oracles.train_or_load(table, os.path.join(_DATA_DIR.value, "oracles"), oracle_options)
    networks = readings.Networks(
        model.discriminator.encode,
        model.ema_generator,
        config.model.network.noise_size,
        oracle.model.encode_with_features,
    )
    plan = measuring.plan_for_training(config.train.metrics, config.data.labeled_fraction > 0)
    said: set[str] = set()  # a reason is given once

    def measure() -> dict[str, float]:
        samples = config.train.metrics_samples
        read = readings.read(networks, table.images, table.factors, table.spec, samples, 0, plan.extras, quiet=True)
        result = measuring.score(read, plan)
        for why in measuring.reasons(result) - said:
            logging.warning("train.metrics: %s", why)
            said.add(why)
        return measuring.summary(result)

    return measure


def train(session: Session) -> int:
    """Runs `fit` from the session's first step to the end, or until it is told to stop.

    Returns:
        The exit code: 0, or 128 + the signal that stopped it.

    Raises:
        NonFiniteLoss: see callbacks.
        OSError, tf.errors.ResourceExhaustedError: if something cannot be written, or memory ends.
    """
    config, model, workdir = session.config, session.model, _WORKDIR.value
    progress = Progress(session.first_step, config.data.batch, config.train.images)
    if progress.step >= progress.total_steps:
        print(f"Already trained to {progress.images:,} images; raise train.images to go on.")
        return 0
    if progress.step:
        print(f"Going on from the checkpoint of step {progress.step} ({progress.images:,} images).", flush=True)
    steps, stop = callbacks.CountSteps(progress), callbacks.StopOnSignal()
    every = [steps, *make_callbacks(session, workdir, progress), stop]
    try:
        for segment in model.segments(config.data.batch):
            end = min(segment.end or progress.total_steps, progress.total_steps)
            if progress.step >= end:
                continue
            model.enter(segment)
            model.fit(batches(session, progress.step), steps_per_epoch=end - progress.step, verbose=0, callbacks=every)
            if model.stop_training:
                break
    finally:
        steps.close()
        stop.release()
    if stop.received is not None:
        print(f"Stopped at {progress.images:,} images, all saved. The same command goes on from there.")
        return 128 + stop.received
    print(f"Trained to {progress.images:,} images. Pictures: {os.path.join(workdir, 'samples')}")
    return 0


def batches(session: Session, step: int):
    """The training batches from `step` on."""
    s = session
    return distribution.distribute_batches(s.strategy, s.table, s.rows, s.config.data, s.config.train.seed, step)


def make_callbacks(session: Session, workdir: str, progress) -> list[tf.keras.callbacks.Callback]:
    """In the order they run: a non-finite loss must stop the run before anything is saved."""
    options, checkpoints = session.config.train, session.checkpoints
    result = [callbacks.StopOnNonFinite(progress, lambda: last_checkpoint(checkpoints))]
    if distribution.is_chief(session.strategy):
        draw = drawing.make_drawing(session.model, options.seed)
        result += [
            callbacks.SaveCheckpoints(progress, checkpoints.save, options.checkpoint_every),
            logs.DrawSamples(progress, workdir, options.sample_every, draw),
            logs.Log(progress, workdir, options.log_every),
        ]
        if session.measure is not None:
            result.append(logs.Measure(progress, workdir, options.metrics_every, session.measure))
    else:
        result.append(logs.Log(progress, None, options.log_every))
    if _MINUTES.value is not None:
        result.append(callbacks.StopAfter(_MINUTES.value))
    return result


def last_checkpoint(checkpoints: Checkpoints) -> str:
    steps = checkpoints.steps()
    return f"the checkpoint of step {steps[-1]}" if steps else "the start"


def cannot_write(error: Exception) -> str:
    return f"--workdir: {_WORKDIR.value!r} cannot be written: {error}"


def out_of_memory(batch: int) -> str:
    return (
        f"data.batch: out of memory with {batch} images per step. Lower data.batch and data.labeled_batch (in "
        "another --workdir), or the sizes in model.network."
    )


def main() -> int:
    try:
        session = start()
    except (ValueError, OSError, MemoryError) as error:
        return program.fail(error)
    if session is None:
        return 0
    try:
        return train(session)
    except callbacks.NonFiniteLoss as error:
        return program.fail(error, 1)
    except (OSError, tf.errors.ResourceExhaustedError) as error:
        memory = "OOM" in str(error)
        return program.fail(out_of_memory(session.config.data.batch) if memory else cannot_write(error))
    except KeyboardInterrupt:
        last = last_checkpoint(session.checkpoints)
        return program.fail(f"interrupted. The same command goes on from {last}.", program.INTERRUPTED)


if __name__ == "__main__":
    program.start(main)
