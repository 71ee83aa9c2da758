"""Prepared TFDS data sets on disk -> images and labels in memory. Their batches: streams.py.

A data set is read by name from `data_dir`; the code that built it is not needed. Its features are
{"image": uint8 [R,R,C], "factors": {name: integer label, -1 = unknown}}.
"""

import dataclasses
import difflib
import os
import re
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from ssgan_tf.codes import CodeSpec, FactorSpec

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
