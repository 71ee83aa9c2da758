"""Data sets that are dSprites, or sprites2d, with something random done to every picture.

What is random about a picture depends on the seed and on the picture's number alone: two builds write the same bytes,
in whatever order and on however many threads.
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
from tfds_builders.shared.pictures import in_parallel
from tfds_builders.shared.png import encode_png
from tfds_builders.sprites2d import grids

SOURCES = ("dsprites", "sprites2d", "sprites2d/demo")
# dSprites' own names for the factors -> those of TFDS's builder.
_TFDS_LABELS = {
    "shape": "label_shape",
    "scale": "label_scale",
    "orientation": "label_orientation",
    "position_x": "label_x_position",
    "position_y": "label_y_position",
}
_AT_ONCE = 64  # Pictures that one thread takes together: one alone is less work than handing it over.

Values = dict[str, int]
# (share of each pixel that the sprite covers [R, R, 1] in [0, 1], randomness) -> picture [R, R, 3] in [0, 1]
Decorate = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@dataclasses.dataclass
class VariantConfig(tfds.core.BuilderConfig):
    """Which sprites, and the seed of what is random.

    Args:
        source: one of SOURCES: TFDS's own dsprites (downloaded where it is not prepared), or sprites2d, drawn here.
        seed: of everything random.
        first: for trials, takes only the first values of some factors (name -> how many).

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
        """The factors and how many values each has."""
        return grids.GRIDS["demo" if self.source == "sprites2d/demo" else "full"]

    @property
    def resolution(self) -> int:
        """Edge of the pictures in pixels."""
        return 32 if self.source == "sprites2d/demo" else 64


def configs() -> list[VariantConfig]:
    """One for each source; the first is what the papers used."""
    return [
        VariantConfig(name="dsprites", source="dsprites", description="737,280 pictures, from TFDS's own dsprites."),
        VariantConfig(name="sprites2d", source="sprites2d", description="737,280 pictures, all drawn here."),
        VariantConfig(name="sprites2d_demo", source="sprites2d/demo", description="7,680 pictures of 32x32 pixels."),
    ]


def randomness(seed: int, index: int) -> np.random.Generator:
    """Random numbers of picture number `index`, none of which another picture or another seed has."""
    return np.random.Generator(np.random.Philox(counter=[0, 0, 0, index], key=[seed, 0]))


def sprites(config: VariantConfig, data_dir: str) -> Iterator[tuple[Values, np.ndarray]]:
    """(values, sprite uint8 [R, R, 1]) of every picture of the source, 0 black and 255 white, in the source's order.

    Args:
        config: names the source.
        data_dir: where TFDS's dsprites is prepared, or will be.

    Raises:
        ValueError: if dsprites holds other values than it is known to.
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
        if example["image"].max() != 1:  # TFDS passes on what dSprites holds.
            raise ValueError(
                f"{builder.data_path}: expected images of 0 and 1, as dSprites has them. Received: a largest pixel of "
                f"{example['image'].max()} for {values}. Remove the folder, and build dsprites again."
            )
        yield values, example["image"] * np.uint8(255)


class VariantBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
    """A data set of sprites that only has to say what is done to a picture."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    builder_config: VariantConfig

    def decoration(self, dl_manager: tfds.download.DownloadManager) -> Decorate:
        """What is done to every picture; raises ValueError or FileNotFoundError for files that it needs."""
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
                picture = decorate(sprite / np.float32(255), randomness(c.seed, index))
                png = encode_png(np.rint(picture * 255).astype(np.uint8), level=1)  # Noise is no smaller with more.
                done.append((index, {"image": io.BytesIO(png), "factors": values}))
            return done

        root = self.data_path.parents[2]  # name/config/version lie below it, also while the data set is incomplete.
        pictures = sprites(c, str(root))
        batches = iter(lambda: list(itertools.islice(pictures, _AT_ONCE)), [])
        for examples in in_parallel(finish, batches):
            yield from examples
