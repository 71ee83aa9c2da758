"""labeled_folder: prepares a folder of images with a labels.csv as a data set with named factors."""

import contextlib
import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from absl import logging

from . import images
from .columns import Column, check_variation
from .leftovers import exclusive_build, explain_full_disk
from .names import shorten
from .options import PLACEHOLDER, LabeledFolderConfig, from_json
from .report import Outcome, show, write_report
from .source import SKIP_HINT, Source, read_source

_COMMAND = (
    "ssgan data build labeled_folder "
    '--config=\'{"name": "NAME", "folder": "FOLDER", "resolution": 64}\' --data_dir=data'
)
REPORT, ROWS = "report.txt", "images.txt"


class Builder(tfds.core.GeneratorBasedBuilder):
    """Stores images in the order of labels.csv, followed by the images without a row, with every factor unknown."""

    VERSION = tfds.core.Version("1.2.0")
    RELEASE_NOTES = {
        "1.0.0": "First release.",
        "1.1.0": "Categorical and decimal factors; images without a row in natural order; report.txt and images.txt.",
        "1.2.0": "Exact averages where the sizes are not in an integer ratio; linked folders are read.",
    }
    # `tfds build` accepts JSON for --config only if this list is not empty.
    BUILDER_CONFIGS = [LabeledFolderConfig(name=PLACEHOLDER)]
    builder_config_cls = staticmethod(from_json)  # type: ignore[assignment]
    builder_config: LabeledFolderConfig

    def __init__(self, *, config: LabeledFolderConfig | str | None = None, **kwargs: Any):
        if not isinstance(config, LabeledFolderConfig) or config.name == PLACEHOLDER:
            received = config if isinstance(config, str) else getattr(config, "name", config)
            raise ValueError(f"--config: expected JSON that names the folder. Received: {received!r}. Run: {_COMMAND}")
        with _short_messages():
            config.check()
        self._init_kwargs = kwargs
        super().__init__(config=config, **kwargs)

    @functools.cached_property
    def _source(self) -> Source:
        with _short_messages():
            return read_source(Path(self.builder_config.folder).expanduser(), self.builder_config)

    def _info(self) -> tfds.core.DatasetInfo:
        r, source = self.builder_config.resolution, self._source
        # TFDS refuses to load a data set whose categories differ from those declared here. If there is an older one,
        # leave them undeclared, so that its own are loaded and `download_and_prepare` can report or overwrite it.
        old = self.data_path.exists() and self._prepared_from() != source.fingerprint
        return tfds.core.DatasetInfo(
            builder=self,
            # Without this, TFDS would print README.md after the report and push the report off the screen.
            description=f"Images in {source.folder} with labels from {source.table.path.name}.",
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(
                        shape=(r, r, 1 if source.gray else 3), dtype=np.uint8, encoding_format="png"
                    ),
                    "factors": tfds.features.FeaturesDict(
                        {c.name: tfds.features.ClassLabel() if old else _feature(c) for c in source.columns}
                    ),
                }
            ),
            supervised_keys=None,
            disable_shuffling=True,  # images.txt lists the files in this order
            metadata=tfds.core.MetadataDict(
                fingerprint=source.fingerprint,
                ranges={c.name: list(c.bounds) for c in source.columns if c.kind == "decimal"},
            ),
        )

    def _prepared_from(self) -> str:
        """Returns the fingerprint of the data set on disk, or "" if it is incomplete."""
        try:
            fingerprint = json.loads((self.data_path / "metadata.json").read_text())["fingerprint"]
            shards = json.loads((self.data_path / "dataset_info.json").read_text())["splits"][0]["shardLengths"]
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return ""
        complete = self.is_prepared() and len(list(self.data_path.glob("*-of-*"))) == len(shards)
        return fingerprint if complete else ""

    def download_and_prepare(
        self, *, download_config: tfds.download.DownloadConfig | None = None, **kwargs: Any
    ) -> None:
        """Prepares the data set, or does nothing if it is up to date.

        Raises:
            ValueError: without --overwrite, if it was prepared from other images, labels or options.
            RuntimeError: if another build is preparing it.
            OSError: if the disk is full.
        """
        overwrite = download_config is not None and download_config.download_mode.overwrite_dataset
        with explain_full_disk(Path(self.data_path)), exclusive_build(Path(self.data_path.parent)):
            if not self.data_path.exists():
                super().download_and_prepare(download_config=download_config, **kwargs)
            elif overwrite:
                # `self.info` was loaded from the old data set, so a new builder is needed.
                self.data_path.rmtree()
                fresh = type(self)(config=self.builder_config, **self._init_kwargs)
                super(Builder, fresh).download_and_prepare(download_config=download_config, **kwargs)
            else:
                self._check_prepared()
                show(f"{self.info.full_name} is already prepared; see {self.data_path / REPORT}.")
                return
        if (self.data_path / REPORT).exists():
            show((self.data_path / REPORT).read_text(encoding="utf-8"))

    def _check_prepared(self) -> None:
        prepared_from = self._prepared_from()
        if not prepared_from:
            raise ValueError(
                f"{self.info.full_name}: {str(self.data_path)!r} is incomplete (was its removal interrupted?). Add "
                "--overwrite to prepare it again."
            )
        if prepared_from != self._source.fingerprint:
            raise ValueError(
                f"{self.info.full_name}: {str(self.data_path)!r} was prepared from another folder, other labels or "
                "other options. Add --overwrite to prepare it again, or choose another name."
            )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        logging.info("%d images in %s", len(self._source.rows), self._source.folder)
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Iterator[tuple[int, dict]]:
        source, config = self._source, self.builder_config
        names, outcome = source.table.images, Outcome()
        # Images.
        for i in source.rows:
            try:
                pixels, digest = images.read_image(source.folder / names[i], config.preprocessing, source.gray)
            except ValueError as error:
                if not config.skip_bad:
                    raise ValueError(f"{error} {SKIP_HINT}") from error
                outcome.damaged.append((names[i], str(error).removeprefix(f"{source.folder / names[i]}: ")))
                continue
            outcome.same.setdefault(digest, []).append(i)
            outcome.rows.append(i)
            yield len(outcome.rows) - 1, {"image": pixels, "factors": {c.name: c.values[i] for c in source.columns}}
        # Final checks and the report. The folder still has its temporary name: a build that stops here leaves nothing.
        if not outcome.rows:
            last = ": ".join(outcome.damaged[-1])
            raise ValueError(f"{source.folder}: none of its {len(names)} images can be used; the last one: {last}")
        check_variation(source.table, source.columns, config.declared, outcome.rows)
        size = f"{config.resolution}x{config.resolution} {'grey' if source.gray else 'RGB'}"
        report = write_report(f"{self.info.full_name}: {size}", source, outcome)
        for file, text in ((REPORT, report), (ROWS, "".join(f"{names[i]}\n" for i in outcome.rows))):
            (self.data_path / file).write_bytes(text.encode("utf-8", "backslashreplace"))


@contextlib.contextmanager
def _short_messages() -> Iterator[None]:
    """Cuts the middle out of the messages of long errors, which may quote whole tables."""
    try:
        yield
    except (OSError, ValueError) as error:
        kinds = (FileNotFoundError, OSError, ValueError)
        raise next(kind for kind in kinds if isinstance(error, kind))(shorten(str(error))) from error


def _feature(column: Column) -> tfds.features.FeatureConnector:
    if column.kind == "decimal":
        return tfds.features.Scalar(np.float32)
    if column.categories:
        return tfds.features.ClassLabel(names=column.categories)
    return tfds.features.ClassLabel(num_classes=column.size)
