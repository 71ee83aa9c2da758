"""A fake data set of 60 tiny images, and configs that train on it in seconds."""

from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

DATASET = "fake/tiny"
SIZES = {"hue": 3, "shape": 2, "angle": 5}  # deliberately not in alphabetical order
UNKNOWN_EVERY = 4  # the hue of every fourth image is unknown, and every label of every eighth

CONFIG = """
from ssgan_tf.config import Config, DataOptions, NetworkOptions, Phase, TrainOptions
from ssgan_tf.models import SemiStyleGANOptions


def get_config():
    network = NetworkOptions(resolution=8, fmap_base=16, fmap_max=4, noise_size=4, style_size=4, mapping_layers=1)
    return Config(
        data=DataOptions(dataset="fake/tiny", labeled_fraction=0.25),
        model=SemiStyleGANOptions(network=network, r1_interval=2),
        phases=(Phase(batch=8, labeled_batch=4, decay_images=256),),
        train=TrainOptions(images=128, log_every=16, sample_every=64, checkpoint_every=16, keep_checkpoints=3),
    )
"""

PHASE = "Phase(batch=8, labeled_batch=4, decay_images=256)"
GROWING = """Phase(8, images=32, batch=8, labeled_batch=4),
            Phase(16, fade_images=32, batch=8, labeled_batch=2, learning_rate=0.002, fresh_optimizers=True)"""
GROWING_CONFIG = CONFIG.replace("resolution=8", "resolution=16").replace(PHASE, GROWING)


def arrays(count: int = 60, resolution: int = 8, readable: bool = False) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Returns images uint8 [N,R,R,3], all different, and labels {name: int [N]}, -1 where unknown.

    Images are noise unless they are to be `readable`: then each label shows in the brightness of one channel.
    """
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, [count, resolution, resolution, 3], np.uint8)
    images[:, 0, 0, 0] = np.arange(count) % 256  # the row number, for `row_numbers`
    labels = {name: rng.integers(0, size, count) for name, size in SIZES.items()}
    for channel, (name, size) in enumerate(SIZES.items()):
        if readable:
            level = (190 // (size - 1) * labels[name]).astype(np.uint8)
            images[:, 1:, :, channel] = images[:, 1:, :, channel] // 4 + level[:, None, None]
    labels["hue"][::UNKNOWN_EVERY] = -1
    for values in labels.values():
        values[:: 2 * UNKNOWN_EVERY] = -1
    return images, labels


class Fake(tfds.core.GeneratorBasedBuilder):
    """Builder of `fake/tiny`, in the schema that the package reads: one split "train" of image and factors."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name="tiny")]
    count, resolution, readable = 60, 8, False

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
        images, labels = arrays(self.count, self.resolution, self.readable)
        for i, image in enumerate(images):
            yield i, {"image": image, "factors": {name: int(values[i]) for name, values in labels.items()}}


def row_numbers(images) -> np.ndarray:
    """Returns the row numbers that `arrays` wrote into the images, which may be uint8 or float."""
    corner = np.asarray(images)[:, 0, 0, 0]
    return corner.astype(int) if corner.dtype == np.uint8 else np.rint((corner + 1) * 127.5).astype(int)


def prepare(data_dir: Path) -> Path:
    """Prepares DATASET in `data_dir`, as `tfds build` would; returns the folder."""
    Fake(config="tiny", data_dir=data_dir).download_and_prepare(
        download_config=tfds.download.DownloadConfig(try_download_gcs=False)
    )
    return data_dir
