"""sprites2d: the shapes and factors of dSprites, drawn by this builder with smooth edges."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from tfds_builders.shared.grids import Grid

from . import grids

RESOLUTIONS = (16, 32, 64, 128, 256)


@dataclasses.dataclass
class Sprites2dConfig(tfds.core.BuilderConfig):
    """Choice of the factor grid and the resolution.

    Args:
        grid: Key of `grids.GRIDS`.
        resolution: Height and width of the images in pixels, one of RESOLUTIONS.
        first: Trials only: factor name -> number of its first values to draw.

    Raises:
        ValueError: naming the field that is out of range.
    """

    grid: str = "full"
    resolution: int = 64
    first: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        if self.grid not in grids.GRIDS:
            raise ValueError(f"grid: expected one of {list(grids.GRIDS)}. Received: {self.grid!r}.")
        if self.resolution not in RESOLUTIONS:
            raise ValueError(f"resolution: expected one of {RESOLUTIONS}. Received: {self.resolution!r}.")
        self.values.part(self.first)

    @property
    def values(self) -> Grid:
        """Factors and their numbers of values."""
        return grids.GRIDS[self.grid]


def _config(name: str, grid: str, resolution: int) -> Sprites2dConfig:
    description = f"{grids.GRIDS[grid].size:,} images of {resolution}x{resolution} pixels."
    return Sprites2dConfig(name=name, description=description, grid=grid, resolution=resolution)


class Builder(tfds.core.GeneratorBasedBuilder):
    """Draws all images itself, without a download. TFDS names the data set after the folder of this file."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    BUILDER_CONFIGS = [
        _config("full", "full", 64),
        _config("small", "full", 32),
        _config("demo", "demo", 32),
        _config("demo_64", "demo", 64),
    ]
    builder_config: Sprites2dConfig

    def _info(self) -> tfds.core.DatasetInfo:
        config = self.builder_config
        shape = (config.resolution, config.resolution, 1)
        factors = {name: tfds.features.ClassLabel(num_classes=size) for name, size in config.values.factors.items()}
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=shape, dtype=np.uint8, encoding_format="png"),
                    "factors": factors,
                }
            ),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Iterator[tuple[int, dict[str, Any]]]:
        c = self.builder_config
        for values, png in grids.draw_all(c.values, c.resolution, c.first):
            yield c.values.index_of(values), {"image": io.BytesIO(png), "factors": values}
