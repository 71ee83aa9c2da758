"""Images in a folder + labels.csv -> a data set with named factors."""

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
from .leftovers import full_disk_named, only_build
from .options import LabeledFolderConfig
from .report import Outcome, show, write_report
from .source import SKIP_HINT, Source, read_source

_COMMAND = (
    "tfds build tfds_builders/labeled_folder "
    '--config=\'{"name": "NAME", "folder": "FOLDER", "resolution": 64}\' --data_dir=data'
)
REPORT, ROWS = "report.txt", "images.txt"


class Builder(tfds.core.GeneratorBasedBuilder):
    """Rows stand in the order of labels.csv; images that it does not name follow, with every factor unknown."""

    VERSION = tfds.core.Version("1.1.0")
    RELEASE_NOTES = {
        "1.0.0": "First release.",
        "1.1.0": "Categorical and decimal factors; images without a row in natural order; report.txt and images.txt.",
    }
    # `tfds build` takes JSON for --config only where the list is not empty.
    BUILDER_CONFIGS = [LabeledFolderConfig(name="given_as_json")]
    builder_config: LabeledFolderConfig

    def __init__(self, *, config: LabeledFolderConfig | str | None = None, **where: Any):
        if not isinstance(config, LabeledFolderConfig):
            raise ValueError(f"--config: expected JSON that says which folder. Received: {config!r}. Run: {_COMMAND}")
        config.check()
        self._where = where
        super().__init__(config=config, **where)

    @functools.cached_property
    def _source(self) -> Source:
        return read_source(Path(self.builder_config.folder).expanduser(), self.builder_config)

    def _info(self) -> tfds.core.DatasetInfo:
        r, source = self.builder_config.resolution, self._source
        # TFDS refuses to read a data set whose categories are called otherwise than here: where an older one stands in
        # the way, its own are read, so that the message about it (or --overwrite) comes to its turn.
        old = self.data_path.exists() and self._prepared_from() != source.fingerprint
        return tfds.core.DatasetInfo(
            builder=self,
            # Not README.md, which TFDS would print after the report, and push that off the screen.
            description=f"The images in {source.folder}, and what {source.table.path.name} says about them.",
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
            disable_shuffling=True,  # so that row numbers can be looked up in images.txt
            metadata=tfds.core.MetadataDict(
                fingerprint=source.fingerprint,
                ranges={c.name: list(c.ends) for c in source.columns if c.kind == "decimal"},
            ),
        )

    def _prepared_from(self) -> str:
        """The fingerprint of the data set on disk; "" if that is not whole."""
        try:
            fingerprint = json.loads((self.data_path / "metadata.json").read_text())["fingerprint"]
            shards = json.loads((self.data_path / "dataset_info.json").read_text())["splits"][0]["shardLengths"]
        except (OSError, ValueError, LookupError):
            return ""
        whole = self.is_prepared() and len(list(self.data_path.glob("*-of-*"))) == len(shards)
        return fingerprint if whole else ""

    def download_and_prepare(self, *, download_config: tfds.download.DownloadConfig | None = None, **how: Any) -> None:
        """Prepares the data set, and refuses to pass off an older one as that of a folder that changed since.

        Raises:
            ValueError: if it was prepared from something else.
            RuntimeError: if another build is preparing it.
            OSError: if the disk is full.
        """
        overwrite = download_config is not None and download_config.download_mode.overwrite_dataset
        with full_disk_named(Path(self.data_path)), only_build(Path(self.data_path.parent)):
            if not self.data_path.exists():
                super().download_and_prepare(download_config=download_config, **how)
            elif overwrite:
                # What TFDS has read from disk into self.info is no longer true.
                self.data_path.rmtree()
                fresh = type(self)(config=self.builder_config, **self._where)
                super(Builder, fresh).download_and_prepare(download_config=download_config, **how)
            else:
                self._check_prepared()
                show(f"{self.info.full_name} is prepared already; {self.data_path / REPORT} tells about it.")
                return
        if (self.data_path / REPORT).exists():
            show((self.data_path / REPORT).read_text(encoding="utf-8"))

    def _check_prepared(self) -> None:
        prepared_from = self._prepared_from()
        if not prepared_from:
            raise ValueError(
                f"{self.info.full_name}: {str(self.data_path)!r} is not whole (was its removal cut short?). Add "
                "--overwrite to prepare it anew."
            )
        if prepared_from != self._source.fingerprint:
            raise ValueError(
                f"{self.info.full_name}: {str(self.data_path)!r} was prepared from another folder, other labels or "
                "other options. Add --overwrite to prepare it anew, or choose another name."
            )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        logging.info("%d images in %s", len(self._source.rows), self._source.folder)
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Iterator[tuple[int, dict]]:
        source, config = self._source, self.builder_config
        names, outcome = source.table.images, Outcome()
        for i in source.rows:
            try:
                pixels, digest = images.read_image(source.folder / names[i], config.treatment, source.gray)
            except ValueError as error:
                if not config.skip_bad:
                    raise ValueError(f"{error} {SKIP_HINT}") from error
                outcome.damaged.append((names[i], str(error).removeprefix(f"{source.folder / names[i]}: ")))
                continue
            outcome.same.setdefault(digest, []).append(i)
            outcome.rows.append(i)
            yield len(outcome.rows) - 1, {"image": pixels, "factors": {c.name: c.values[i] for c in source.columns}}
        # Here the folder still has the name of one that is being prepared: a build that stops now leaves nothing.
        if not outcome.rows:
            last = ": ".join(outcome.damaged[-1])
            raise ValueError(f"{source.folder}: none of its {len(names)} images can be used; the last: {last}")
        check_variation(source.table, source.columns, config.declared, outcome.rows)
        size = f"{config.resolution}x{config.resolution} {'gray' if source.gray else 'RGB'}"
        report = write_report(f"{self.info.full_name}: {size}", source, outcome)
        for file, text in ((REPORT, report), (ROWS, "".join(f"{names[i]}\n" for i in outcome.rows))):
            (self.data_path / file).write_bytes(text.encode("utf-8", "backslashreplace"))


def _feature(column: Column) -> tfds.features.FeatureConnector:
    if column.kind == "decimal":
        return tfds.features.Scalar(np.float32)
    if column.categories:
        return tfds.features.ClassLabel(names=column.categories)
    return tfds.features.ClassLabel(num_classes=column.size)
