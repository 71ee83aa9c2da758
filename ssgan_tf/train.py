"""Trains the model of a config. The same command again goes on where the last one stopped.

python -m ssgan_tf.train --config=configs/demo.py --workdir=runs/demo --data_dir=data
"""

import json
import os
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from absl import flags, logging

from ssgan_tf import (
    callbacks,
    costs,
    data,
    distribution,
    drawing,
    measuring,
    models,
    overview,
    pictures,
    readings,
    runs,
    workdirs,
    workers,
)
from ssgan_tf import config as configs
from ssgan_tf import oracle as oracles
from ssgan_tf.checkpoints import Checkpoints
from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.data import pipeline
from ssgan_tf.data.labeled_subset import choose_labeled
from ssgan_tf.loop import Session, last_checkpoint, train
from ssgan_tf.models.base import WithNetwork
from ssgan_tf.utils import program

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
_JIT = flags.DEFINE_enum(
    "jit_compile", "auto", ("auto", "on", "off"), "Compile with XLA; auto: on GPUs. On CPUs it is several times slower."
)
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Print config, data and sizes; train and write nothing.")


def check_data(config: configs.Config, header: data.DatasetInfo, workdir: str) -> None:
    """Refuses data that the networks, the batches or the run in the workdir were not made for.

    Raises:
        ValueError: naming the field.
    """
    m = config.model
    height, width, channels = header.shape
    place = "model.network" if isinstance(m, WithNetwork) else "model"
    if (height, width) != (m.resolution, m.resolution):
        raise ValueError(
            f"{place}.resolution: {header.name} has images of {height}x{width}. Received: {m.resolution}."
        )
    if channels != m.channels:
        raise ValueError(f"{place}.channels: {header.name} has {channels}. Received: {m.channels}.")
    for i, phase in enumerate(config.phases):
        if phase.batch > header.count:
            raise ValueError(
                f"phases.{i}.batch: expected at most the {header.count:,} images of {header.name}. "
                f"Received: {phase.batch}."
            )
    if os.path.exists(os.path.join(workdir, "codes.json")):
        expected = runs.read_spec(workdir)
        if expected != header.spec:
            raise ValueError(
                f"--workdir: {workdir!r} holds a run on other factors: expected {expected.to_json()}. Received: "
                f"{header.spec.to_json()} of {header.name}. Choose another folder."
            )


def make_model(strategy: tf.distribute.Strategy, config: configs.Config, spec: CodeSpec) -> tf.keras.Model:
    """Makes the model with its seeded weights, in the strategy's scope."""
    tf.keras.utils.set_random_seed(config.train.seed)
    if config.train.deterministic:
        tf.config.experimental.enable_op_determinism()
    with strategy.scope():
        return models.make_model(config.model, spec, config.train.seed, uses_xla())


def uses_xla() -> bool:
    """What --jit_compile comes to on this machine."""
    return _JIT.value == "on" or (_JIT.value == "auto" and bool(tf.config.list_logical_devices("GPU")))


def write_start(workdir: str, config: configs.Config, table: data.FactorDataset) -> np.ndarray:
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


def look_at_data(config: configs.Config) -> data.DatasetInfo | None:
    """What the data set says of itself; None for a --dry_run of a config that names its factors, without the data.

    Raises:
        FileNotFoundError: it is not prepared.
        ValueError: it has other factors.
    """
    d = config.data
    try:
        return data.inspect(d.dataset, _DATA_DIR.value, d.factors, d.memory_gib, d.split, d.resolution)
    except FileNotFoundError:
        if _DRY_RUN.value and d.factors:
            return None
        raise


def start() -> Session | None:
    """Everything before the first step: checks all input, writes nothing until all of it is good.

    Returns:
        None for --dry_run.
    """
    config = configs.override(configs.load_config(_CONFIG.value), _SET.value)
    workdirs.check(_WORKDIR.value, config)
    strategy = distribution.make_strategy(_STRATEGY.value)
    replicas = strategy.num_replicas_in_sync
    measuring.plan_for_training(config.train.metrics, config.data.labeled_fraction > 0)
    pipeline.check_replicas(config.phases, replicas)
    header = look_at_data(config)
    if header is not None:
        check_data(config, header, _WORKDIR.value)
    told = json.dumps([config.to_json(), repr(header)]).encode()
    distribution.check_alike(strategy, {"--config, --set and data": told})
    print(json.dumps(config.to_json(), indent=2))
    print(overview.describe(config, header, replicas, uses_xla()), flush=True)
    if header is None or _DRY_RUN.value:
        return None
    parameters = sum(costs.network_sizes(config.model, header.spec).values())
    workdirs.check_disk(_WORKDIR.value, parameters, config.train.keep_checkpoints)
    return open_run(config, strategy)


