"""Base builder of data sets that hold an image for every combination of factors, and its trial-size configs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from tfds_builders.shared.grids import Grid


@dataclasses.dataclass
class GridConfig(tfds.core.BuilderConfig):
    """Config of a data set with an image for every combination of factors.

    Args:
        first: Trials only: factor name -> number of its first values to prepare. The schema still declares all values.
    """

    first: Mapping[str, int] = dataclasses.field(default_factory=dict)


class GridBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Builder of images with the factors of a grid. The key of an example is the image's index in the grid."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "First release."}

    def _grid_info(self, grid: Grid, edge: int) -> tfds.core.DatasetInfo:
        """Returns the schema. `_add_metadata` adds the source later, once it is known."""
        features = {
            "image": tfds.features.Image(shape=(edge, edge, 3), dtype=np.uint8, encoding_format="png"),
            "factors": {name: tfds.features.ClassLabel(num_classes=size) for name, size in grid.factors.items()},
        }
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(features), metadata=tfds.core.MetadataDict()
        )

    def _add_metadata(self, **facts: Any) -> None:
        """Adds entries to metadata.json of the prepared data set."""
        self.info.metadata.update(facts)


def not_found(looked_for: list[str], folder: Path, instructions: str) -> FileNotFoundError:
    """Returns the error for a download folder that has none of the files `looked_for`."""
    present = sorted(path.name for path in folder.iterdir())
    shown = ", ".join(present[:8]) + (", ..." if len(present) > 8 else "")
    return FileNotFoundError(
        f"--manual_dir: expected {' or '.join(looked_for)} in {folder}. Received: a folder with {shown or 'nothing'}. "
        f"{' '.join(instructions.split())}"
    )
