"""What every data set that is a whole grid of pictures has in common: its schema, and a small part of it for trials."""

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
    """A grid of pictures.

    Args:
        first: for trials, prepares only the first values of some factors (name -> how many). Factors keep their
            number of values.
    """

    first: Mapping[str, int] = dataclasses.field(default_factory=dict)


class GridBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Pictures with the factors of a grid; a picture's key is its number in the grid."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "First release."}

    def _grid_info(self, grid: Grid, edge: int) -> tfds.core.DatasetInfo:
        """The schema. What was read goes into the metadata when it is known, in `_note`."""
        features = {
            "image": tfds.features.Image(shape=(edge, edge, 3), dtype=np.uint8, encoding_format="png"),
            "factors": {name: tfds.features.ClassLabel(num_classes=size) for name, size in grid.factors.items()},
        }
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(features), metadata=tfds.core.MetadataDict()
        )

    def _note(self, **facts: Any) -> None:
        """Adds to metadata.json of the prepared data set."""
        self.info.metadata.update(facts)


def not_found(looked_for: list[str], folder: Path, instructions: str) -> FileNotFoundError:
    """The error for a folder of downloads that holds none of the files `looked_for`."""
    there = sorted(path.name for path in folder.iterdir())
    shown = ", ".join(there[:8]) + (", ..." if len(there) > 8 else "")
    return FileNotFoundError(
        f"--manual_dir: expected {' or '.join(looked_for)} in {folder}. Received: a folder with {shown or 'nothing'}. "
        f"{' '.join(instructions.split())}"
    )
