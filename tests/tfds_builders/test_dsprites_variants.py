"""dsprites_noisy, dsprites_color, dsprites_scream: the changes to the sprites, and that they are reproducible."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from ssgan_tf import data
from tests.support import grid_files
from tfds_builders.dsprites_color import dsprites_color_dataset_builder as color
from tfds_builders.dsprites_noisy import dsprites_noisy_dataset_builder as noisy
from tfds_builders.dsprites_scream import dsprites_scream_dataset_builder as scream
from tfds_builders.dsprites_scream import painting
from tfds_builders.shared import sprite_variants
from tfds_builders.shared.sprite_variants import VariantConfig
from tfds_builders.sprites2d import grids

FIRST = {"scale": 2, "orientation": 2, "position_x": 3, "position_y": 2}
TINY = VariantConfig(name="tiny", source="sprites2d/demo", first=FIRST)
TINY_SIZE = 3 * 2 * 2 * 3 * 2
DEMO = grids.GRIDS["demo"]


def paint(folder: Path, size: tuple[int, int] = (400, 520), name: str = "scream.jpg") -> np.ndarray:
    """Saves a smooth image in which every part looks different, and returns its pixels."""
    x, y = np.meshgrid(np.linspace(0, 255, size[0]), np.linspace(0, 255, size[1]))
    pixels = np.stack([x, y, 255 - (x + y) / 2], axis=-1).astype(np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(folder / name)
    return pixels


class NoisyTest(tfds.testing.DatasetBuilderTestCase):
    """TFDS's tests of every builder."""

    DATASET_CLASS = noisy.Builder
    BUILDER_CONFIG_NAMES_TO_TEST = [TINY]
    SPLITS = {"train": TINY_SIZE}
    EXAMPLE_DIR = os.path.dirname(__file__)  # required by TFDS; the builder reads no files


class ScreamTest(grid_files.BuilderTestCase):
    DATASET_CLASS = scream.Builder
    BUILDER_CONFIG_NAMES_TO_TEST = [TINY]
    SPLITS = {"train": TINY_SIZE}

    @classmethod
    def write_files(cls, folder):
        paint(folder)


def build(module, data_dir: Path, config: VariantConfig = TINY, manual: Path | None = None) -> data.FactorDataset:
    """Prepares a variant and reads it as training does."""
    builder = grid_files.prepare(module.Builder, config, manual, data_dir)
    return data.load(f"{builder.name}/{config.name}", str(data_dir), grids.FACTORS)


def sprites_of(table: data.FactorDataset) -> np.ndarray:
    """Draws the sprites [N, R, R, 1] in [0, 1] for the labels of a variant of the demo grid."""
    rows = [dict(zip(grids.FACTORS, row.tolist(), strict=True)) for row in table.factors]
    return np.stack([grids.draw(DEMO, 32, values) for values in rows]) / 255


