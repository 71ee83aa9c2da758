"""Reader of prepared data sets: finds one on disk, identifies its factors, and reads its records."""

import dataclasses
import difflib
import os
import re
import reprlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from ssgan_tf.core.codes import STEPS, UNKNOWN, CodeSpec, FactorSpec
from ssgan_tf.data.build import CATALOGUE
from ssgan_tf.utils.readers import parse_json, read_json

_VERSION = re.compile(r"\d+\.\d+\.\d+")
_DESCRIPTION = "the description of a data set's features"
_BUILD_AGAIN = "Remove its folder and build it again."
_PREFIX = "label_"  # prefix of label features in TFDS's own data sets, which have no group `factors`


def open_builder(dataset: str, data_dir: str) -> tfds.core.DatasetBuilder:
    """Opens a prepared data set, in its newest version unless `dataset` names one.

    Raises:
        FileNotFoundError: The data set is not prepared; the message has the command that prepares it.
        ValueError: Its description is damaged, or names Python classes outside TFDS, which would be imported.
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
    read_json(os.path.join(folder, "features.json"), _check_classes, _DESCRIPTION, _BUILD_AGAIN, "data.dataset")
    try:
        return tfds.builder_from_directory(folder)
    except Exception as error:  # TFDS raises nearly anything on damaged descriptions, AssertionError included
        reason = " ".join(str(error).split())[:300].rstrip(".")
        raise ValueError(f"data.dataset: {folder} is not a prepared data set: {reason}. {_BUILD_AGAIN}") from error


def _check_classes(value: Any) -> None:
    """Raises ValueError if features.json names a class outside TFDS: TFDS imports, and so runs, the module of each."""
    if isinstance(value, list):
        for item in value:
            _check_classes(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str) and key in ("pythonClassName", "python_class_name", "type"):
                if not item.startswith("tensorflow_datasets.core.features."):
                    raise ValueError(f"expected features of TFDS itself. Received: {item!r}, whose module would be run")
            # Features of older versions of TFDS are JSON inside JSON.
            _check_classes(parse_json(item) if isinstance(item, str) and key in ("json", "content") else item)


def _command(dataset: str) -> str:
    """Returns the command that prepares the data set, without --data_dir."""
    name, *rest = [part for part in dataset.split("/") if not _VERSION.fullmatch(part)]
    # `ssgan data build` knows our builders and those of CATALOGUE, but no others of TFDS.
    program = "tfds build" if name not in CATALOGUE and _in_catalogue(name) else "ssgan data build"
    return f"{program} {name}" + "".join(f" --config={part}" for part in rest)


def _in_catalogue(name: str) -> bool:
    """Returns whether the data set is one of TFDS's own."""
    if not re.fullmatch(r"\w+", name):  # for "a:b", TFDS would load code from elsewhere
        return False
    try:
        return tfds.builder_cls(name).__module__.startswith("tensorflow_datasets.")
    except (tfds.core.registered.DatasetNotFoundError, ValueError):
        return False


def _list(folder: str) -> list[str]:
    return os.listdir(folder) if os.path.isdir(folder) else []


@dataclasses.dataclass(frozen=True)
class FactorFeature:
    """Feature of a data set that stores a factor.

    Args:
        spec: Name, size and values of the factor.
        group: "factors", or None if the feature is beside the image.
        key: Name of the feature in the group.
    """

    spec: FactorSpec
    group: str | None
    key: str

    def to_labels(self, values: np.ndarray) -> np.ndarray:
        """Converts stored values [N] to labels [N], int64, -1 if unknown. Numbers are clipped to the factor's range."""
        if self.spec.range is None:
            return np.asarray(values, np.int64)
        low, high = self.spec.range
        share = (np.asarray(values, np.float64) - low) / (high - low)
        steps = np.rint(np.clip(np.nan_to_num(share), 0, 1) * (self.spec.size - 1)).astype(np.int64)
        return np.where(np.isnan(share), UNKNOWN, steps)


def factor_features(builder: tfds.core.DatasetBuilder, factors: Sequence[str] = ()) -> tuple[FactorFeature, ...]:
    """Returns the features that become codes: the named factors in their order, or all in alphabetical order.

    Raises:
        ValueError: The data set has no factors, or none of the given name.
    """
    # The order is alphabetical because TFDS does not store the order of a feature dict.
    found = {feature.spec.name: feature for feature in _all_factor_features(builder)}
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
                f"data.factors: expected names among {sorted(found)}, the factors of {builder.info.full_name}. "
                f"Received: {name!r}.{hint}"
            )
    return tuple(found[name] for name in (factors or sorted(found)))


