"""Images and labels of a whole data set, indexed by row number."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.data import stored_images, tfds_reader
from ssgan_tf.data.label_cache import LabelCache
from ssgan_tf.data.tfds_reader import FactorFeature, Records

Images = np.ndarray | stored_images.StoredImages

_GIB = 2**30
_BATCH = 256


@dataclasses.dataclass(frozen=True)
class FactorDataset:
    """A whole data set.

    Args:
        name: Name, as in `DataOptions.dataset`.
        images: uint8 [N,R,R,C], in memory or read from disk when indexed.
        factors: Labels int [N,K] of the chosen factors in the order of `spec`; -1 if unknown.
        spec: Names and sizes of the factors.
        held_out: Rows, in order, of the images that neither training nor the oracles see.
        held_out_labels: Rows, in order, of the images whose labels neither training nor the oracles see.
    """

    name: str
    images: Images
    factors: np.ndarray
    spec: CodeSpec
    held_out: np.ndarray = dataclasses.field(default_factory=lambda: np.empty(0, np.int64))
    held_out_labels: np.ndarray = dataclasses.field(default_factory=lambda: np.empty(0, np.int64))

    def __len__(self) -> int:
        return len(self.images)

    @property
    def training_rows(self) -> np.ndarray:
        """Rows of the images that are not held out, in order."""
        return np.delete(np.arange(len(self)), self.held_out)

    @property
    def kept_for_scores(self) -> np.ndarray:
        """Rows, in order, whose labels nobody trains on: scores come from them."""
        return np.union1d(self.held_out, self.held_out_labels)


@dataclasses.dataclass(frozen=True)
class DatasetInfo:
    """Description of a data set, available before its images are decoded.

    Args:
        name: Name, as in `DataOptions.dataset`.
        count: Number of images N.
        shape: Shape (R, R, C) of the images in training.
        spec: Names and sizes of the factors.
        in_memory: Whether the decoded images fit into memory. Otherwise they are read from disk when needed.
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
    """Describes a prepared data set and checks that it can be trained on, without decoding its images.

    Args:
        dataset: "name/config" or "name/config/version" of the data set.
        data_dir: Folder of the prepared data sets.
        factors: Names of the factors that become codes, in order; empty for all, in alphabetical order.
        memory_gib: Maximum size of the decoded images in memory, in GiB.
        split: Name of the split, or several names joined by +.
        resolution: Height and width to reduce the images to; 0 keeps their size.

    Raises:
        FileNotFoundError: The data set is not prepared; the message has the command that prepares it.
        ValueError: A factor or split is unknown, or the images do not all have one size.
        MemoryError: The decoded images need more than `memory_gib`, and the format does not allow random access.
    """
    builder = tfds_reader.open_builder(dataset, data_dir)
    spec, info = tfds_reader.code_spec(builder, factors), builder.info

    # Check the splits.
    parts = split.split("+")
    if len(set(parts)) < len(parts):
        raise ValueError(f"data.split: expected each split once. Received: {split!r}.")
    for part in parts:
        if part not in info.splits:
            raise ValueError(f"data.split: {dataset} has no split `{part}`. Received: {list(info.splits)}.")
    count = sum(info.splits[part].num_examples for part in parts)

    # Check the images, then the memory they need.
    shape = _image_shape(dataset, info.features, resolution)
    gib = count * float(np.prod(shape)) / _GIB
    if gib > memory_gib and not tfds_reader.has_random_access(builder):
        raise MemoryError(
            f"data.memory_gib: {dataset} needs {gib:.1f} GiB for {count:,} images of {shape}. Received: "
            f"{memory_gib:g}. Raise it if the machine has that much memory, build a lower resolution, or add "
            "--file_format=array_record to `ssgan data build`: images are then read from disk."
        )
    return DatasetInfo(dataset, count, shape, spec, gib <= memory_gib)


def _image_shape(dataset: str, features: Any, resolution: int) -> tuple[int, ...]:
    """Returns the shape (R, R, C) of images reduced to `resolution`; raises ValueError if they cannot be used."""
    image = features["image"] if "image" in features else None
    if image is None or image.np_dtype != np.uint8 or len(image.shape) != 3 or None in image.shape:
        raise ValueError(f"data.dataset: {dataset} needs a feature `image`, uint8 of one size. Received: {image}.")
    height, width, channels = image.shape
    if resolution and (height != width or resolution > height):
        raise ValueError(
            f"data.resolution: {dataset} has images of {height}x{width}; only square images can be reduced, and only "
            f"to a lower resolution. Received: {resolution}."
        )
    return (resolution, resolution, channels) if resolution else image.shape


