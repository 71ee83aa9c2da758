"""A tiny prepared data set on disk, made as TFDS makes the real ones, and a config that trains on it in seconds."""

from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

DATASET = "fake/tiny"
SIZES = {"hue": 3, "shape": 2, "angle": 5}  # not in alphabetical order, on purpose
UNKNOWN_EVERY = 4  # the hue of every fourth image is unknown, and every label of every eighth


def arrays(count: int = 60, resolution: int = 8) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Images uint8 [N,R,R,3], of which no two are alike, and labels {name: int [N]}, -1 where unknown."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, [count, resolution, resolution, 3], np.uint8)
    images[:, 0, 0, 0] = np.arange(count) % 256  # the row number, so that a test can tell which image it sees
    labels = {name: rng.integers(0, size, count) for name, size in SIZES.items()}
    labels["hue"][::UNKNOWN_EVERY] = -1
    for values in labels.values():
        values[:: 2 * UNKNOWN_EVERY] = -1
    return images, labels


class Fake(tfds.core.GeneratorBasedBuilder):
    """The schema that the package reads: one split "train" of image and factors."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name="tiny")]
    count, resolution = 60, 8

    def _info(self) -> tfds.core.DatasetInfo:
        shape = (self.resolution, self.resolution, 3)
        factors = {name: tfds.features.ClassLabel(num_classes=size) for name, size in SIZES.items()}
        features = {
            "image": tfds.features.Image(shape=shape, dtype=np.uint8, encoding_format="png"),
            "factors": tfds.features.FeaturesDict(factors),
        }
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        images, labels = arrays(self.count, self.resolution)
        for i, image in enumerate(images):
            yield i, {"image": image, "factors": {name: int(values[i]) for name, values in labels.items()}}


def prepare(data_dir: Path) -> Path:
    """Builds DATASET under `data_dir`, as `tfds build` would, and returns the folder."""
    Fake(config="tiny", data_dir=data_dir).download_and_prepare(
        download_config=tfds.download.DownloadConfig(try_download_gcs=False)
    )
    return data_dir
