"""Images in a folder + labels.csv -> a data set with named integer factors."""

import dataclasses
import functools
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from absl import logging

from . import images
from .labels import FILE_NAME, UNKNOWN, Labels, factor_sizes, read_labels

_COMMAND = (
    "tfds build tfds_builders/labeled_folder "
    '--config=\'{"name": "NAME", "folder": "FOLDER", "resolution": 64}\' --data_dir=data'
)


@dataclasses.dataclass(eq=False)
class LabeledFolderConfig(tfds.core.BuilderConfig):
    """Which folder, and what becomes of its images. Given as JSON: --config='{"name": ..., "folder": ...}'.

    Args:
        name: of the prepared data set: labeled_folder/<name>.
        folder: holds labels.csv and the images, at any depth; relative to the current folder.
        resolution: height and width of the prepared images in pixels, a power of two from 8 to 1024.
        center_crop: cut the middle square out of images that are not square, instead of refusing them.
        sizes: {factor: how many values it takes}, for factors with more values than were labelled.
    """

    folder: str = ""
    resolution: int = 0
    center_crop: bool = False
    sizes: dict[str, int] = dataclasses.field(default_factory=dict)

    def check(self) -> None:
        """Raises ValueError, naming the field, for a value out of range."""
        r = self.resolution
        if not re.fullmatch(r"[A-Za-z][\w.-]*", self.name):
            raise ValueError(f"name: expected a letter, then letters, digits or any of _.-. Received: {self.name!r}.")
        if not self.folder or not isinstance(self.folder, str):
            raise ValueError(f"folder: expected the folder with {FILE_NAME}. Received: {self.folder!r}.")
        if type(r) is not int or not 8 <= r <= 1024 or r & (r - 1):
            raise ValueError(f"resolution: expected a power of two from 8 to 1024. Received: {r!r}.")
        if not isinstance(self.center_crop, bool):
            raise ValueError(f"center_crop: expected true or false. Received: {self.center_crop!r}.")
        if not isinstance(self.sizes, dict):
            raise ValueError(f'sizes: expected {{"factor": values}}. Received: {self.sizes!r}.')


class Builder(tfds.core.GeneratorBasedBuilder):
    """Rows stand in the order of labels.csv; images that it does not name follow, with every factor unknown."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}
    # `tfds build` takes JSON for --config only where the list is not empty.
    BUILDER_CONFIGS = [LabeledFolderConfig(name="given_as_json")]
    builder_config: LabeledFolderConfig

    def __init__(self, *, config: LabeledFolderConfig | str | None = None, **where: Any):
        if not isinstance(config, LabeledFolderConfig):
            raise ValueError(f"--config: expected JSON that says which folder. Received: {config!r}. Run: {_COMMAND}")
        config.check()
        super().__init__(config=config, **where)

    @property
    def _folder(self) -> Path:
        return Path(self.builder_config.folder).expanduser()

    @functools.cached_property
    def _labels(self) -> Labels:
        return read_labels(self._folder)

    @functools.cached_property
    def _gray(self) -> bool:
        """Are all images gray? One in colour makes all of them RGB."""
        c = self.builder_config
        gray = True
        for name in self._labels.images:  # every one is looked at, also after the first in colour
            gray &= images.check_image(self._folder / name, c.resolution, c.center_crop)
        return gray

    @functools.cached_property
    def _fingerprint(self) -> str:
        """Changes when the config, labels.csv or an image file does."""
        c = self.builder_config
        files = [(name, (self._folder / name).stat()) for name in self._labels.images]
        source = {
            "options": [c.resolution, c.center_crop, sorted(c.sizes.items())],
            "labels": (self._folder / FILE_NAME).read_text(encoding="utf-8"),
            "images": [(name, stat.st_size, stat.st_mtime_ns) for name, stat in files],
        }
        return hashlib.sha256(json.dumps(source).encode()).hexdigest()

    def _info(self) -> tfds.core.DatasetInfo:
        c = self.builder_config
        sizes = factor_sizes(self._labels, c.sizes, self._folder / FILE_NAME)
        shape = (c.resolution, c.resolution, 1 if self._gray else 3)
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=shape, dtype=np.uint8, encoding_format="png"),
                    "factors": tfds.features.FeaturesDict(
                        {name: tfds.features.ClassLabel(num_classes=size) for name, size in sizes.items()}
                    ),
                }
            ),
            supervised_keys=None,
            disable_shuffling=True,  # so that row numbers can be looked up in labels.csv
            metadata=tfds.core.MetadataDict(fingerprint=self._fingerprint),
        )

    def download_and_prepare(self, *, download_config: tfds.download.DownloadConfig | None = None, **how: Any) -> None:
        """Prepares the data set, and refuses to pass off an older one as that of a folder that changed since.

        Raises:
            ValueError: if it was prepared from something else.
        """
        overwrite = download_config is not None and download_config.download_mode.overwrite_dataset
        if self.is_prepared() and not overwrite and self.info.metadata["fingerprint"] != self._fingerprint:
            raise ValueError(
                f"{self.info.full_name}: {str(self.data_path)!r} was prepared from another folder, other labels or "
                "other options. Add --overwrite to prepare it anew, or choose another name."
            )
        super().download_and_prepare(download_config=download_config, **how)

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        labels = self._labels
        count, known = len(labels.images), (labels.values != UNKNOWN).sum(axis=0)
        logging.info(
            "%d images in %s, %d of them without a row in %s", count, self._folder, count - labels.rows, FILE_NAME
        )
        logging.info("known labels: %s", dict(zip(labels.factors, known.tolist(), strict=True)))
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Iterator[tuple[int, dict]]:
        labels = self._labels
        for i, name in enumerate(labels.images):
            image = images.read_image(self._folder / name, self.builder_config.resolution, self._gray)
            yield i, {"image": image, "factors": dict(zip(labels.factors, labels.values[i].tolist(), strict=True))}
