"""The oracle: an encoder trained with all labels, which predicts the factors that generated images show.

The architecture, training and accuracy of the paper's oracle are not published. Ours is a network of plain
convolutions, trained with the supervised loss of Semi-StyleGAN's encoder on the images that the config does not hold
out; if it holds out none, on 90 % of them. Its scores on the other images are reported with all scores that use it. A
second oracle, the trunk and code head of Semi-StyleGAN's encoder, says how far to trust the first: a generator cannot
please both by the same trick. Oracles depend only on the data set, and are cached beside it.
"""

import dataclasses
import hashlib
import json
import os
import reprlib
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from ssgan_tf import data
from ssgan_tf.core.codes import UNKNOWN
from ssgan_tf.core.schedule import Phase, Schedule
from ssgan_tf.data import pipeline
from ssgan_tf.evaluate import reliability
from ssgan_tf.evaluate.conv_oracle import ConvOracle
from ssgan_tf.evaluate.inference import encode_images
from ssgan_tf.models.encoder_only import EncoderOnly, EncoderOnlyOptions
from ssgan_tf.networks.options import NetworkOptions
from ssgan_tf.runs.checkpoints import Checkpoints
from ssgan_tf.runs.progress import CountSteps, Progress
from ssgan_tf.utils import files
from ssgan_tf.utils.readers import read_json

_FEW = 5_000  # labelled images; with fewer, an oracle learns them by heart


@dataclasses.dataclass(frozen=True)
class OracleOptions:
    """Network and training of the oracle.

    Args:
        network: "conv" for plain convolutions, or "trunk" for Semi-StyleGAN's trunk and code head.
        images: Length of the training, in images.
        batch: Number of images per step.
        learning_rate: Adam's learning rate at the start.
        fmap_base: Width of the trunk, see NetworkOptions.
        fmap_max: Upper limit of the trunk's number of feature maps, see NetworkOptions.
        mixup: Whether to train on mixtures of pairs of images, which helps where few are labelled.
        held_out: Fraction of the images to hold out of training, for the oracle's own scores, where the data set has
            no held-out images or labels.
        seed: Seed of weights, batches and held-out images.
    """

    network: str = "conv"
    images: int = 300_000
    batch: int = 64
    learning_rate: float = 0.002
    fmap_base: int = 128
    fmap_max: int = 64
    mixup: bool = False
    held_out: float = 0.1
    seed: int = 0