def load(
    dataset: str,
    data_dir: str,
    factors: Sequence[str] = (),
    memory_gib: float = 16.0,
    split: str = "train",
    resolution: int = 0,
) -> FactorDataset:
    """Loads the labels of a prepared data set, and its decoded images if they fit into `memory_gib`.

    Args:
        dataset, data_dir, factors, memory_gib, split, resolution: See `inspect`.

    Raises:
        FileNotFoundError, ValueError, MemoryError: See `inspect`.
        OSError: The files of the data set are damaged.
    """
    info = inspect(dataset, data_dir, factors, memory_gib, split, resolution)
    builder = tfds_reader.open_builder(dataset, data_dir)
    features = tfds_reader.factor_features(builder, factors)
    where = f"data.dataset: {dataset!r} in {data_dir!r}"
    if tfds_reader.has_random_access(builder):
        return _load_records(info, builder, split, features, where)
    return _load_sequence(info, builder, split, features, where)


def _damaged(where: str, start: int, count: int, error: Exception) -> OSError:
    reason = str(getattr(error, "message", error)).partition("\n")[0]
    return OSError(
        f"{where} is damaged after {start:,} of {count:,} images ({reason}). Remove its folder and build it again."
    )


def _load_sequence(
    info: DatasetInfo, builder, split: str, features: Sequence[FactorFeature], where: str
) -> FactorDataset:
    """Loads a data set whose format can only be read from the beginning."""
    images = np.empty([info.count, *info.shape], np.uint8)
    factors = np.empty([info.count, info.spec.size], np.int64)
    start, scale = 0, tfds_reader.pixel_scale(builder)
    try:
        for batch in tfds_reader.read_sequentially(builder, split, _BATCH):
            stop = start + len(batch["image"])
            pixels = stored_images.scale_pixels(batch["image"], scale)
            images[start:stop] = stored_images.reduce_resolution(pixels, info.shape[0])
            factors[start:stop] = tfds_reader.extract_labels(batch, features)
            start = stop
        if start < info.count:
            raise ValueError("the files end there")
    except (tf.errors.OpError, LookupError, ValueError, TypeError) as error:
        raise _damaged(where, start, info.count, error) from error
    return FactorDataset(info.name, images, factors, info.spec)


def _load_records(
    info: DatasetInfo, builder, split: str, features: Sequence[FactorFeature], where: str
) -> FactorDataset:
    """Loads a data set with random access; its images stay on disk if they do not fit into memory."""
    try:
        records = Records(builder, split)
        stored = stored_images.StoredImages(records, info.shape, tfds_reader.pixel_scale(builder))
        if not info.in_memory:
            return FactorDataset(info.name, stored, _load_labels(builder, split, features, records), info.spec)
        factors = np.empty([len(records), len(features)], np.int64)

        def extract(start: int, part: list[dict[str, Any]]) -> None:
            factors[start : start + len(part)] = tfds_reader.extract_labels(_stack(part), features)

        images = stored.read(np.arange(len(records)), extract)
    except (tf.errors.OpError, ArithmeticError, LookupError, RuntimeError, ValueError, TypeError) as error:
        raise _damaged(where, 0, info.count, error) from error
    return FactorDataset(info.name, images, factors, info.spec)


def _load_labels(builder, split: str, features: Sequence[FactorFeature], records: Records) -> np.ndarray:
    """Returns the labels [N,K] of all records, from the cache beside them or by a pass over all records."""
    cache = LabelCache(str(builder.data_dir), tfds_reader.record_files(builder, split), split, features)
    cached = cache.load(len(records))
    if cached is not None:
        return cached
    parts = []
    for start in range(0, len(records), _BATCH):
        rows = np.arange(start, min(start + _BATCH, len(records)))
        parts.append(tfds_reader.extract_labels(_stack(records.read(rows)), features))
    factors = np.concatenate(parts)
    cache.save(factors)
    return factors


def _stack(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Stacks n records {feature: value} into {feature: [n]}, recursively for groups of features."""
    first = records[0]
    return {
        key: _stack([r[key] for r in records]) if isinstance(first[key], dict) else [r[key] for r in records]
        for key in first
    }
