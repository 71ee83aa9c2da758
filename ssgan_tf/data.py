"""Prepared TFDS data sets on disk -> training batches that are a function of (seed, step).

A data set is read by name from `data_dir`; the code that built it is not needed. Its features are
{"image": uint8 [R,R,C], "factors": {name: integer label, -1 = unknown}}.
"""

import dataclasses
import difflib
import os
import re
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from ssgan_tf.codes import UNKNOWN, CodeSpec, FactorSpec
from ssgan_tf.images import to_float

_GIB = 2**30
_VERSION = re.compile(r"\d+\.\d+\.\d+")


@dataclasses.dataclass(frozen=True)
class DataOptions:
    """What is trained on.

    Args:
        dataset: "name/config" (or "name/config/version") of a prepared data set.
        factors: names of the factors that become codes, in order; empty for all, in alphabetical order.
        labeled_fraction: eta, the share of images whose labels are used, in [0, 1].
        batch: images per step, over all devices.
        labeled_batch: labelled images per step, over all devices; at most `batch`.
        memory_gib: the most memory that the decoded images may take, in GiB.

    Raises:
        ValueError: naming the field that is out of range.
    """

    dataset: str = "scene3d/demo"
    factors: tuple[str, ...] = ()
    labeled_fraction: float = 0.025
    batch: int = 32
    labeled_batch: int = 32
    memory_gib: float = 16.0

    def __post_init__(self):
        if not 0 <= self.labeled_fraction <= 1:
            raise ValueError(f"labeled_fraction: expected a number in [0, 1]. Received: {self.labeled_fraction}.")
        if self.batch < 1:
            raise ValueError(f"batch: expected 1 image or more. Received: {self.batch}.")
        if not 1 <= self.labeled_batch <= self.batch:
            raise ValueError(
                f"labeled_batch: expected 1 to batch={self.batch} images (each is mixed with a generated one). "
                f"Received: {self.labeled_batch}."
            )


@dataclasses.dataclass(frozen=True)
class ImageTable:
    """A whole data set in memory.

    Args:
        name: as in `DataOptions.dataset`.
        images: uint8 [N,R,R,C].
        factors: int [N,K], the chosen factors in the order of `spec`; -1 where unknown.
        spec: names and sizes of the factors.
    """

    name: str
    images: np.ndarray
    factors: np.ndarray
    spec: CodeSpec

    def __len__(self) -> int:
        return len(self.images)


@dataclasses.dataclass(frozen=True)
class Header:
    """What is known of a data set before its images are decoded.

    Args:
        name: as in `DataOptions.dataset`.
        count: N, how many images it has.
        shape: (R, R, C) of each.
        spec: names and sizes of the factors.
    """

    name: str
    count: int
    shape: tuple[int, ...]
    spec: CodeSpec


def open_builder(dataset: str, data_dir: str) -> tfds.core.DatasetBuilder:
    """Finds the prepared data set, its newest version unless `dataset` names one.

    Raises:
        FileNotFoundError: if it is not there, with the command that prepares it.
    """
    folder = os.path.join(data_dir, *dataset.split("/"))
    if not os.path.exists(os.path.join(folder, "dataset_info.json")):
        versions = sorted(filter(_VERSION.fullmatch, _list(folder)), key=lambda v: tuple(map(int, v.split("."))))
        versions = [v for v in versions if os.path.exists(os.path.join(folder, v, "dataset_info.json"))]
        if not versions:
            parts = [part for part in dataset.split("/") if not _VERSION.fullmatch(part)]
            command = f"tfds build tfds_builders/{parts[0]}" + "".join(f" --config={part}" for part in parts[1:])
            raise FileNotFoundError(
                f"data.dataset: {dataset!r} is not prepared in {data_dir!r} (expected {folder}/<version>/"
                f"dataset_info.json). Prepare it with: {command} --data_dir={data_dir}"
            )
        folder = os.path.join(folder, versions[-1])
    return tfds.builder_from_directory(folder)