def second_options(images: int) -> OracleOptions:
    """Returns the options of the second oracle, of another network, given the length of the first one's training.

    It sees a third as many images, since its network is slower, in smaller batches.
    """
    return OracleOptions(network="trunk", images=-(-images // 3), batch=32, learning_rate=0.003)


@dataclasses.dataclass(frozen=True)
class Oracle:
    """A trained oracle.

    Args:
        model: The trained encoder; `model.encode` predicts codes.
        scores: The oracle's own scores on the held-out images, with the keys of ssgan_tf.metrics.
        folder: Folder of the checkpoint and scores.
        held_out: Rows of the held-out images.
    """

    model: EncoderOnly | ConvOracle
    scores: dict[str, float]
    folder: str
    held_out: np.ndarray


def folder_of(table: data.FactorDataset, options: OracleOptions, cache_dir: str) -> str:
    """Returns the folder in `cache_dir` for the oracle of these options, labels and images (a sample is hashed)."""
    held_out = table.kept_for_scores.tolist()
    key = json.dumps([table.spec.to_json(), dataclasses.asdict(options), table.images.shape, held_out])
    digest = hashlib.sha256(
        key.encode() + table.factors.tobytes() + table.images[:: max(1, len(table) // 256)].tobytes()
    )
    return os.path.join(cache_dir, f"{table.name.replace('/', '-')}-{digest.hexdigest()[:12]}")


def cache_in(data_dir: str) -> str:
    """Returns the folder of oracles, which is beside their data sets."""
    return os.path.join(data_dir, "oracles")


def train_or_load(
    table: data.FactorDataset, cache_dir: str, options: OracleOptions = OracleOptions(), quiet: bool = False
) -> Oracle:
    """Loads the oracle of a data set from `cache_dir`, or trains it and saves it there.

    An oracle that is damaged, or of another version of the networks, is trained again after a warning.

    Args:
        table: Data set with labels.
        cache_dir: Folder of oracles.
        options: Network and training of the oracle.
        quiet: Whether to print nothing and show no progress bar.

    Raises:
        ValueError: Too few images have labels.
    """
    rows, held_out = _split(table, options)
    options = _for_few_labels(options, len(rows))
    folder = folder_of(table, options, cache_dir)

    # Load.
    model = _make(table, options)
    checkpoints = Checkpoints(folder, _saved(model), keep=1)
    scores_path = os.path.join(folder, "scores.json")
    if os.path.exists(scores_path):
        try:
            scores = read_json(scores_path, _parse_scores, "the scores of an oracle")
            if checkpoints.restore_latest() is not None:
                return Oracle(model, scores, folder, held_out)
        except ValueError as error:
            logging.warning("The oracle in %s cannot be used (%s); training it again.", folder, error)
            model = _make(table, options)
            checkpoints = Checkpoints(folder, _saved(model), keep=1)

    # Train, and score on the held-out images.
    _check_writable(cache_dir)
    _train(model, table, rows, options, quiet)
    codes = encode_images(model.encode, table.images[held_out])
    truth = table.factors[held_out]
    scores = reliability.score(codes, truth, table.factors[rows], table.spec)
    _save(checkpoints, options, scores, scores_path)
    return Oracle(model, scores, folder, held_out)


def _split(table: data.FactorDataset, options: OracleOptions) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows to train on and those to hold out, all with known labels.

    Raises:
        ValueError: There are too few.
    """
    known = np.flatnonzero((table.factors != UNKNOWN).any(axis=1))
    if len(table.kept_for_scores):
        rows, held_out = np.setdiff1d(known, table.kept_for_scores), np.intersect1d(known, table.kept_for_scores)
        if len(rows) < 40 or len(held_out) < 10:
            raise ValueError(
                "The oracle needs 40 labelled images to train on and 10 held-out ones or more. Received: "
                f"{len(rows)} and {len(held_out)} of {table.name}."
            )
        return rows, held_out
    held = round(options.held_out * len(known))
    if held < 10:
        raise ValueError(f"The oracle needs 100 labelled images or more. Received: {len(known)} of {table.name}.")
    rows = np.random.default_rng([options.seed, 4]).permutation(known)
    return rows[held:], rows[:held]


def _for_few_labels(options: OracleOptions, count: int) -> OracleOptions:
    """Returns the options for training on `count` images: with few of them, MixUp and a shorter training."""
    if count >= _FEW:
        return options
    return dataclasses.replace(options, mixup=True, images=min(options.images, max(20_000, 200 * count)))


def _save(checkpoints: Checkpoints, options: OracleOptions, scores: dict[str, float], scores_path: str) -> None:
    """Saves an oracle. Several processes may have trained the same one at the same time."""
    folder = os.path.dirname(scores_path)
    try:
        os.makedirs(folder, exist_ok=True)
        with files.taking_turns(folder):
            checkpoints.save(_steps(options))
            files.write_json(scores, scores_path)
    except OSError as error:
        raise OSError(f"data_dir: the oracle cannot be saved: {error}") from error


def _parse_scores(value: Any) -> dict[str, float]:
    """Returns the content of scores.json; raises ValueError if it is not what `reliability.score` returns."""
    if not isinstance(value, dict) or not {"samples", "error", "constant_error"} <= set(value):
        raise ValueError(f"expected the oracle's errors. Received: {reprlib.repr(value)}.")
    for key, number in value.items():
        if not isinstance(number, int | float):
            raise ValueError(f"{key}: expected a number. Received: {reprlib.repr(number)}.")
    return value


def _check_writable(cache_dir: str) -> None:
    """Raises OSError, before an oracle is trained, if it cannot be saved."""
    try:
        os.makedirs(cache_dir, exist_ok=True)
    except OSError as error:
        raise OSError(f"data_dir: oracles are saved in {cache_dir!r}, which cannot be created: {error}") from error
    files.check_writable(cache_dir, f"data_dir: oracles are saved in {cache_dir!r}, which cannot be written.")


def _steps(options: OracleOptions) -> int:
    return -(-options.images // options.batch)


def _make(table: data.FactorDataset, options: OracleOptions) -> EncoderOnly | ConvOracle:
    resolution, channels = table.images.shape[1], table.images.shape[3]
    tf.keras.utils.set_random_seed(options.seed)
    model: EncoderOnly | ConvOracle
    if options.network == "conv":
        model = ConvOracle(resolution, channels, table.spec, options.mixup, options.seed)
    else:
        network = NetworkOptions(
            resolution=resolution, channels=channels, fmap_base=options.fmap_base, fmap_max=options.fmap_max
        )
        model = EncoderOnly(EncoderOnlyOptions(network, mixup=options.mixup), table.spec, options.seed)
    model.compile()
    return model


def _saved(model: EncoderOnly | ConvOracle) -> dict[str, tf.keras.Model]:
    """Returns what a checkpoint of the oracle contains."""
    return {"network": model.network} if isinstance(model, ConvOracle) else {"discriminator": model.discriminator}


def _train(
    model: EncoderOnly | ConvOracle, table: data.FactorDataset, rows: np.ndarray, options: OracleOptions, quiet: bool
) -> None:
    phase = Phase(
        batch=options.batch,
        labeled_batch=options.batch,
        learning_rate=options.learning_rate,
        decay_images=_steps(options) * options.batch,
    )
    schedule = Schedule((phase,))
    model.set_segment(schedule.segments[0])
    batches = pipeline.batches(table, rows, schedule.segments[0], options.seed)
    progress = Progress(0, schedule, options.images)
    if not quiet:
        print(f"Training the oracle on {len(rows):,} labelled images of {table.name} (saved for later use).")
    model.fit(batches, steps_per_epoch=progress.total_steps, verbose=0, callbacks=[CountSteps(progress, quiet)])
