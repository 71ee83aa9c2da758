"""Trains the model of a config. The same command again goes on where the last one stopped.

python -m ssgan_tf.train --config=configs/demo.py --workdir=runs/demo --data_dir=data
"""

import json
import os
import shutil
import sys

import numpy as np
import tensorflow as tf
from absl import app, flags

from ssgan_tf import callbacks, data, distribution, drawing, models, pictures, runs
from ssgan_tf import config as configs
from ssgan_tf.checkpoints import Checkpoints

_CONFIG = flags.DEFINE_string("config", None, "Python file with get_config(), e.g. configs/demo.py.", required=True)
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of the run: config, checkpoints, logs, pictures.", required=True
)
_SET = flags.DEFINE_multi_string("set", [], "Changes a field of the config, e.g. model.gamma_g=3. Repeatable.")
_DATA_DIR = flags.DEFINE_string("data_dir", "data", "Folder that `tfds build --data_dir` filled.")
_STRATEGY = flags.DEFINE_enum("strategy", "default", distribution.STRATEGIES, "Devices to train on.")
_MINUTES = flags.DEFINE_float("minutes", None, "Stop after so many minutes, also if images are left.", 0.0)
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Print config, data and sizes; train and write nothing.")

# What may change between two starts of a run: how long, and how often one looks; never what is computed.
_CHANGEABLE = (
    "train.images",
    "train.log_every",
    "train.sample_every",
    "train.checkpoint_every",
    "train.keep_checkpoints",
    "data.memory_gib",
)


def check_workdir(workdir: str, config: configs.Config) -> None:
    """Refuses a workdir that holds a run of another config.

    Raises:
        ValueError: naming the fields that differ.
    """
    if not os.path.exists(os.path.join(workdir, "config.json")):
        return
    there = configs.read_config(workdir)
    changed = [d for d in configs.differences(there, config) if d[0] not in _CHANGEABLE]
    if changed:
        listed = "; ".join(f"{name}: expected {old!r}, received {new!r}" for name, old, new in changed)
        raise ValueError(f"--workdir: {workdir!r} holds a run of another config ({listed}). Choose another folder.")


def check_disk(workdir: str, parameters: int, keep: int) -> None:
    """Refuses to start where the checkpoints will not fit.

    Raises:
        OSError: naming what is needed and what is free.
    """
    # Weights, their average and Adam's two moments, float32, in `keep` checkpoints and the one being written.
    needed = 4 * 4 * parameters * (keep + 1)
    place = os.path.abspath(workdir)
    while not os.path.exists(place):
        place = os.path.dirname(place)
    free = shutil.disk_usage(place).free
    if free < needed:
        raise OSError(
            f"--workdir: {workdir!r} needs {needed / 2**20:,.0f} MiB for checkpoints. Received: a disk with "
            f"{free / 2**20:,.0f} MiB free. Free some, or lower train.keep_checkpoints."
        )


def labeled_subset(workdir: str, table: data.ImageTable, config: configs.Config) -> np.ndarray:
    """Reads the run's labelled rows from its workdir, or chooses and writes them."""
    path = os.path.join(workdir, "labeled_subset.npy")
    if os.path.exists(path):
        return np.load(path)
    rows = data.choose_labeled(table.factors, config.data.labeled_fraction, config.train.seed)
    with open(path + ".tmp", "wb") as file:
        np.save(file, rows)
    os.replace(path + ".tmp", path)
    return rows


