"""Training batches as a function of (seed, step), for one device or many."""

import functools
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from ssgan_tf.core.images import downsample, to_float
from ssgan_tf.core.schedule import Phase, Segment
from ssgan_tf.data import FactorDataset


class ShuffledRows:
    """Endless sequence of row numbers: one random permutation of `rows` after another.

    Args:
        rows: Row numbers to shuffle.
        seed: Seed, a sequence of ints.
    """

    def __init__(self, rows: np.ndarray, seed: Sequence[int]):
        self._rows = rows
        self._seed = tuple(seed)
        self._epoch = -1
        self._order = rows

    def at(self, first: int, count: int) -> np.ndarray:
        """Returns `count` row numbers, starting at position `first`."""
        positions = np.arange(first, first + count)
        result = np.empty(count, np.int64)
        epochs = positions // len(self._rows)
        for epoch in np.unique(epochs):
            inside = epochs == epoch
            result[inside] = self._permutation(int(epoch))[positions[inside] % len(self._rows)]
        return result

    def _permutation(self, epoch: int) -> np.ndarray:
        if epoch != self._epoch:
            self._order = np.random.default_rng([*self._seed, epoch]).permutation(self._rows)
            self._epoch = epoch
        return self._order


def check_replicas(phases: Sequence[Phase], replica_count: int) -> None:
    """Raises ValueError if the batches cannot be divided equally among the replicas."""
    for i, phase in enumerate(phases):
        for name in ("batch", "labeled_batch"):
            if getattr(phase, name) % replica_count:
                raise ValueError(
                    f"phases.{i}.{name}: expected a multiple of the {replica_count} replicas. "
                    f"Received: {getattr(phase, name)}."
                )


def batches(
    dataset: FactorDataset,
    labeled_rows: np.ndarray,
    segment: Segment,
    seed: int,
    first_step: int = 0,
    replicas: range = range(1),
    replica_count: int = 1,
) -> tf.data.Dataset:
    """Returns endless training batches, starting at `first_step`: one element per step and replica, in that order.

    Args:
        dataset: Images and labels.
        labeled_rows: Rows of the labelled subset; if empty, there are no labelled images in the batches.
        segment: Segment of the steps. It sets the resolution and the batch sizes, which are divided among all replicas.
        seed: Seed of the order of images.
        first_step: First step, counted from the start of the run.
        replicas: Replicas that this pipeline feeds.
        replica_count: Number of replicas in total.

    Returns:
        Dicts of float32: "image" [B,r,r,C] in [-1, 1] and, if there are labelled rows, "labeled_image" [L,r,r,C],
        "labeled_codes" [L,K] and "labeled_mask" [L,K], 1 where the label is known.

    Raises:
        ValueError: The batches cannot be divided equally among the replicas.
    """
    check_replicas([segment.phase], replica_count)
    generate = functools.partial(_elements, dataset, labeled_rows, segment, seed, first_step, replicas, replica_count)
    signature = _signature(dataset, segment.phase, replica_count, labeled=len(labeled_rows) > 0)
    # Images are reduced here, on the host, so that devices receive no more pixels than they train on.
    full = dataset.images.shape[1]
    factor = full // (segment.phase.resolution or full)

    def convert(element):
        return {k: downsample(to_float(v), factor) if v.dtype == tf.uint8 else v for k, v in element.items()}

    endless = tf.data.Dataset.from_generator(generate, output_signature=signature)
    # With an unknown cardinality, batches would have no static size under MultiWorkerMirroredStrategy.
    endless = endless.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))
    return endless.map(convert).prefetch(2)


def _elements(
    dataset: FactorDataset,
    labeled_rows: np.ndarray,
    segment: Segment,
    seed: int,
    first_step: int,
    replicas: range,
    replica_count: int,
) -> Iterator[dict[str, np.ndarray]]:
    """Yields the elements of `batches` with images as uint8 [.,R,R,C]."""
    phase = segment.phase
    all_rows = ShuffledRows(dataset.training_rows, [seed, 2])
    labeled = ShuffledRows(labeled_rows, [seed, 3]) if len(labeled_rows) else None
    codes, mask = dataset.spec.encode(dataset.factors), dataset.spec.mask(dataset.factors)
    step = first_step
    while True:
        rows = all_rows.at(segment.images(step), phase.batch).reshape(replica_count, -1)
        if labeled:
            labeled_step = labeled.at(segment.labeled(step), phase.labeled_batch).reshape(replica_count, -1)
        for replica in replicas:
            element = {"image": dataset.images[rows[replica]]}
            if labeled:
                replica_rows = labeled_step[replica]
                element["labeled_image"] = dataset.images[replica_rows]
                element["labeled_codes"] = codes[replica_rows]
                element["labeled_mask"] = mask[replica_rows]
            yield element
        step += 1


def _signature(dataset: FactorDataset, phase: Phase, replica_count: int, labeled: bool) -> dict[str, tf.TensorSpec]:
    """Returns the shapes and types of the elements that `_elements` yields."""
    size = phase.batch // replica_count
    signature = {"image": tf.TensorSpec([size, *dataset.images.shape[1:]], tf.uint8)}
    if labeled:
        size = phase.labeled_batch // replica_count
        signature["labeled_image"] = tf.TensorSpec([size, *dataset.images.shape[1:]], tf.uint8)
        signature["labeled_codes"] = tf.TensorSpec([size, dataset.spec.size], tf.float32)
        signature["labeled_mask"] = tf.TensorSpec([size, dataset.spec.size], tf.float32)
    return signature


def distribute_batches(
    strategy: tf.distribute.Strategy,
    dataset: FactorDataset,
    labeled_rows: np.ndarray,
    segment: Segment,
    seed: int,
    first_step: int,
):
    """Returns `batches` distributed by `strategy`: every replica gets its own rows of each global batch."""
    if strategy.num_replicas_in_sync == 1:
        return batches(dataset, labeled_rows, segment, seed, first_step)

    def make_pipeline(context: tf.distribute.InputContext) -> tf.data.Dataset:
        local = context.num_replicas_in_sync // context.num_input_pipelines
        first = context.input_pipeline_id * local
        return batches(
            dataset,
            labeled_rows,
            segment,
            seed,
            first_step,
            replicas=range(first, first + local),
            replica_count=context.num_replicas_in_sync,
        )

    return strategy.distribute_datasets_from_function(make_pipeline)
