"""Scores of all models: computes what is not cached, then takes A and UDR from the cache."""

import os
import tempfile
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from ssgan_tf.select import udr, workers
from ssgan_tf.select.cache import PairCache, digest_images, require
from ssgan_tf.select.pairs import Member, Settings, notes
from ssgan_tf.select.pool import Candidate
from ssgan_tf.utils import files
from ssgan_tf.utils.progress_bar import make_bar


def default_processes() -> int:
    """Returns a single process on a machine with a GPU, otherwise one per core."""
    return 1 if tf.config.list_physical_devices("GPU") else len(os.sched_getaffinity(0))


def compute(
    members: Sequence[Member], cache: PairCache, images: np.ndarray | None, processes: int | None, quiet: bool
) -> None:
    """Computes whatever is not cached yet.

    Args:
        members: The models.
        cache: Cache that the results are saved in.
        images: Real images for UDR, uint8 [N,R,R,C]; None for no UDR.
        processes: Number of processes; None for the default.
        quiet: Whether to print nothing.

    Raises:
        OSError, ValueError: The message names the model at fault.
    """
    processes = processes or default_processes()
    missing = workers.missing_pairs(members, cache)
    tasks: list[workers.Task] = list(missing)
    if not quiet:
        print(describe_plan(members, missing, cache.settings, processes), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        if images is not None:
            path = os.path.join(folder, "images.npy")
            with files.atomic_write(path, "wb") as file:
                np.save(file, images)
            tasks += workers.missing_codes(members, path, len(images), digest_images(images), cache)
        with make_bar(sum(task.encodings for task in tasks), "img", "encoding", quiet=quiet or not tasks) as bar:
            workers.run_tasks(tasks, processes, bar)


def describe_plan(
    members: Sequence[Member], missing: list[workers.PairsTask], settings: Settings, processes: int
) -> str:
    """Describes how much is to be computed, and how much is cached."""
    count, each = len(members), settings.images
    pairs = sum(len(task.encoders) for task in missing)
    work = f"{len(missing) * each:,} images to generate, {pairs * each:,} to encode" if pairs else "nothing to compute"
    return (
        f"{count} models, {count * count} pairs of encoder and generator, {count * count - pairs} of them cached.\n"
        f"{settings.groups:,} groups of {settings.size} images per generator: {work}; processes: {processes}."
    )


def load_matrix(members: Sequence[Member], cache: PairCache) -> tuple[np.ndarray, list[tuple[str, ...]]]:
    """Returns A [N, N] from the cache, and notes on what is wrong with each model."""
    pairs = [[require(cache.load_pair(generator, encoder)) for generator in members] for encoder in members]
    matrix = np.array([[pair.score for pair in row] for row in pairs])
    return matrix, [notes(row, column) for row, column in zip(pairs, zip(*pairs, strict=True), strict=True)]


def udr_scores(
    members: Sequence[Candidate], cache: PairCache, images: np.ndarray
) -> tuple[dict[str, np.ndarray], list[int]]:
    """Computes UDR from cached codes.

    Returns:
        {"udr_lasso", "udr_spearman": scores [N]}, and each model's number of active codes.
    """
    digest = digest_images(images)
    codes = [require(cache.load_codes(m, digest, len(images))) for m in members]
    active = [udr.active_codes(c, np.array(m.prior_variance)) for c, m in zip(codes, members, strict=True)]
    scores = {name: udr.udr(codes, active, relation) for name, relation in udr.RELATIONS.items()}
    return scores, [int(mask.sum()) for mask in active]
