"""scene3d: rendered images of a room with one object, all factors of which are known."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow_datasets as tfds

from . import scenes, workers


@dataclasses.dataclass
class Scene3dConfig(tfds.core.BuilderConfig):
    """Choice of the scene and the resolution.

    Args:
        scene: Key of `scenes.SCENES`.
        resolution: Height and width of the images in pixels, one of `scenes.RESOLUTIONS`.
        first: Trials only: name of a view factor of the scene -> number of its first values to draw.

    Raises:
        ValueError: naming the field that is out of range.
    """

    scene: str = "demo"
    resolution: int = 32
    first: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        scene = scenes.find(self.scene)
        if self.resolution not in scenes.RESOLUTIONS:
            raise ValueError(f"resolution: expected one of {scenes.RESOLUTIONS}. Received: {self.resolution!r}.")
        for name, count in self.first.items():
            if name not in scene.view:
                raise ValueError(f"first: expected names among {scene.view}. Received: {name!r}.")
            if count < 1:
                raise ValueError(f"first[{name!r}]: expected 1 or more. Received: {count}.")

    def views(self) -> list[dict[str, int]]:
        """Returns the views to draw."""
        scene = scenes.SCENES[self.scene]
        every = scenes.combinations(scene, scene.view)
        return [view for view in every if all(view[name] < count for name, count in self.first.items())]


def _configs() -> list[Scene3dConfig]:
    """Returns configs `<scene>` at the scene's default resolution and `<scene>_<resolution>` at every other one."""
    configs = []
    for name, scene in scenes.SCENES.items():
        for resolution in (scene.resolution, *(r for r in scenes.RESOLUTIONS if r != scene.resolution)):
            configs.append(
                Scene3dConfig(
                    name=name if resolution == scene.resolution else f"{name}_{resolution}",
                    description=f"{scene.size:,} images of {resolution}x{resolution} pixels.",
                    scene=name,
                    resolution=resolution,
                )
            )
    return configs


class Builder(tfds.core.GeneratorBasedBuilder):
    """Draws all images itself, without a download. TFDS names the data set after the folder of this file."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    BUILDER_CONFIGS = _configs()

    def _info(self) -> tfds.core.DatasetInfo:
        config = self.builder_config
        factors = scenes.SCENES[config.scene].factors
        shape = (config.resolution, config.resolution, 3)
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=shape, encoding_format="png"),
                    "factors": {name: tfds.features.ClassLabel(num_classes=size) for name, size in factors.items()},
                }
            ),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Iterator[tuple[int, dict[str, Any]]]:
        config = self.builder_config
        factors = scenes.SCENES[config.scene].factors
        for values, png in workers.draw_all(config.scene, config.resolution, config.views()):
            yield scenes.index_of(factors, values), {"image": io.BytesIO(png), "factors": values}