def _all_factor_features(builder: tfds.core.DatasetBuilder) -> Iterator[FactorFeature]:
    features = builder.info.features
    ranges = _ranges(builder)
    group = "factors" if "factors" in features else None
    for key, feature in (features["factors"] if group else features).items():
        name = key if group else key.removeprefix(_PREFIX)
        if isinstance(feature, tfds.features.ClassLabel):
            if not feature.num_classes or feature.num_classes < 2:
                continue  # a single value is not a factor
            numbers = [str(i) for i in range(feature.num_classes)]
            values = () if feature.names == numbers else tuple(feature.names)
            yield FactorFeature(FactorSpec(name, feature.num_classes, values), group, key)
        elif key in ranges:
            low, high = map(float, ranges[key])
            yield FactorFeature(FactorSpec(name, STEPS, range=(low, high)), group, key)


def _ranges(builder: tfds.core.DatasetBuilder) -> dict[str, Any]:
    """Returns {name: (low, high)} of the numeric factors, from the data set's metadata; {} if it has none.

    Raises:
        ValueError: The metadata is damaged.
    """
    path = os.path.join(builder.data_dir, "metadata.json")
    if not os.path.exists(path):
        return {}
    return read_json(path, _parse_ranges, "the metadata of a data set", _BUILD_AGAIN, "data.dataset")


def _parse_ranges(value: Any) -> dict[str, Any]:
    ranges = value.get("ranges") if isinstance(value, dict) else None
    for name, ends in ranges.items() if isinstance(ranges, dict) else ():
        if not isinstance(ends, list) or len(ends) != 2 or not all(isinstance(end, int | float) for end in ends):
            raise ValueError(f"ranges.{name}: expected [low, high]. Received: {reprlib.repr(ends)}.")
    return ranges if isinstance(ranges, dict) else {}


def code_spec(builder: tfds.core.DatasetBuilder, factors: Sequence[str] = ()) -> CodeSpec:
    """Returns the factors that become codes; raises like `factor_features`."""
    return CodeSpec(tuple(feature.spec for feature in factor_features(builder, factors)))


def pixel_scale(builder: tfds.core.DatasetBuilder) -> int:
    """Returns the factor to multiply stored pixels by: 255 for TFDS's own dsprites, which stores 0 and 1; else 1."""
    return 255 if builder.name == "dsprites" and "factors" not in builder.info.features else 1


def has_random_access(builder: tfds.core.DatasetBuilder) -> bool:
    """Returns whether the data set is stored in a format with access to single records."""
    return builder.info.file_format == tfds.core.FileFormat.ARRAY_RECORD


def record_files(builder: tfds.core.DatasetBuilder, split: str) -> list[str]:
    """Returns the paths of the files with the records of a split, or of several names joined by +, in order."""
    return [str(path) for part in split.split("+") for path in builder.info.splits[part].filepaths]


class Records:
    """Records of a data set stored as ArrayRecord, by row number. Images stay encoded, as the bytes of an image file.

    Args:
        builder: Builder of the data set.
        split: Name of the split, or several names joined by +, whose records are concatenated.
    """

    def __init__(self, builder: tfds.core.DatasetBuilder, split: str):
        decoders = {"image": tfds.decode.SkipDecoding()}
        self._parts = [builder.as_data_source(split=part, decoders=decoders) for part in split.split("+")]
        self._ends = np.cumsum([len(part) for part in self._parts])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def read(self, rows: np.ndarray) -> list[dict[str, Any]]:
        """Returns the records of row numbers [n], in the given order."""
        part_of_row = np.searchsorted(self._ends, rows, side="right")
        found: list[Any] = [None] * len(rows)
        for i, part in enumerate(self._parts):
            places = np.flatnonzero(part_of_row == i)
            first = self._ends[i] - len(part)
            if len(places):
                records = part.__getitems__([int(row) for row in rows[places] - first])
                for place, record in zip(places, records, strict=True):
                    found[place] = record
        return found


def extract_labels(batch: dict[str, Any], features: Sequence[FactorFeature]) -> np.ndarray:
    """Returns the labels [n,K], int64, of a batch of records {feature: [n]}."""
    columns = [(batch if feature.group is None else batch[feature.group])[feature.key] for feature in features]
    return np.stack([feature.to_labels(column) for feature, column in zip(features, columns, strict=True)], axis=1)


def read_sequentially(builder: tfds.core.DatasetBuilder, split: str, size: int) -> Iterator[dict[str, Any]]:
    """Yields all records of a data set stored as TFRecord, decoded, in batches of `size`.

    The order is always the same: split after split, each in the order on disk.

    Raises:
        tf.errors.OpError: The files are damaged.
    """
    for part in split.split("+"):
        yield from builder.as_dataset(split=part).batch(size).prefetch(tf.data.AUTOTUNE).as_numpy_iterator()