def _list(folder: str) -> list[str]:
    return os.listdir(folder) if os.path.isdir(folder) else []


def code_spec(builder: tfds.core.DatasetBuilder, factors: Sequence[str] = ()) -> CodeSpec:
    """The factors that become codes: those named, in that order, or all of the data set's, by alphabet.

    Raises:
        ValueError: if the data set has no factors, or not one of those named.
    """
    features = builder.info.features
    if "factors" not in features:
        raise ValueError(
            f"data.dataset: {builder.info.full_name} has no `factors`; expected integer labels by name. "
            f"Received features: {list(features)}."
        )
    # The order of a feature dict is not kept on disk, hence the alphabet.
    sizes = {name: feature.num_classes for name, feature in sorted(features["factors"].items())}
    for name in factors:
        if name not in sizes:
            near = difflib.get_close_matches(name, sizes, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ValueError(
                f"data.factors: expected names among {list(sizes)} (those of {builder.info.full_name}). "
                f"Received: {name!r}.{hint}"
            )
    return CodeSpec(tuple(FactorSpec(name, sizes[name]) for name in (factors or sizes)))


def inspect(dataset: str, data_dir: str, factors: Sequence[str] = (), memory_gib: float = 16.0) -> Header:
    """Checks that a prepared data set can be trained on, without decoding it.

    Raises:
        FileNotFoundError: if it is not prepared, with the command that prepares it.
        ValueError: if a factor is unknown, or there are no images of one size.
        MemoryError: if the decoded images would take more than `memory_gib`.
    """
    builder = open_builder(dataset, data_dir)
    spec, info = code_spec(builder, factors), builder.info
    if "train" not in info.splits:
        raise ValueError(f"data.dataset: {dataset} has no split `train`. Received: {list(info.splits)}.")
    image = info.features["image"] if "image" in info.features else None
    if image is None or image.np_dtype != np.uint8 or None in image.shape:
        raise ValueError(f"data.dataset: {dataset} needs a feature `image`, uint8 of one size. Received: {image}.")
    count = info.splits["train"].num_examples
    gib = count * float(np.prod(image.shape)) / _GIB
    if gib > memory_gib:
        raise MemoryError(
            f"data.memory_gib: {dataset} needs {gib:.1f} GiB for {count:,} images of {image.shape}. Received: "
            f"{memory_gib:g}. Raise it if the machine has that much, or build a smaller resolution."
        )
    return Header(dataset, count, image.shape, spec)


def load(dataset: str, data_dir: str, factors: Sequence[str] = (), memory_gib: float = 16.0) -> ImageTable:
    """Decodes a prepared data set into memory.

    Raises:
        FileNotFoundError, ValueError, MemoryError: as `inspect`.
        OSError: if its files are damaged.
    """
    header = inspect(dataset, data_dir, factors, memory_gib)
    images = np.empty([header.count, *header.shape], np.uint8)
    labels = np.empty([header.count, header.spec.size], np.int64)
    start = 0
    try:
        for batch in open_builder(dataset, data_dir).as_dataset(split="train").batch(256).as_numpy_iterator():
            stop = start + len(batch["image"])
            images[start:stop] = batch["image"]
            labels[start:stop] = np.stack([batch["factors"][name] for name in header.spec.names], axis=1)
            start = stop
    except tf.errors.OpError as error:
        reason = str(error.message).partition("\n")[0]
        raise OSError(
            f"data.dataset: {dataset!r} in {data_dir!r} is damaged after {start:,} of {header.count:,} images "
            f"({reason}). Remove its folder and build it again."
        ) from error
    return ImageTable(dataset, images, labels, header.spec)


def choose_labeled(factors: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Draws the labelled subset: round(fraction * N) rows, sorted, uniformly among those with any known label.

    Args:
        factors: [N,K] int.
        fraction: eta in [0, 1]; above 0 at least one row is drawn.
        seed: the same seed gives the same subset.

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
    return np.sort(np.random.default_rng([seed, 1]).choice(known, count, replace=False))


class RowStream:
    """Endless row numbers: permutation after permutation of `rows`, in batches that step alone decides.

    Args:
        rows: row numbers to draw from.
        batch: rows per step.
        seed: a sequence of ints; the same gives the same rows.
    """

    def __init__(self, rows: np.ndarray, batch: int, seed: Sequence[int]):
        self._rows = rows
        self._batch = batch
        self._seed = tuple(seed)
        self._epoch = -1
        self._order = rows

    def at(self, step: int) -> np.ndarray:
        """Returns the [batch] row numbers of `step`."""
        positions = np.arange(step * self._batch, (step + 1) * self._batch)
        result = np.empty(self._batch, np.int64)
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


def check_replicas(options: DataOptions, replica_count: int) -> None:
    """Raises ValueError if the batches do not divide among the replicas."""
    for name in ("batch", "labeled_batch"):
        if getattr(options, name) % replica_count:
            raise ValueError(
                f"data.{name}: expected a multiple of the {replica_count} replicas. Received: {getattr(options, name)}."
            )


def batches(
    table: ImageTable,
    labeled_rows: np.ndarray,
    options: DataOptions,
    seed: int,
    first_step: int = 0,
    replicas: range = range(1),
    replica_count: int = 1,
) -> tf.data.Dataset:
    """Endless training batches from `first_step` on; one element per step and replica, in that order.

    Args:
        table: the data.
        labeled_rows: the labelled subset; empty for no labelled stream.
        options: batch sizes, of which each replica gets its part.
        seed: of the order.
        first_step: where a resumed run goes on.
        replicas: those that this pipeline feeds, among `replica_count`.

    Returns:
        Dicts of float32: "image" [B,R,R,C] in [-1, 1] and, if there are labels, "labeled_image" [L,R,R,C],
        "labeled_codes" [L,K], "labeled_mask" [L,K] (1 where known).

    Raises:
        ValueError: if the batches do not divide among the replicas.
    """
    check_replicas(options, replica_count)
    every = RowStream(np.arange(len(table)), options.batch, [seed, 2])
    labeled = RowStream(labeled_rows, options.labeled_batch, [seed, 3]) if len(labeled_rows) else None
    codes, mask = table.spec.encode(table.factors), table.spec.mask(table.factors)

    def generate() -> Iterator[dict[str, np.ndarray]]:
        step = first_step
        while True:
            rows = every.at(step).reshape(replica_count, -1)
            labeled_step = labeled.at(step).reshape(replica_count, -1) if labeled else None
            for replica in replicas:
                element = {"image": table.images[rows[replica]]}
                if labeled_step is not None:
                    mine = labeled_step[replica]
                    element["labeled_image"] = table.images[mine]
                    element["labeled_codes"] = codes[mine]
                    element["labeled_mask"] = mask[mine]
                yield element
            step += 1

    size = options.batch // replica_count
    signature = {"image": tf.TensorSpec([size, *table.images.shape[1:]], tf.uint8)}
    if labeled:
        size = options.labeled_batch // replica_count
        signature["labeled_image"] = tf.TensorSpec([size, *table.images.shape[1:]], tf.uint8)
        signature["labeled_codes"] = tf.TensorSpec([size, table.spec.size], tf.float32)
        signature["labeled_mask"] = tf.TensorSpec([size, table.spec.size], tf.float32)

    def convert(element):
        return {k: to_float(v) if v.dtype == tf.uint8 else v for k, v in element.items()}

    endless = tf.data.Dataset.from_generator(generate, output_signature=signature)
    # Were it unknown, batches would have no static size under MultiWorkerMirroredStrategy.
    endless = endless.apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))
    return endless.map(convert).prefetch(2)
