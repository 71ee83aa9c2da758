"""celeba_attributes: CelebA's aligned faces, cropped to squares, with their 40 binary attributes as factors."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from . import attributes, faces

COUNT = 202_599
RESOLUTIONS = (16, 32, 64, 128, 256)


@dataclasses.dataclass
class CelebaConfig(tfds.core.BuilderConfig):
    """Choice of the crop and of the image size.

    Args:
        crop: Height and width of the square cropped from the middle of 178x218 pixels, one of `faces.CROPS`.
        resolution: Height and width of the prepared images in pixels, one of RESOLUTIONS.
        count: Number of images and table rows that must exist; all published ones except for trials.

    Raises:
        ValueError: naming the field that is out of range.
    """

    crop: int = 178
    resolution: int = 256
    count: int = COUNT

    def __post_init__(self):
        for name, allowed in (("crop", faces.CROPS), ("resolution", RESOLUTIONS)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name}: expected one of {allowed}. Received: {getattr(self, name)!r}.")
        if type(self.count) is not int or not 1 <= self.count <= COUNT:
            raise ValueError(f"count: expected 1 to {COUNT}. Received: {self.count!r}.")


def _config(crop: int, resolution: int) -> CelebaConfig:
    description = f"{COUNT:,} faces, the middle {crop}x{crop} pixels at {resolution}x{resolution}."
    return CelebaConfig(name=f"crop{crop}_{resolution}", description=description, crop=crop, resolution=resolution)


class Builder(tfds.core.GeneratorBasedBuilder):
    """Builder of the data set. TFDS names it after the folder of this file."""

    VERSION = tfds.core.Version("1.1.0")
    RELEASE_NOTES = {"1.0.0": "Initial release.", "1.1.0": "Exact averages where 178 is reduced to 128 or 64 pixels."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = faces.INSTRUCTIONS
    BUILDER_CONFIGS = [_config(178, 256), _config(178, 128), _config(178, 64), _config(128, 32)]
    builder_config: CelebaConfig

    def _info(self) -> tfds.core.DatasetInfo:
        r = self.builder_config.resolution
        factors = {name: tfds.features.ClassLabel(num_classes=2) for name in attributes.NAMES}
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(r, r, 3), dtype=np.uint8, encoding_format="png"),
                    "factors": factors,
                }
            ),
            homepage="https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        return {"train": self._generate_examples(Path(dl_manager.manual_dir))}

    def _generate_examples(self, folder: Path) -> Iterator[tuple[int, dict[str, Any]]]:
        c = self.builder_config
        values = attributes.read(folder, c.count)
        source, numbers = faces.find(folder, c.count)
        for number, png in faces.read(source, numbers, c.crop, c.resolution):
            factors = dict(zip(attributes.NAMES, values[number - 1].tolist(), strict=True))
            yield number, {"image": io.BytesIO(png), "factors": factors}
