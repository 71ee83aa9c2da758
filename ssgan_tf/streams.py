"""Images and labels by row -> the labelled subset, and training batches that are a function of (seed, step)."""

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from ssgan_tf.core.codes import UNKNOWN
from ssgan_tf.core.images import downsample, to_float
from ssgan_tf.core.schedule import Phase, Segment
from ssgan_tf.data import ImageTable

_CANDIDATES = 256  # rows that are looked at for each that a stratified subset takes


def choose_labeled(factors: np.ndarray, fraction: float, seed: int, stratified: bool = False) -> np.ndarray:
    """Draws the labelled subset: round(fraction * N) rows, sorted, among those with any known label.

    Args:
        factors: [N,K] int.
        fraction: eta in [0, 1]; above 0 at least one row is drawn.
        seed: the same seed gives the same subset.
        stratified: give every value of every factor its share of the rows, as nearly as can be; otherwise draw
            uniformly.

    Returns:
        int64 row numbers. Fewer than asked for where fewer images have labels at all.

    Raises:
        ValueError: if labels are asked for and no image has one.
    """
    known = np.flatnonzero((factors != UNKNOWN).any(axis=1))
    if fraction == 0:
        return known[:0]
    if not len(known):
        raise ValueError("data.labeled_fraction: no image has a label of the chosen factors; set it to 0.")
    count = min(max(1, round(fraction * len(factors))), len(known))
    rng = np.random.default_rng([seed, 1])
    if stratified:
        return np.sort(known[_choose_stratified(factors[known], count, rng)])
    return np.sort(rng.choice(known, count, replace=False))


def _choose_stratified(factors: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` different rows of [N,K], taken one by one: of some candidates that whose values are scarcest so far.

    Candidates are random rows, and random rows that have the scarcest value of all.
    """
    sizes = factors.max(axis=0) + 1
    ends = np.cumsum(sizes)
    cells = np.where(factors == UNKNOWN, ends[-1], factors + ends - sizes)  # [N,K], a number for each value of each
    share = np.bincount(cells.ravel(), minlength=ends[-1] + 1) / len(factors)
    share[-1] = 0  # an unknown label fills no share
    there = np.flatnonzero(share)
    order = rng.permutation(len(factors))
    queues = {cell: _Queue(order[(cells[order] == cell).any(axis=1)]) for cell in there}
    every, taken = _Queue(order), np.zeros(len(share))
    used = np.zeros(len(factors), bool)
    chosen = np.empty(count, np.int64)
    for i in range(count):
        excess = np.zeros(len(share))
        excess[there] = (taken[there] - share[there] * i) / share[there]
        scarcest = there[np.argmin(excess[there])]
        candidates = np.concatenate([every.some(used), queues[scarcest].some(used)])
        row = candidates[np.argmin(excess[cells[candidates]].sum(axis=1))]
        used[row], chosen[i] = True, row
        np.add.at(taken, cells[row], 1)
    return chosen


class _Queue:
    """Rows in random order, of which those in use drop out."""

    def __init__(self, rows: np.ndarray):
        self._rows = rows
        self._first = 0

    def some(self, used: np.ndarray) -> np.ndarray:
        """Unused rows among the next ones; none only if none is left."""
        while self._first < len(self._rows) and used[self._rows[self._first]]:
            self._first += 1
        window = self._rows[self._first : self._first + _CANDIDATES]
        return window[~used[window]]


class RowStream:
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
    table: ImageTable,
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
    every = RowStream(np.arange(len(table)), [seed, 2])
    labeled = RowStream(labeled_rows, [seed, 3]) if len(labeled_rows) else None
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
