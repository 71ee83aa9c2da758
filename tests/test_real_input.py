"""Real images as input of training: the grid of the data, and the Isaac3D samples if they are there."""

import csv
import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssgan_tf import config as configs
from ssgan_tf import data, models, visualize
from ssgan_tf.data import labeled_subset, pipeline
from ssgan_tf.models.semi_stylegan.model import SemiStyleGANOptions
from tfds_builders.labeled_folder.labeled_folder_dataset_builder import Builder, LabeledFolderConfig


@pytest.mark.parametrize("channels", [1, 3])
def test_the_data_grid_shows_the_images_bit_for_bit(channels: int) -> None:
    images = np.arange(10 * 64 * channels).reshape(10, 8, 8, channels).astype(np.uint8)  # all 256 values
    grid = visualize.data_grid(images, seed=0)
    assert grid.shape == (2 * 64 + 1, 8 * 64 + 7, 3)
    for i, image in enumerate(images):
        y, x = i // 8 * 65, i % 8 * 65
        assert (grid[y : y + 64 : 8, x : x + 64 : 8] == image).all()


def test_the_data_grid_samples_64_of_many_and_keeps_their_order() -> None:
    images = np.arange(200, dtype=np.uint8).reshape(200, 1, 1, 1) * np.ones([1, 64, 64, 1], np.uint8)
    shown = visualize.data_grid(images, seed=0)[32::65, 32::65, 0].ravel()
    assert len(np.unique(shown)) == 64
    assert (np.diff(shown.astype(int)) > 0).all()
    assert (shown != visualize.data_grid(images, seed=1)[32::65, 32::65, 0].ravel()).any()


@pytest.fixture
def isaac(real_samples: Path) -> Path:
    folder = real_samples / "isaac3d_samples"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    return folder


def prepare(isaac: Path, data_dir: Path) -> tuple[configs.Config, data.FactorDataset]:
    """Builds the data set of the 64x64 variant of the config, and loads it as training does."""
    config = configs.load_config("isaac3d_samples:64")
    name = config.data.dataset.partition("/")[2]
    builder = Builder(config=LabeledFolderConfig(name=name, folder=str(isaac), resolution=64), data_dir=data_dir)
    builder.download_and_prepare()
    return config, data.load(config.data.dataset, str(data_dir), config.data.factors)


def test_real_images_are_decoded_correctly(isaac: Path, tmp_path: Path) -> None:
    _, table = prepare(isaac, tmp_path)
    with open(isaac / "labels.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(table) == len(rows) == 42
    assert table.spec.sizes == (3, 8, 5, 4, 4, 4, 6, 4, 4)
    mask = table.spec.mask(table.factors)
    for i, row in enumerate(rows):
        original = Image.open(isaac / row["image"]).resize((64, 64), Image.Resampling.BOX)
        np.testing.assert_array_equal(table.images[i], np.asarray(original))
        cells = [row[name] for name in table.spec.names]
        assert table.factors[i].tolist() == [int(cell) if cell else -1 for cell in cells]
        assert mask[i].tolist() == [float(cell != "") for cell in cells]


def test_real_images_train(isaac: Path, tmp_path: Path) -> None:
    config, table = prepare(isaac, tmp_path)
    assert isinstance(config.model, SemiStyleGANOptions)
    network = dataclasses.replace(
        config.model.network, fmap_base=128, fmap_max=4, noise_size=4, style_size=4, mapping_layers=1
    )
    options = dataclasses.replace(config.model, network=network)
    model = models.make_model(options, table.spec, seed=0)
    model.run_eagerly = True  # tracing would take longer than three eager steps
    labeled = labeled_subset.choose_labeled(table.factors, config.data.labeled_fraction, 0)
    assert len(labeled) == 42  # the shape in every image is known
    batches = pipeline.batches(table, labeled, config.schedule.segments[0], 0)
    history = model.fit(batches, steps_per_epoch=3, verbose=0).history
    assert set(history) == {metric.name for metric in model.metrics}
    assert all(math.isfinite(value) for values in history.values() for value in values)
    assert int(model.step) == 3
