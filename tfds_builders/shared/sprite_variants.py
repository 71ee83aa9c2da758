"""Variants of dSprites and sprites2d: data sets that apply a random change to every sprite image.

The random numbers of an image depend only on the seed and the image's index, so every build writes the same bytes, in
any order and with any number of threads.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from tfds_builders.shared.grids import Grid
from tfds_builders.shared.images import in_parallel
from tfds_builders.shared.png import encode_png
from tfds_builders.sprites2d import grids

SOURCES = ("dsprites", "sprites2d", "sprites2d/demo")
# dSprites' factor names -> feature names of TFDS's builder.
_TFDS_LABELS = {
    "shape": "label_shape",
    "scale": "label_scale",
    "orientation": "label_orientation",
    "position_x": "label_x_position",
    "position_y": "label_y_position",
}
_BATCH = 64  # Images per task of a thread: handing over a single image costs more than processing it.

Values = dict[str, int]
# (share of each pixel covered by the sprite [R, R, 1] in [0, 1], random generator) -> image [R, R, 3] in [0, 1]
Decorate = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@dataclasses.dataclass
class VariantConfig(tfds.core.BuilderConfig):
    """Choice of the sprites and of the random seed.

    Args:
        source: One of SOURCES: dsprites as prepared by TFDS (downloaded if necessary), or sprites2d, drawn here.
        seed: Seed of all random numbers.
        first: Trials only: factor name -> number of its first values to use.

    Raises:
        ValueError: naming the field that is out of range.
    """

    source: str = "dsprites"
    seed: int = 0
    first: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        if self.source not in SOURCES:
            raise ValueError(f"source: expected one of {SOURCES}. Received: {self.source!r}.")
        if type(self.seed) is not int or not 0 <= self.seed < 2**63:
            raise ValueError(f"seed: expected a whole number from 0 to 2**63 - 1. Received: {self.seed!r}.")
        self.values.part(self.first)

    @property
    def values(self) -> Grid:
        """Factors and their numbers of values."""
        return grids.GRIDS["demo" if self.source == "sprites2d/demo" else "full"]

    @property
    def resolution(self) -> int:
        """Height and width of the images in pixels."""
        return 32 if self.source == "sprites2d/demo" else 64


def configs() -> list[VariantConfig]:
    """Returns one config per source, first the one used in the papers."""
    return [
        VariantConfig(name="dsprites", source="dsprites", description="737,280 images, from TFDS's dsprites."),
        VariantConfig(name="sprites2d", source="sprites2d", description="737,280 images, all drawn here."),
        VariantConfig(name="sprites2d_demo", source="sprites2d/demo", description="7,680 images of 32x32 pixels."),
    ]


def image_rng(seed: int, index: int) -> np.random.Generator:
    """Returns the random generator of image `index`; no other image or seed has the same numbers."""
    return np.random.Generator(np.random.Philox(counter=[0, 0, 0, index], key=[seed, 0]))


def sprites(config: VariantConfig, data_dir: str) -> Iterator[tuple[Values, np.ndarray]]:
    """Yields (factor values, sprite uint8 [R, R, 1]) of every source image, 0 black and 255 white, in source order.

    Args:
        config: Names the source.
        data_dir: Folder in which TFDS's dsprites is or will be prepared.

    Raises:
        ValueError: if dsprites has pixel values other than 0 and 1.
    """
    if config.source != "dsprites":
        for values, png in grids.draw_all(config.values, config.resolution, config.first):
            with Image.open(io.BytesIO(png)) as image:
                yield values, np.asarray(image)[:, :, None]
        return
    part = config.values.part(config.first)
    builder = tfds.builder("dsprites", data_dir=data_dir)
    builder.download_and_prepare()
    for example in builder.as_dataset(split="train").prefetch(1_000).as_numpy_iterator():
        values = {name: int(example[label]) for name, label in _TFDS_LABELS.items()}
        if any(values[name] >= size for name, size in part.factors.items()):
            continue
        if example["image"].max() != 1:  # TFDS keeps dSprites' pixel values, which are 0 and 1.
            raise ValueError(
                f"{builder.data_path}: expected images of 0 and 1, as dSprites has them. Received: a largest pixel of "
                f"{example['image'].max()} for {values}. Remove the folder, and build dsprites again."
            )
        yield values, example["image"] * np.uint8(255)


class VariantBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Base builder of sprite variants. A subclass implements `decoration`."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    builder_config: VariantConfig

    def decoration(self, dl_manager: tfds.download.DownloadManager) -> Decorate:
        """Returns the function applied to every image.

        Raises:
            FileNotFoundError, ValueError: if a file that it needs is missing or invalid.
        """
        raise NotImplementedError

    def _info(self) -> tfds.core.DatasetInfo:
        c = self.builder_config
        image = tfds.features.Image(shape=(c.resolution, c.resolution, 3), dtype=np.uint8, encoding_format="png")
        factors = {name: tfds.features.ClassLabel(num_classes=size) for name, size in c.values.factors.items()}
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict({"image": image, "factors": factors}))

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        return {"train": self._generate_examples(self.decoration(dl_manager))}

    def _generate_examples(self, decorate: Decorate) -> Iterator[tuple[int, dict[str, Any]]]:
        c = self.builder_config
        grid = c.values

        def finish(batch: list[tuple[Values, np.ndarray]]) -> list[tuple[int, dict[str, Any]]]:
            done = []
            for values, sprite in batch:
                index = grid.index_of(values)
                image = decorate(sprite / np.float32(255), image_rng(c.seed, index))
                # A higher level would not make noise any smaller.
                png = encode_png(np.rint(image * 255).astype(np.uint8), level=1)
                done.append((index, {"image": io.BytesIO(png), "factors": values}))
            return done

        # Three levels above name/config/version; the incomplete data set has the same depth.
        root = self.data_path.parents[2]
        images = sprites(c, str(root))
        batches = iter(lambda: list(itertools.islice(images, _BATCH)), [])
        for examples in in_parallel(finish, batches):
            yield from examples