def describe(config: configs.Config, table: data.ImageTable, model: tf.keras.Model) -> str:
    """What a person wants to see before a run: data, factors, sizes, length."""
    generator, discriminator = model.generator.count_params(), model.discriminator.count_params()
    factors = ", ".join(f"{f.name} {f.size}" for f in table.spec.factors)
    steps = -(-config.train.images // config.data.batch)
    return (
        f"data         {table.name}, {len(table):,} images\n"
        f"factors      {factors}\n"
        f"parameters   {generator + discriminator:,} "
        f"(generator {generator:,}, discriminator/encoder {discriminator:,})\n"
        f"length       {config.train.images:,} images, {steps:,} steps of {config.data.batch}"
    )


def prepare_run(strategy: tf.distribute.Strategy, config: configs.Config, table: data.ImageTable) -> tf.keras.Model:
    """Makes the model with its seeded weights, in the strategy's scope."""
    tf.keras.utils.set_random_seed(config.train.seed)
    if config.train.deterministic:
        tf.config.experimental.enable_op_determinism()
    with strategy.scope():
        return models.make_model(config.model, table.spec, config.train.seed)


def check_images(config: configs.Config, table: data.ImageTable) -> None:
    """Refuses images of another size than the networks'.

    Raises:
        ValueError: naming the field.
    """
    network = config.model.network
    height, width, channels = table.images.shape[1:]
    for field, expected, received in (
        ("resolution", (height, width), (network.resolution, network.resolution)),
        ("channels", channels, network.channels),
    ):
        if expected != received:
            raise ValueError(f"model.network.{field}: {table.name} has {expected}. Received: {received}.")


def make_callbacks(config, workdir, progress, checkpoints, model) -> list[tf.keras.callbacks.Callback]:
    """In the order they run: a non-finite loss must stop the run before anything is saved."""

    def last_checkpoint():
        steps = checkpoints.steps()
        return f"the checkpoint of step {steps[-1]}" if steps else "the start"

    train = config.train
    draw = drawing.make_drawing(model, train.seed)
    result = [
        callbacks.CountSteps(progress),
        callbacks.StopOnNonFinite(progress, last_checkpoint),
        callbacks.SaveCheckpoints(progress, checkpoints.save, train.checkpoint_every),
        callbacks.DrawSamples(progress, workdir, train.sample_every, draw),
        callbacks.Log(progress, workdir, train.log_every),
    ]
    if _MINUTES.value is not None:
        result.append(callbacks.StopAfter(_MINUTES.value))
    return result


def start() -> tuple | None:
    """Everything before the first step: checks all input, writes nothing until all of it is good."""
    config = configs.override(configs.load_config(_CONFIG.value), _SET.value)
    workdir = _WORKDIR.value
    strategy = distribution.make_strategy(_STRATEGY.value)
    check_workdir(workdir, config)
    d = config.data
    table = data.load(d.dataset, _DATA_DIR.value, d.factors, d.memory_gib)
    check_images(config, table)
    model = prepare_run(strategy, config, table)
    print(json.dumps(config.to_json(), indent=2))
    print(describe(config, table, model))
    if _DRY_RUN.value:
        return None
    check_disk(
        workdir, model.generator.count_params() + model.discriminator.count_params(), config.train.keep_checkpoints
    )
    os.makedirs(workdir, exist_ok=True)
    rows = labeled_subset(workdir, table, config)
    runs.write_spec(table.spec, workdir)
    configs.write_config(config, workdir)
    with strategy.scope():
        items = model.checkpoint_items()
        checkpoints = Checkpoints(os.path.join(workdir, "checkpoints"), items, config.train.keep_checkpoints)
        first_step = checkpoints.restore_latest() or 0
    return config, strategy, table, rows, model, checkpoints, first_step


def train(config, strategy, table, rows, model, checkpoints, first_step) -> None:
    """Runs `fit` from `first_step` to the end."""
    progress = callbacks.Progress(first_step, config.data.batch, config.train.images)
    left = progress.total_steps - first_step
    if left <= 0:
        print(f"Already trained to {progress.images:,} images; raise train.images to go on.")
        return
    picture = drawing.draw_data(table.images, config.train.seed)
    pictures.save_png(picture, os.path.join(_WORKDIR.value, "samples", "data.png"))
    every = make_callbacks(config, _WORKDIR.value, progress, checkpoints, model)
    for segment in model.segments(config.data.batch):
        end = min(segment.end or progress.total_steps, progress.total_steps)
        if progress.step >= end:
            continue
        model.enter(segment)
        model.fit(
            distribution.distribute_batches(strategy, table, rows, config.data, config.train.seed, progress.step),
            steps_per_epoch=end - progress.step,
            verbose=0,
            callbacks=every,
        )
        if model.stop_training:
            break
    print(f"Trained to {progress.images:,} images. Pictures: {os.path.join(_WORKDIR.value, 'samples')}")


def main(argv):
    del argv
    try:
        run = start()
    except (ValueError, OSError, MemoryError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    if run is None:
        return
    try:
        train(*run)
    except callbacks.NonFiniteLoss as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except (OSError, tf.errors.ResourceExhaustedError) as error:
        print(f"error: --workdir: {_WORKDIR.value!r} cannot be written: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    app.run(main)