def open_run(config: configs.Config, strategy: tf.distribute.Strategy) -> Session:
    """Reads the data, makes the model as its newest checkpoint has it, and takes the workdir."""
    workdir, d = _WORKDIR.value, config.data
    table = data.load(d.dataset, _DATA_DIR.value, d.factors, d.memory_gib, d.split, d.resolution)
    model = make_model(strategy, config, table.spec)
    chief = distribution.is_chief(strategy)
    lock = workdirs.lock(workdir) if chief else None
    with strategy.scope():
        items = model.checkpoint_items()
        checkpoints = Checkpoints(os.path.join(workdir, "checkpoints"), items, config.train.keep_checkpoints)
        first_step = checkpoints.restore_latest() or 0
    labels = np.ascontiguousarray(table.factors).tobytes()
    distribution.check_alike(strategy, {"labels": labels, "checkpoint to go on from": str(first_step).encode()})
    measure = make_measure(config, table, model) if config.train.metrics_every and chief else None
    if chief:
        rows = write_start(workdir, config, table)
        note_replicas(workdir, strategy.num_replicas_in_sync, first_step)
    else:
        rows = choose_labeled(table.factors, d.labeled_fraction, config.train.seed, d.stratified)
    return Session(
        workdir, config, strategy, table, rows, model, checkpoints, first_step, lock, measure, _MINUTES.value
    )


def note_replicas(workdir: str, count: int, first_step: int) -> None:
    """Keeps how many devices train the run, and says what follows where they are others than before."""
    before = workdirs.note_replicas(workdir, count)
    if first_step and before != count:
        print(
            f"{count} devices go on with what {before} began: the same batches, but their sums are taken in another "
            "order, and the weights will not have the bits that they would have had."
        )


def make_measure(
    config: configs.Config, table: data.FactorDataset, model: tf.keras.Model
) -> Callable[[], dict[str, float]]:
    """A function that scores the model as it is, by what evaluate runs; loads or trains the oracle first.

    Raises:
        ValueError: the oracle has too few labels.
    """
    oracle_options = oracles.OracleOptions(images=_ORACLE_IMAGES.value)
    oracle = oracles.train_or_load(table, os.path.join(_DATA_DIR.value, "oracles"), oracle_options)
    networks = readings.Networks(
        model.encode,
        model.generate,
        model.prior,
        model.noise_size,
        oracle.model.encode_with_features,
    )
    plan = measuring.plan_for_training(config.train.metrics, config.data.labeled_fraction > 0)
    said: set[str] = set()  # a reason is given once

    def measure() -> dict[str, float]:
        if model.segment.fading or model.resolution != config.model.resolution:
            return {}  # the networks still grow
        samples = config.train.metrics_samples
        read = readings.read(networks, table.images, table.factors, table.spec, samples, 0, plan.extras, quiet=True)
        result = measuring.score(read, plan)
        for why in measuring.reasons(result) - said:
            logging.warning("train.metrics: %s", why)
            said.add(why)
        return measuring.summary(result)

    return measure


def cannot_write(error: Exception) -> str:
    return f"--workdir: {_WORKDIR.value!r} cannot be written: {error}"


def out_of_memory(batch: int) -> str:
    return (
        f"phases.batch: out of memory with {batch} images per step. Lower phases.batch and phases.labeled_batch (in "
        "another --workdir), or the sizes in model.network."
    )


def main() -> int:
    """Trains, and says in one line what went wrong; returns the exit code."""
    try:
        return run()
    except tf.errors.OpError as error:
        lost = distribution.lost_worker(error)
        if lost is None:
            raise
        last = last_checkpoint(Checkpoints(os.path.join(_WORKDIR.value, "checkpoints"), {}))
        return program.fail(
            f"{lost} is gone: it stopped, was killed, or its machine or network failed; what it wrote last says more. "
            f"Start all workers again: they go on from {last}.",
            program.RESUMABLE,
        )


def run() -> int:
    """What `main` does, where no worker gets lost."""
    try:
        session = start()
    except workers.WorkerMissing as error:
        return program.fail(error, program.RESUMABLE)
    except (ValueError, OSError, MemoryError) as error:
        return program.fail(error)
    if session is None:
        return 0
    try:
        return train(session)
    except callbacks.NonFinite as error:
        return program.fail(error, 1)
    except (OSError, tf.errors.ResourceExhaustedError) as error:
        memory = "OOM" in str(error)
        return program.fail(out_of_memory(session.model.segment.phase.batch) if memory else cannot_write(error))
    except KeyboardInterrupt:
        last = last_checkpoint(session.checkpoints)
        return program.fail(f"interrupted. The same command goes on from {last}.", program.INTERRUPTED)


if __name__ == "__main__":
    program.start(main)
