"""Images and labels by row -> the labelled subset, and training batches that are a function of (seed, step)."""

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from ssgan_tf.core.images import downsample, to_float
from ssgan_tf.core.schedule import Phase, Segment
from ssgan_tf.data import FactorDataset


class ShuffledRows:
    """Endless row numbers: permutation after permutation of `rows`.

    Args:
        rows: row numbers to draw from.
        seed: a sequence of ints; the same gives the same rows.
    """

    def __init__(self, rows: np.ndarray, seed: Sequence[int]):
        self._rows = rows
        self._seed = tuple(seed)
        self._epoch = -1
        self._order = rows

    def at(self, first: int, count: int) -> np.ndarray:
        """Returns the [count] row numbers from position `first` on."""
        positions = np.arange(first, first + count)
        result = np.empty(count, np.int64)
        epochs = positions // len(self._rows)
        for epoch in np.unique(epochs):
            mine = epochs == epoch
            result[mine] = self._permutation(int(epoch))[positions[mine] % len(self._rows)]
        return result

    def _permutation(self, epoch: int) -> np.ndarray:
        if epoch != self._epoch:
            self._order = np.random.default_rng([*self._seed, epoch]).permutation(self._rows)
            self._epoch = epoch
        return self._order


def check_replicas(phases: Sequence[Phase], replica_count: int) -> None:
    """Raises ValueError if the batches do not divide among the replicas."""
    for i, phase in enumerate(phases):
        for name in ("batch", "labeled_batch"):
            if getattr(phase, name) % replica_count:
                raise ValueError(
                    f"phases.{i}.{name}: expected a multiple of the {replica_count} replicas. "
                    f"Received: {getattr(phase, name)}."
                )


def batches(
    table: FactorDataset,
    labeled_rows: np.ndarray,
    segment: Segment,
    seed: int,
    first_step: int = 0,
    replicas: range = range(1),
    replica_count: int = 1,
) -> tf.data.Dataset:
    """Endless training batches from `first_step` on; one element per step and replica, in that order.

    Args:
        table: the data.
        labeled_rows: the labelled subset; empty for no labelled stream.
        segment: that the steps are of: its batch sizes, of which each replica gets its part, and its resolution.
        seed: of the order.
        first_step: counted from the start of the run.
        replicas: those that this pipeline feeds, among `replica_count`.

    Returns:
        Dicts of float32: "image" [B,r,r,C] in [-1, 1] and, if there are labels, "labeled_image" [L,r,r,C],
        "labeled_codes" [L,K], "labeled_mask" [L,K] (1 where known).

    Raises:
        ValueError: if the batches do not divide among the replicas.
    """
    phase = segment.phase
    check_replicas([phase], replica_count)
    every = ShuffledRows(np.arange(len(table)), [seed, 2])
    labeled = ShuffledRows(labeled_rows, [seed, 3]) if len(labeled_rows) else None
    codes, mask = table.spec.encode(table.factors), table.spec.mask(table.factors)

    def generate() -> Iterator[dict[str, np.ndarray]]:
        step = first_step
        while True:
            rows = every.at(segment.images(step), phase.batch).reshape(replica_count, -1)
            if labeled:
                labeled_step = labeled.at(segment.labeled(step), phase.labeled_batch).reshape(replica_count, -1)
            for replica in replicas:
                element = {"image": table.images[rows[replica]]}
                if labeled:
                    mine = labeled_step[replica]
                    element["labeled_image"] = table.images[mine]
                    element["labeled_codes"] = codes[mine]
                    element["labeled_mask"] = mask[mine]
                yield element
            step += 1

    size = phase.batch // replica_count
    signature = {"image": tf.TensorSpec([size, *table.images.shape[1:]], tf.uint8)}
    if labeled:
        size = phase.labeled_batch // replica_count
        signature["labeled_image"] = tf.TensorSpec([size, *table.images.shape[1:]], tf.uint8)
        signature["labeled_codes"] = tf.TensorSpec([size, table.spec.size], tf.float32)
        signature["labeled_mask"] = tf.TensorSpec([size, table.spec.size], tf.float32)
    # Shrunk here, on the host: the devices get no more pixels than they train on.
    factor = table.images.shape[1] // (phase.resolution or table.images.shape[1])

    def convert(element):
        return {k: downsample(to_float(v), factor) if v.dtype == tf.uint8 else v for k, v in element.items()}

    endless = tf.data.Dataset.from_generator(generate, output_signature=signature)
    # Were it unknown, batches would have no static size under MultiWorkerMirroredStrategy.
    endless = endless.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))
    return endless.map(convert).prefetch(2)


def distribute_batches(
    strategy: tf.distribute.Strategy,
    table: FactorDataset,
    labeled_rows,
    segment: Segment,
    seed: int,
    first_step: int,
):
    """`batches` as `strategy` wants it: every replica gets its own rows of each global batch."""
    if strategy.num_replicas_in_sync == 1:
        return batches(table, labeled_rows, segment, seed, first_step)

    def replica_pipeline(context: tf.distribute.InputContext) -> tf.data.Dataset:
        local = context.num_replicas_in_sync // context.num_input_pipelines
        first = context.input_pipeline_id * local
        return batches(
            table,
            labeled_rows,
            segment,
            seed,
            first_step,
            replicas=range(first, first + local),
            replica_count=context.num_replicas_in_sync,
        )

    return strategy.distribute_datasets_from_function(replica_pipeline)
