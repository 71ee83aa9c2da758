"""Preparation of a run: checks all input, then opens the workdir, the data and the model."""

import contextlib
import json
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from absl import logging

from ssgan_tf import config as configs
from ssgan_tf import data, models, visualize
from ssgan_tf.core.codes import UNKNOWN, CodeSpec
from ssgan_tf.data import pipeline
from ssgan_tf.data.held_out import load_for
from ssgan_tf.data.labeled_subset import choose_labeled
from ssgan_tf.evaluate import judges, parts, predictions, scoring
from ssgan_tf.evaluate.label_counts import count_labels, describe_labels
from ssgan_tf.models.base import WithNetwork
from ssgan_tf.runs import Workdir
from ssgan_tf.runs.checkpoints import Checkpoints
from ssgan_tf.train import costs, memory, start_from, summary
from ssgan_tf.train.distribution.strategy import check_equal_across_workers, is_chief, make_strategy
from ssgan_tf.train.loop import Session
from ssgan_tf.utils import files

_PREVIEWED = 50_000  # images whose labels a dry run reads


def prepare(
    config: configs.Config | str,
    workdir: str,
    data_dir: str,
    *,
    strategy: str | tf.distribute.Strategy,
    jit_compile: bool | None,
    minutes: float | None,
    oracle_images: int,
    callbacks: Sequence[tf.keras.callbacks.Callback],
    quiet: bool,
) -> Session:
    """Checks the input and returns a session that is ready to train. Takes the arguments of `training.run`.

    Raises:
        ValueError, OSError, MemoryError: The input cannot be used. Nothing is written before all of it is checked.
        WorkerMissing: Another worker did not start.
    """
    config = configs.load_config(config) if isinstance(config, str) else config
    place = Workdir(workdir)
    place.check_config(config)
    memory.check(memory.needed(config))

    # Devices come after the cheap checks, since workers wait here for each other.
    strategy = make_strategy(strategy) if isinstance(strategy, str) else strategy
    info = check_input(config, place, data_dir, strategy)
    need = memory.needed(config, info, strategy.num_replicas_in_sync)
    memory.check(need)
    memory.warn(need)
    xla = on_gpu() if jit_compile is None else jit_compile
    if not quiet:
        print(json.dumps(config.to_json(), indent=2))
        print(summary.describe(config, info, strategy.num_replicas_in_sync, xla), flush=True)
    parameters = sum(costs.network_sizes(config.model, info.spec).values())
    place.check_disk(parameters, config.train.keep_checkpoints)

    # Data, and the model with the weights of its newest checkpoint.
    d = config.data
    dataset = load_for(d, data_dir)
    model = make_model(strategy, config, dataset.spec, xla)
    start = start_from.take(model, config, place)
    chief = is_chief(strategy)
    with contextlib.ExitStack() as unlock_on_error:
        lock = unlock_on_error.enter_context(place.lock()) if chief else None
        with strategy.scope():
            checkpoints = Checkpoints(place.checkpoints, model.checkpoint_items(), config.train.keep_checkpoints)
            first_step = checkpoints.restore_latest() or 0
        labels = np.ascontiguousarray(dataset.factors).tobytes()
        begins = f"{first_step} {start.fingerprint if start else ''}".strip()
        check_equal_across_workers(strategy, {"labels": labels, "checkpoint to resume from": begins.encode()})

        # Scores during training, and the files that describe the run. Only the chief computes and writes them.
        evaluate = judging = None
        if config.train.metrics_every and chief:
            judging = judges.load(dataset, data_dir, oracle_images, quiet, second=False)
        if chief:
            rows = init_workdir(place, config, dataset)
            if judging:
                evaluate = make_evaluator(config, dataset, rows, model, judging)
            if not quiet and d.labeled_fraction:
                print(describe_use(dataset, rows), flush=True)
            if start:
                record_start(place, start, checkpoints, quiet)
            checkpoints.remove_leftovers(first_step)
            record_replicas(place, strategy.num_replicas_in_sync, first_step, quiet)
        else:
            seed, excluded = config.train.seed, dataset.kept_for_scores
            rows = choose_labeled(dataset.factors, d.labeled_fraction, seed, d.stratified, excluded)
        unlock_on_error.pop_all()
    return Session(
        place, config, strategy, dataset, rows, model, checkpoints, first_step, lock, evaluate, minutes,
        tuple(callbacks), quiet,
    )  # fmt: skip


def check_input(
    config: configs.Config, workdir: Workdir, data_dir: str, strategy: tf.distribute.Strategy
) -> data.DatasetInfo:
    """Checks that data, batches, metrics and workers fit together; returns the data set's description.

    Raises:
        ValueError: They do not; the message names the field.
        FileNotFoundError: The data set is not prepared.
    """
    scoring.plan_for_training(config.train.metrics, config.data.labeled_fraction > 0)
    pipeline.check_replicas(config.phases, strategy.num_replicas_in_sync)
    info = inspect_dataset(config, data_dir)
    check_data(config, info, workdir)
    content = json.dumps([config.to_json(), repr(info)]).encode()
    check_equal_across_workers(strategy, {"--config, --set and data": content})
    return info


def inspect_dataset(config: configs.Config, data_dir: str) -> data.DatasetInfo:
    """Returns the description of the config's data set; raises what `data.inspect` raises."""
    d = config.data
    return data.inspect(d.dataset, data_dir, d.factors, d.memory_gib, d.split, d.resolution)