def test_noise_is_uniform_in_three_channels_behind_a_white_sprite(tmp_path):
    table = build(noisy, tmp_path)
    sprite = np.broadcast_to(sprites_of(table), table.images.shape)
    assert (table.images[sprite == 1] == 255).all()
    behind = table.images[sprite == 0]
    assert behind.mean() == pytest.approx(127.5, abs=1)
    counts = np.bincount(behind // 32, minlength=8) / len(behind)
    assert counts == pytest.approx(np.full(8, 1 / 8), abs=0.005)
    black = table.images[np.broadcast_to(sprites_of(table) == 0, table.images.shape)].reshape(-1, 3).astype(float)
    assert np.abs(np.corrcoef(black.T) - np.eye(3)).max() < 0.02


def test_every_sprite_has_its_own_colour_between_half_and_full(tmp_path):
    table = build(color, tmp_path)
    sprite = sprites_of(table)
    colours = table.images.max(axis=(1, 2)).astype(float)  # where the sprite covers the pixel
    assert colours.min() >= 127 and len(np.unique(colours, axis=0)) == TINY_SIZE
    assert colours.mean() == pytest.approx(0.75 * 255, abs=8)
    np.testing.assert_allclose(table.images, sprite * colours[:, None, None, :], atol=1)


def test_the_sprite_is_the_negative_of_the_part_of_the_painting(tmp_path):
    canvas = np.random.default_rng(0).random([70, 90, 3]).astype(np.float32)
    sprite = np.zeros([64, 64, 1], np.float32)
    sprite[20:30, 20:40], sprite[40, 40] = 1, 0.5
    seen = set()
    for index in range(200):
        image = painting.embed(canvas, sprite, sprite_variants.image_rng(0, index))
        rng = sprite_variants.image_rng(0, index)
        top, left = int(rng.integers(7)), int(rng.integers(27))
        seen |= {("top", top), ("left", left)}
        tint = 2 * image[0, 0] - canvas[top, left]
        assert (0 <= tint).all() and (tint <= 1).all()
        background = (canvas[top : top + 64, left : left + 64] + tint) / 2
        np.testing.assert_allclose(image[sprite[..., 0] == 0], background[sprite[..., 0] == 0], atol=1e-5)
        np.testing.assert_allclose(image[sprite[..., 0] == 1], 1 - background[sprite[..., 0] == 1], atol=1e-5)
        assert image[40, 40] == pytest.approx(np.full(3, 0.5))
    assert len(seen) == 7 + 27  # all positions, including the last


def test_the_painting_is_shrunk_into_its_frame(tmp_path):
    pixels = paint(tmp_path, (700, 548), "scream.png")
    canvas = painting.read(tmp_path, 64)
    assert canvas.shape == (274, 350, 3)
    wanted = pixels.reshape(274, 2, 350, 2, 3).mean(axis=(1, 3)) / 255
    np.testing.assert_allclose(canvas, wanted, atol=1.1 / 255)
    paint(tmp_path, (100, 80), "scream.png")
    assert painting.read(tmp_path, 64).shape == (80, 100, 3)  # never enlarged


@pytest.mark.parametrize("module", [noisy, color, scream])
def test_two_builds_write_the_same_bytes_and_another_seed_different_ones(module, tmp_path):
    paint(tmp_path / "manual")
    few = {**FIRST, "shape": 1, "scale": 1}
    configs = [VariantConfig(name="tiny", source="sprites2d/demo", seed=seed, first=few) for seed in (0, 0, 1)]
    files = []
    for number, config in enumerate(configs):
        build(module, tmp_path / str(number), config, tmp_path / "manual")
        files.append([file.read_bytes() for file in sorted((tmp_path / str(number)).rglob("*.tfrecord*"))])
    assert files[0] and files[0] == files[1] and files[0] != files[2]


def test_random_numbers_depend_on_the_image_and_not_on_its_position(tmp_path):
    fewer = VariantConfig(name="tiny", source="sprites2d/demo", first={**FIRST, "shape": 1})
    tables = [build(noisy, tmp_path / str(i), config) for i, config in enumerate([TINY, fewer])]
    whole, part = ({tuple(row): image for row, image in zip(t.factors, t.images, strict=True)} for t in tables)
    assert 0 < len(part) < len(whole)
    for row, image in part.items():
        np.testing.assert_array_equal(image, whole[row])


def prepare_dsprites(data_dir: Path, monkeypatch, white: int = 1) -> dict[tuple, np.ndarray]:
    """Prepares `dsprites` with TFDS's own builder from a small file of the published layout, and returns its images."""
    rng = np.random.default_rng(0)
    classes = np.stack([np.zeros(12, int), *(rng.integers(0, size, 12) for size in (3, 6, 40, 32, 32))], axis=1)
    images = np.where(rng.random([12, 64, 64]) < 0.1, white, 0).astype(np.uint8)
    path = data_dir / "dsprites.hdf5"
    data_dir.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["imgs"] = images
        file["latents/classes"] = classes
        file["latents/values"] = classes.astype(float)
    with monkeypatch.context() as patch:
        patch.setattr(tfds.download.DownloadManager, "download", lambda self, url: str(path))
        tfds.builder("dsprites", data_dir=data_dir).download_and_prepare()
    return {tuple(row[1:]): image for row, image in zip(classes.tolist(), images, strict=True)}


def test_sprites_come_from_the_dsprites_of_tfds(repository, tmp_path, monkeypatch):
    """Runs the command line; dsprites is prepared already, so nothing is downloaded."""
    expected = prepare_dsprites(tmp_path / "data", monkeypatch)
    paint(tmp_path / "manual")
    command = [sys.executable, "-m", "tensorflow_datasets.scripts.cli.main", "build"]
    where = [f"--data_dir={tmp_path / 'data'}", f"--manual_dir={tmp_path / 'manual'}"]
    subprocess.run(
        [*command, "tfds_builders/dsprites_scream", "--config=dsprites", *where],
        cwd=repository,
        check=True,
        capture_output=True,
    )
    table = data.load("dsprites_scream/dsprites", str(tmp_path / "data"), grids.FACTORS)
    assert table.spec.sizes == (3, 6, 40, 32, 32) and table.images.shape == (12, 64, 64, 3)
    assert {tuple(row) for row in table.factors} == set(expected)
    coloured = build(color, tmp_path / "data", VariantConfig(name="mine"))
    for row, image in zip(coloured.factors, coloured.images, strict=True):
        np.testing.assert_array_equal(image.max(axis=-1) > 0, expected[tuple(row)] == 1)


def test_sprites_with_other_pixels_than_0_and_1_are_rejected(tmp_path, monkeypatch):
    prepare_dsprites(tmp_path, monkeypatch, white=255)
    with pytest.raises(ValueError, match="dsprites.*expected images of 0 and 1.*Received: a largest pixel of 255"):
        build(noisy, tmp_path, VariantConfig(name="mine"))


def test_configs(tmp_path):
    for module in (noisy, color, scream):
        infos = {c.name: module.Builder(config=c.name, data_dir=tmp_path).info for c in module.Builder.BUILDER_CONFIGS}
        assert list(infos) == ["dsprites", "sprites2d", "sprites2d_demo"]
        edges = [info.features["image"].shape for info in infos.values()]
        assert edges == [(64, 64, 3), (64, 64, 3), (32, 32, 3)]
        sizes = {name: label.num_classes for name, label in infos["dsprites"].features["factors"].items()}
        assert sizes == {"shape": 3, "scale": 6, "orientation": 40, "position_x": 32, "position_y": 32}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"source": "cars"}, "source: expected one of .*Received: 'cars'"),
        ({"seed": -1}, "seed: expected a whole number from 0 to .*Received: -1"),
        ({"first": {"color": 1}}, "first: expected names among .*Received: 'color'"),
    ],
)
def test_bad_configs_name_the_field(fields, message):
    with pytest.raises(ValueError, match=message):
        VariantConfig(name="bad", **fields)


