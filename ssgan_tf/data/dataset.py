"""Images and labels of a whole data set, by row number."""

import contextlib
import dataclasses
import hashlib
import json
import os
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ssgan_tf.core.codes import UNKNOWN, CodeSpec
from ssgan_tf.data import stored_images, tfds_reader
from ssgan_tf.data.tfds_reader import FactorFeature, Records
from ssgan_tf.utils import files

Images = np.ndarray | stored_images.StoredImages

_GIB = 2**30
_BATCH = 256


@dataclasses.dataclass(frozen=True)
class FactorDataset:
    """A whole data set.

    Args:
        name: as in `DataOptions.dataset`.
        images: uint8 [N,R,R,C], in memory or read from disk as they are needed.
        factors: int [N,K], the chosen factors in the order of `spec`; -1 where unknown.
        spec: names and sizes of the factors.
    """

    name: str
    images: Images
    factors: np.ndarray
    spec: CodeSpec

    def __len__(self) -> int:
        return len(self.images)


@dataclasses.dataclass(frozen=True)
class DatasetInfo:
    """What is known of a data set before its images are decoded.

    Args:
        name: as in `DataOptions.dataset`.
        count: N, how many images it has.
        shape: (R, R, C) of each, as training sees them.
        spec: names and sizes of the factors.
        in_memory: are they kept decoded? Otherwise they are read from disk as they are needed.
    """

    name: str
    count: int
    shape: tuple[int, ...]
    spec: CodeSpec
    in_memory: bool = True


def inspect(
    dataset: str,
    data_dir: str,
    factors: Sequence[str] = (),
    memory_gib: float = 16.0,
    split: str = "train",
    resolution: int = 0,
) -> DatasetInfo:
    """Checks that a prepared data set can be trained on, without decoding it.

    Raises:
        FileNotFoundError: if it is not prepared, with the command that prepares it.
        ValueError: if a factor or split is unknown, or there are no images of one size.
        MemoryError: if the decoded images would take more than `memory_gib`, and cannot be read one by one.
    """
    builder = tfds_reader.open_builder(dataset, data_dir)
    spec, info = tfds_reader.code_spec(builder, factors), builder.info
    parts = split.split("+")
    if len(set(parts)) < len(parts):
        raise ValueError(f"data.split: expected every split once. Received: {split!r}.")
    for part in parts:
        if part not in info.splits:
            raise ValueError(f"data.split: {dataset} has no split `{part}`. Received: {list(info.splits)}.")
    image = info.features["image"] if "image" in info.features else None
    if image is None or image.np_dtype != np.uint8 or None in image.shape:
        raise ValueError(f"data.dataset: {dataset} needs a feature `image`, uint8 of one size. Received: {image}.")
    height, width, channels = image.shape
    if resolution and (height != width or resolution > height):
        raise ValueError(
            f"data.resolution: {dataset} has images of {height}x{width}, which can only be reduced, and only if they "
            f"are square. Received: {resolution}."
        )
    shape = (resolution, resolution, channels) if resolution else image.shape
    count = sum(info.splits[part].num_examples for part in split.split("+"))
    gib = count * float(np.prod(shape)) / _GIB
    if gib > memory_gib and not tfds_reader.has_random_access(builder):
        raise MemoryError(
            f"data.memory_gib: {dataset} needs {gib:.1f} GiB for {count:,} images of {shape}. Received: "
            f"{memory_gib:g}. Raise it if the machine has that much, build a smaller resolution, or add "
            "--file_format=array_record to the `tfds build` command: then images are read from disk."
        )
    return DatasetInfo(dataset, count, shape, spec, gib <= memory_gib)