def describe_use(dataset: data.FactorDataset, rows: np.ndarray) -> str:
    """Returns e.g. "labels used  75 of 1,500 images (5 %), 38 of them with all labels; ...; 15 held out for scores"."""
    text = f"labels used  {describe_labels(count_labels(dataset.factors, rows))}"
    held_out = int((dataset.factors[dataset.kept_for_scores] != UNKNOWN).any(axis=1).sum())
    return f"{text}; {held_out:,} held out for scores" if held_out else text


def preview_labels(config: configs.Config, data_dir: str, info: data.DatasetInfo) -> str:
    """Returns what `describe_use` will say, or "" if no labels are used or the data set takes long to read."""
    d = config.data
    if not d.labeled_fraction or info.count > _PREVIEWED:
        return ""
    dataset = load_for(d, data_dir)
    rows = choose_labeled(dataset.factors, d.labeled_fraction, config.train.seed, d.stratified, dataset.kept_for_scores)
    return describe_use(dataset, rows)


def check_data(config: configs.Config, info: data.DatasetInfo, workdir: Workdir) -> None:
    """Checks that the networks, the batches and the run in the workdir fit the data.

    Raises:
        ValueError: They do not; the message names the field.
    """
    m = config.model
    height, width, channels = info.shape
    prefix = "model.network" if isinstance(m, WithNetwork) else "model"
    if (height, width) != (m.resolution, m.resolution):
        raise ValueError(f"{prefix}.resolution: {info.name} has images of {height}x{width}. Received: {m.resolution}.")
    if channels != m.channels:
        raise ValueError(f"{prefix}.channels: {info.name} has {channels}. Received: {m.channels}.")
    for i, phase in enumerate(config.phases):
        if phase.batch > info.count:
            raise ValueError(
                f"phases.{i}.batch: expected at most the {info.count:,} images of {info.name}. Received: {phase.batch}."
            )
    workdir.check_factors(info)


def on_gpu() -> bool:
    """Returns whether TensorFlow sees a GPU, on which XLA is faster; on CPUs it is several times slower."""
    return bool(tf.config.list_logical_devices("GPU"))


def make_model(strategy: tf.distribute.Strategy, config: configs.Config, spec: CodeSpec, xla: bool) -> tf.keras.Model:
    """Makes the model with its seeded weights, in the strategy's scope."""
    tf.keras.utils.set_random_seed(config.train.seed)
    if config.train.deterministic:
        tf.config.experimental.enable_op_determinism()
    with strategy.scope():
        return models.make_model(config.model, spec, config.train.seed, xla)


def init_workdir(workdir: Workdir, config: configs.Config, dataset: data.FactorDataset) -> np.ndarray:
    """Writes config, factors, labelled subset and a grid of the data; returns the rows of the labelled subset.

    Raises:
        OSError: The workdir cannot be written.
        ValueError: The labels or the labelled subset differ from those that the run began with.
    """
    try:
        workdir.write_config(config)  # first: without it the other files would belong to no run
        workdir.write_factors(dataset.spec)
        workdir.record_labels(dataset)
        rows = workdir.labeled_rows(dataset, config)
        visualize.save_png(visualize.data_grid(dataset.images, config.train.seed), workdir.sample("data"))
    except OSError as error:
        raise OSError(f"workdir: {workdir.path!r} cannot be written: {error}") from error
    return rows


def record_replicas(workdir: Workdir, count: int, first_step: int, quiet: bool) -> None:
    """Records the number of devices that train the run; unless `quiet`, reports if it changed since the last start."""
    before = workdir.record_replicas(count)
    if first_step and before != count and not quiet:
        print(
            f"Resuming on {count} device{'s' * (count != 1)} a run that began on {before}: the batches are the same, "
            f"but sums are taken in another order, so results will not be bit-identical to those on {before}."
        )


def record_start(workdir: Workdir, start: start_from.Start, checkpoints: Checkpoints, quiet: bool) -> None:
    """Records what was taken from another run, and saves it as the checkpoint of step 0, so that it is not read again.

    Raises:
        OSError: The workdir cannot be written.
    """
    files.write_json(start.to_json(), workdir.started_from)
    checkpoints.save(0)
    if not quiet:
        print(start, flush=True)


def make_evaluator(
    config: configs.Config,
    dataset: data.FactorDataset,
    labeled_rows: np.ndarray,
    model: tf.keras.Model,
    judging: judges.Judges,
) -> Callable[[], dict[str, float]]:
    """Returns a function that scores the model in its present state; {} while its networks are still growing."""
    targets = predictions.targets_of(model, judging.networks, None, judging.reason, judging.unreadable)
    plan = scoring.plan_for_training(config.train.metrics, config.data.labeled_fraction > 0)
    part = parts.unseen(dataset, labeled_rows)
    already_warned: set[str] = set()

    def evaluate() -> dict[str, float]:
        if model.segment.fading or model.resolution != config.model.resolution:
            return {}
        samples = config.train.metrics_samples
        found = predictions.predict(targets, dataset, part, samples, 0, plan.optional_inputs, quiet=True)
        result = scoring.score(found, plan)
        for reason in scoring.reasons(result) - already_warned:
            logging.warning("train.metrics: %s", reason)
            already_warned.add(reason)
        return scoring.summary(result)

    return evaluate