def test_a_missing_painting(tmp_path):
    (tmp_path / "manual").mkdir()
    (tmp_path / "manual" / "other.txt").write_text("no painting")
    with pytest.raises(FileNotFoundError, match="manual: expected an image 'scream.jpg'.*--manual_dir=FOLDER"):
        build(scream, tmp_path / "data", TINY, tmp_path / "manual")
    with pytest.raises(AssertionError, match="(?s)nowhere does not exist or is empty.*scream.jpg"):
        build(scream, tmp_path / "data", TINY, tmp_path / "nowhere")


@pytest.mark.parametrize(("content", "message"), [(b"", "cannot be read"), (b"not an image", "cannot be read")])
def test_a_painting_that_cannot_be_read(content, message, tmp_path):
    (tmp_path / "scream.jpg").write_bytes(content)
    with pytest.raises(ValueError, match=f"scream.jpg: the image {message}"):
        painting.read(tmp_path, 64)


def test_a_painting_that_is_truncated_or_too_small(tmp_path):
    paint(tmp_path)
    (tmp_path / "scream.jpg").write_bytes((tmp_path / "scream.jpg").read_bytes()[:2000])
    with pytest.raises(ValueError, match="scream.jpg: the image cannot be read"):
        painting.read(tmp_path, 64)
    paint(tmp_path, (60, 200))
    with pytest.raises(ValueError, match="at least 64 pixels in both directions.*Received: 60x200"):
        painting.read(tmp_path, 64)
