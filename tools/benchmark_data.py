"""Times the input pipeline on a prepared data set, and compares it with the training speed of a small network.

    .venv/bin/python tools/benchmark_data.py --dataset=scene3d/demo --data_dir=data

Batches are read from memory if the decoded images fit, and from disk if the data set is stored as ArrayRecord
(`ssgan data build ... --file_format=array_record`). The small network trains on batches of the same size, with R1 at
every step, in the same run, so the ratio of the two speeds hardly depends on the machine or its load.
"""

import argparse
import dataclasses
import time
from collections.abc import Callable, Sequence

import numpy as np
from absl import logging

from ssgan_tf import data, models
from ssgan_tf.config import small_64, small_128
from ssgan_tf.core.schedule import Phase, Schedule, Segment
from ssgan_tf.data import pipeline
from ssgan_tf.models import SemiStyleGANOptions
from ssgan_tf.utils.program import ArgumentParser


def make_parser() -> ArgumentParser:
    """Returns the parser of the flags."""
    parser = ArgumentParser(__doc__)
    add = parser.add_argument
    add("--dataset", default="scene3d/demo", help="name/config of a prepared data set (default: %(default)s)")
    add("--data_dir", default="data", help="folder of the prepared data sets (default: %(default)s)")
    add("--batch", type=int, default=8, help="images per step, and labelled images per step (default: %(default)s)")
    add("--seconds", type=float, default=10.0, help="duration of each measurement (default: %(default)s)")
    add("--memory_gib", type=float, default=4.0,
        help="maximum memory for the decoded images, in GiB (default: %(default)s)")  # fmt: skip
    return parser


def load(options: argparse.Namespace, memory_gib: float) -> data.FactorDataset | None:
    """Loads the data set with at most `memory_gib` of images in memory; None if that is too little for it."""
    try:
        return data.load(options.dataset, options.data_dir, memory_gib=memory_gib)
    except MemoryError:
        return None


def images_per_second(step: Callable[[], object], images: int, seconds: float) -> float:
    """Calls `step`, which handles `images` images, for `seconds`; the first two calls are not timed."""
    for _ in range(2):  # traces graphs and fills buffers
        step()
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        step()
        count += 1
    return count * images / (time.perf_counter() - start)


def make_segment(batch: int) -> Segment:
    """Returns steps of `batch` images and `batch` labelled images, at the resolution of the data."""
    return Schedule((Phase(batch=batch, labeled_batch=batch),)).segments[0]


def time_batches(dataset: data.FactorDataset, batch: int, seconds: float) -> float:
    """Returns images per second of the batches alone, without counting the labelled images that come with them."""
    batches = iter(pipeline.batches(dataset, np.arange(len(dataset)), make_segment(batch), seed=0))
    return images_per_second(lambda: next(batches), batch, seconds)


def time_training(dataset: data.FactorDataset, batch: int, seconds: float) -> float:
    """Returns images per second of training the paper's small network on a batch that is already loaded."""
    resolution, channels = dataset.images.shape[1], dataset.images.shape[3]
    published = small_128(channels) if resolution > 64 else small_64(channels)
    network = dataclasses.replace(published, resolution=resolution)
    model = models.make_model(SemiStyleGANOptions(network=network, r1_interval=1), dataset.spec, 0)
    element = next(iter(pipeline.batches(dataset, np.arange(len(dataset)), make_segment(batch), seed=0)))
    step = model.make_train_function()
    endless = iter(lambda: element, None)
    return images_per_second(lambda: step(endless), batch, seconds)


def load_both(options: argparse.Namespace) -> dict[str, data.FactorDataset]:
    """Loads the data set in memory and on disk, as far as possible: {name: data set}, at least one.

    Raises:
        ValueError, OSError: A flag is out of range, or the data set cannot be read.
    """
    if options.batch < 1 or not options.seconds > 0:
        raise ValueError("--batch and --seconds: expected numbers above 0.")
    places = {"batches from memory": options.memory_gib, "batches from disk": 0.0}
    loaded = {name: dataset for name, gib in places.items() if (dataset := load(options, gib)) is not None}
    if not loaded:
        raise ValueError(
            f"memory_gib: {options.dataset} needs more, because it is not stored as ArrayRecord. "
            f"Received: {options.memory_gib}."
        )
    count = len(next(iter(loaded.values())))
    if count < options.batch:
        raise ValueError(f"batch: {options.dataset} has only {count} images. Received: {options.batch}.")
    return loaded


def main(arguments: Sequence[str] | None = None) -> None:
    """Times everything and prints one line per measurement."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    logging.set_verbosity(logging.ERROR)  # TFDS logs a lot.
    try:
        loaded = load_both(options)
    except (ValueError, OSError) as error:
        parser.stop(error)
    dataset = next(iter(loaded.values()))
    print(f"{options.dataset}: {len(dataset):,} images {dataset.images.shape[1:]}, batches of {options.batch}")
    needed = time_training(dataset, options.batch, options.seconds)
    print(f"{'small network trains':<24}{needed:>12,.1f} images/s")
    for name, source in loaded.items():
        speed = time_batches(source, options.batch, options.seconds)
        print(f"{name:<24}{speed:>12,.1f} images/s  {speed / needed:,.0f} times")


if __name__ == "__main__":
    main()