def load(
    dataset: str,
    data_dir: str,
    factors: Sequence[str] = (),
    memory_gib: float = 16.0,
    split: str = "train",
    resolution: int = 0,
) -> FactorDataset:
    """Reads the labels of a prepared data set, and decodes its images into memory if they may take as much.

    Raises:
        FileNotFoundError, ValueError, MemoryError: as `inspect`.
        OSError: if its files are damaged.
    """
    header = inspect(dataset, data_dir, factors, memory_gib, split, resolution)
    builder = tfds_reader.open_builder(dataset, data_dir)
    labels = tfds_reader.labels_of(builder, factors)
    where = f"data.dataset: {dataset!r} in {data_dir!r}"
    if tfds_reader.has_random_access(builder):
        return _load_records(header, builder, split, labels, where)
    return _load_sequence(header, builder, split, labels, where)


def _damaged(where: str, start: int, count: int, error: Exception) -> OSError:
    reason = str(getattr(error, "message", error)).partition("\n")[0]
    return OSError(
        f"{where} is damaged after {start:,} of {count:,} images ({reason}). Remove its folder and build it again."
    )


def _load_sequence(
    header: DatasetInfo, builder, split: str, labels: Sequence[FactorFeature], where: str
) -> FactorDataset:
    """All of a data set that can only be read from its beginning."""
    images = np.empty([header.count, *header.shape], np.uint8)
    factors = np.empty([header.count, header.spec.size], np.int64)
    start, scale = 0, tfds_reader.pixel_scale(builder)
    try:
        for batch in tfds_reader.sequential(builder, split, _BATCH):
            stop = start + len(batch["image"])
            images[start:stop] = stored_images.reduce(stored_images.scaled(batch["image"], scale), header.shape[0])
            factors[start:stop] = tfds_reader.labels_in(batch, labels)
            start = stop
    except (tf.errors.OpError, ValueError) as error:
        raise _damaged(where, start, header.count, error) from error
    return FactorDataset(header.name, images, factors, header.spec)


def _load_records(
    header: DatasetInfo, builder, split: str, labels: Sequence[FactorFeature], where: str
) -> FactorDataset:
    """The labels of a data set of which any record can be read, and its images where they fit."""
    try:
        records = Records(builder, split)
        stored = stored_images.StoredImages(records, header.shape, tfds_reader.pixel_scale(builder))
        factors = _labels_of_records(builder, split, labels, records)
        images = stored[:] if header.in_memory else stored
    except (tf.errors.OpError, IndexError, RuntimeError, ValueError, TypeError) as error:  # of a record cut short
        raise _damaged(where, 0, header.count, error) from error
    return FactorDataset(header.name, images, factors, header.spec)


def _labels_of_records(builder, split: str, labels: Sequence[FactorFeature], records: Records) -> np.ndarray:
    """Labels [N,K] of all records; kept beside them, as every record has to be read for them once."""
    named = json.dumps([split, *((label.spec.name, label.spec.size, label.spec.range) for label in labels)])
    path = os.path.join(builder.data_dir, f"labels-{hashlib.sha256(named.encode()).hexdigest()[:16]}.npy")
    try:
        kept = np.load(path)
        sizes = [label.spec.size for label in labels]
        whole = kept.shape == (len(records), len(labels)) and kept.dtype == np.int32
        if whole and np.all((kept >= UNKNOWN) & (kept < sizes)):
            return kept.astype(np.int64)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        pass  # there are none, or they are damaged
    parts = []
    for start in range(0, len(records), _BATCH):
        rows = np.arange(start, min(start + _BATCH, len(records)))
        parts.append(tfds_reader.labels_in(_stacked(records.read(rows)), labels))
    factors = np.concatenate(parts)
    with contextlib.suppress(OSError), files.atomic_write(path, "wb") as file:  # a data folder that nobody may write to
        np.save(file, factors.astype(np.int32))
    return factors


def _stacked(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Records [n] of {feature: value} -> {feature: [n]}; groups of features too."""
    first = records[0]
    return {
        key: _stacked([r[key] for r in records]) if isinstance(first[key], dict) else [r[key] for r in records]
        for key in first
    }
