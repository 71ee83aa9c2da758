"""A prepared data set as it lies on disk: where it is, which of its features are factors, how its records are read."""

import dataclasses
import difflib
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from ssgan_tf.core.codes import STEPS, UNKNOWN, CodeSpec, FactorSpec

_VERSION = re.compile(r"\d+\.\d+\.\d+")
_PREFIX = "label_"  # TFDS's own builders have no group of factors, but features of such names


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
            raise FileNotFoundError(
                f"data.dataset: {dataset!r} is not prepared in {data_dir!r} (expected {folder}/<version>/"
                f"dataset_info.json). Prepare it with: {_command(dataset)} --data_dir={data_dir}"
            )
        folder = os.path.join(folder, versions[-1])
    return tfds.builder_from_directory(folder)


def _command(dataset: str) -> str:
    name, *rest = [part for part in dataset.split("/") if not _VERSION.fullmatch(part)]
    source = name if _in_catalogue(name) else f"tfds_builders/{name}"
    return f"tfds build {source}" + "".join(f" --config={part}" for part in rest)


def _in_catalogue(name: str) -> bool:
    """Is it one of TFDS's own data sets?"""
    try:
        return tfds.builder_cls(name).__module__.startswith("tensorflow_datasets.")
    except (tfds.core.registered.DatasetNotFoundError, ValueError):
        return False


def _list(folder: str) -> list[str]:
    return os.listdir(folder) if os.path.isdir(folder) else []


@dataclasses.dataclass(frozen=True)
class FactorFeature:
    """Where a factor is kept.

    Args:
        spec: its name, size and meaning.
        group: "factors", or None where it stands beside the image.
        key: its feature's name there.
    """

    spec: FactorSpec
    group: str | None
    key: str

    def indices(self, values: np.ndarray) -> np.ndarray:
        """Stored values [N] -> labels [N] int64, -1 where unknown."""
        if self.spec.range is None:
            return np.asarray(values, np.int64)
        low, high = self.spec.range
        share = (np.asarray(values, np.float64) - low) / (high - low)
        steps = np.rint(np.clip(np.nan_to_num(share), 0, 1) * (self.spec.size - 1)).astype(np.int64)
        return np.where(np.isnan(share), UNKNOWN, steps)


def labels_of(builder: tfds.core.DatasetBuilder, factors: Sequence[str] = ()) -> tuple[FactorFeature, ...]:
    """The labels that become codes: those named, in that order, or all of the data set's, by alphabet.

    Raises:
        ValueError: if the data set has no factors, or not one of those named.
    """
    # The order of a feature dict is not kept on disk, hence the alphabet.
    found = {label.spec.name: label for label in _all_labels(builder)}
    if not found:
        raise ValueError(
            f"data.dataset: {builder.info.full_name} has no `factors`; expected integer labels by name. "
            f"Received features: {list(builder.info.features)}."
        )
    for name in factors:
        if name not in found:
            near = difflib.get_close_matches(name, found, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ValueError(
                f"data.factors: expected names among {sorted(found)} (those of {builder.info.full_name}). "
                f"Received: {name!r}.{hint}"
            )
    return tuple(found[name] for name in (factors or sorted(found)))


def _all_labels(builder: tfds.core.DatasetBuilder) -> Iterator[FactorFeature]:
    features = builder.info.features
    ranges = _ranges(builder)
    group = "factors" if "factors" in features else None
    for key, feature in (features["factors"] if group else features).items():
        name = key if group else key.removeprefix(_PREFIX)
        if isinstance(feature, tfds.features.ClassLabel):
            if not feature.num_classes or feature.num_classes < 2:
                continue  # one value is no factor
            numbers = [str(i) for i in range(feature.num_classes)]
            values = () if feature.names == numbers else tuple(feature.names)
            yield FactorFeature(FactorSpec(name, feature.num_classes, values), group, key)
        elif key in ranges:
            low, high = map(float, ranges[key])
            yield FactorFeature(FactorSpec(name, STEPS, range=(low, high)), group, key)


def _ranges(builder: tfds.core.DatasetBuilder) -> dict[str, Any]:
    """Low and high of the factors that are numbers, as the data set's metadata have them."""
    try:
        return dict(builder.info.metadata["ranges"])  # it is read from disk when a key is asked for, not by get()
    except (KeyError, TypeError):
        return {}


def code_spec(builder: tfds.core.DatasetBuilder, factors: Sequence[str] = ()) -> CodeSpec:
    """Names and sizes of `labels_of`."""
    return CodeSpec(tuple(label.spec for label in labels_of(builder, factors)))


def pixel_scale(builder: tfds.core.DatasetBuilder) -> int:
    """What pixels are to be multiplied with: TFDS's own dsprites keeps 0 and 1 for black and white."""
    return 255 if builder.name == "dsprites" and "factors" not in builder.info.features else 1


def has_random_access(builder: tfds.core.DatasetBuilder) -> bool:
    """Is the data set kept in a format of which any record can be read at once?"""
    return builder.info.file_format == tfds.core.FileFormat.ARRAY_RECORD


class Records:
    """The records of a data set kept as ArrayRecord, by row number: images as files' bytes.

    Args:
        builder: of it.
        split: of it; several with + between stand one after another.
    """

    def __init__(self, builder: tfds.core.DatasetBuilder, split: str):
        decoders = {"image": tfds.decode.SkipDecoding()}
        self._parts = [builder.as_data_source(split=part, decoders=decoders) for part in split.split("+")]
        self._ends = np.cumsum([len(part) for part in self._parts])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def read(self, rows: np.ndarray) -> list[dict[str, Any]]:
        """The records of row numbers [n], in their order."""
        which = np.searchsorted(self._ends, rows, side="right")
        found: list[Any] = [None] * len(rows)
        for i, part in enumerate(self._parts):
            mine = np.flatnonzero(which == i)
            first = self._ends[i] - len(part)
            if len(mine):
                records = part.__getitems__([int(row) for row in rows[mine] - first])
                for place, record in zip(mine, records, strict=True):
                    found[place] = record
        return found


def labels_in(batch: dict[str, Any], labels: Sequence[FactorFeature]) -> np.ndarray:
    """Labels [n,K] int64 of a batch of records, {feature: [n]}."""
    columns = [(batch if label.group is None else batch[label.group])[label.key] for label in labels]
    return np.stack([label.indices(column) for label, column in zip(labels, columns, strict=True)], axis=1)


def sequential(builder: tfds.core.DatasetBuilder, split: str, size: int) -> Iterator[dict[str, Any]]:
    """All records of a data set kept as TFRecord, decoded, in batches, always in the same order, split after split.

    Raises:
        tf.errors.OpError: if its files are damaged.
    """
    for part in split.split("+"):
        yield from builder.as_dataset(split=part).batch(size).prefetch(tf.data.AUTOTUNE).as_numpy_iterator()
