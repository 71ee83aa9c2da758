"""Falcor3D: the order of its files, its label file, its resolutions. See test_isaac3d.py for the rest."""

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tests.support import grid_files
from tests.support.grid_files import label_table, npy, numbered_image, pack, png, read_back, write_release
from tfds_builders.falcor3d.falcor3d_dataset_builder import GRID, RELEASES, Builder
from tfds_builders.shared import images as shared_images
from tfds_builders.shared.png_grids import PngGridConfig

FULL, SMALL = RELEASES
FIRST = {**dict.fromkeys(GRID.factors, 1), "lighting_intensity": 2, "camera_x_pos": 2}
INDICES = [0, 36, 46656, 46692]


@pytest.fixture
def manual(tmp_path: Path) -> Path:
    """Returns a download folder with the 128-pixel release."""
    write_release(tmp_path / "manual", SMALL, GRID, FIRST, npy(label_table(GRID)))
    return tmp_path / "manual"


def make(manual_dir: Path, data_dir: Path, **fields) -> tfds.core.DatasetBuilder:
    config = PngGridConfig(**{"name": "tiny", "first": FIRST, **fields})
    return grid_files.prepare(Builder, config, manual_dir, data_dir)


def load(data_dir: Path) -> dict[int, np.ndarray]:
    return read_back("falcor3d/tiny", data_dir, GRID)


class Falcor3dTest(grid_files.BuilderTestCase):
    DATASET_CLASS = Builder
    SPLITS = {"train": 4}
    BUILDER_CONFIG_NAMES_TO_TEST = [PngGridConfig(name="tiny", resolution=512, first=FIRST)]

    @classmethod
    def write_files(cls, folder):
        write_release(folder, FULL, GRID, FIRST, npy(label_table(GRID)))


def test_the_order_of_the_files_is_the_published_one() -> None:
    assert GRID.size == 233_280
    assert GRID.sizes == (5, 6, 6, 6, 6, 6, 6)
    assert list(GRID.bases.items()) == [
        ("lighting_intensity", 46656),
        ("lighting_x_dir", 7776),
        ("lighting_y_dir", 1296),
        ("lighting_z_dir", 216),
        ("camera_x_pos", 36),
        ("camera_y_pos", 6),
        ("camera_z_pos", 1),
    ]
    assert GRID.index_of({name: size - 1 for name, size in GRID.factors.items()}) == 233_279
    assert GRID.values_of(46656 * 4 + 7776 + 36 * 5 + 2) == {
        **dict.fromkeys(GRID.factors, 0),
        "lighting_intensity": 4,
        "lighting_x_dir": 1,
        "camera_x_pos": 5,
        "camera_z_pos": 2,
    }


def test_configs_and_their_images(tmp_path: Path) -> None:
    edges = {"full": 1024, "release128": 128, "64": 64, "256": 256, "512": 512}
    assert list(Builder.builder_configs) == list(edges)
    for name, edge in edges.items():
        info = Builder(config=name, data_dir=tmp_path).info
        assert (info.name, info.features["image"].shape) == ("falcor3d", (edge, edge, 3))
        assert {k: v.num_classes for k, v in info.features["factors"].items()} == GRID.factors


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "tar.gz"])
def test_the_release_of_128_pixels_is_kept(packed: bool, manual: Path, tmp_path: Path) -> None:
    published = {file.read_bytes() for file in manual.rglob("*.png")}
    if packed:
        pack(manual / SMALL.folder, manual / "Falcor3D_down128.tar.gz")
    builder = make(manual, tmp_path / "data", release="release128")
    stored = builder.as_dataset(split="train", decoders={"image": tfds.decode.SkipDecoding()})
    assert {row["image"] for row in stored.as_numpy_iterator()} == published
    images = load(tmp_path / "data")
    assert sorted(images) == INDICES
    assert all(np.array_equal(image, numbered_image(index, 128)) for index, image in images.items())


def test_the_full_release_becomes_any_size_below_its_own(tmp_path: Path) -> None:
    write_release(tmp_path / "manual", FULL, GRID, FIRST)
    metadata = make(tmp_path / "manual", tmp_path / "data", resolution=256).info.metadata
    assert metadata == {"release": "full", "read_from": "Falcor3D", "read_resolution": 1024}
    for index, image in load(tmp_path / "data").items():
        assert np.array_equal(image, numbered_image(index, 256))  # reducing keeps squares of one colour


def test_bad_files_are_named(manual: Path, tmp_path: Path) -> None:
    folder = manual / SMALL.folder
    names = folder / "images" / "000036.png", folder / "train-rec.labels"
    good = [file.read_bytes() for file in names]
    shifted = npy(np.roll(label_table(GRID), 1, axis=0))
    for file, content, message in [
        (names[0], None, "Received: 1 missing, the first 'Falcor3D_down128/images/000036.png'."),
        (
            names[0],
            png(numbered_image(36, 256)),
            "000036.png: expected 128x128 pixels, RGB, 8 bits per channel. Received: 256x",
        ),
        (names[0], good[0][:-50], "000036.png: the PNG file is damaged ("),
        (names[1], None, "expected 'Falcor3D_down128/train-rec.labels' next to the images."),
        (names[1], shifted, "train-rec.labels, column 0 (lighting_intensity): expected values that rise in the rows 0"),
    ]:
        file.unlink()
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(ValueError) as error:
            make(manual, tmp_path / "data", resolution=64)
        assert message in str(error.value)
        assert not list(tmp_path.glob("data/falcor3d/tiny/*"))
        for path, content in zip(names, good, strict=True):
            path.write_bytes(content)
    assert len(make(manual, tmp_path / "data", resolution=64).as_dataset(split="train")) == 4


def test_labels_of_the_full_release_are_checked_if_they_exist(tmp_path: Path) -> None:
    write_release(tmp_path / "manual", FULL, GRID, FIRST, npy(label_table(GRID)[::-1]))
    with pytest.raises(ValueError, match=r"train-rec.labels, column 0 \(lighting_intensity\): expected values"):
        make(tmp_path / "manual", tmp_path / "data", resolution=64)


def test_an_archive_that_leads_elsewhere_is_refused(manual: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(pack(manual / SMALL.folder, manual / "Falcor3D_128x128.zip"), "a") as archive:
        archive.writestr("Falcor3D_down128/../../evil.png", b"")
    with pytest.raises(ValueError, match="Falcor3D_128x128.zip: the member 'Falcor3D_down128/../../evil.png' leads"):
        make(manual, tmp_path / "data", resolution=64)


@pytest.mark.slow
def test_the_command_line_builds_it(manual: Path, repository: Path, tmp_path: Path) -> None:
    config = {"name": "tiny", "release": "release128", "first": FIRST}
    grid_files.run_tfds_build(repository / "tfds_builders" / "falcor3d", "", config, manual, tmp_path / "data")
    assert sorted(load(tmp_path / "data")) == INDICES


def test_real_images_are_as_expected(real_samples: Path) -> None:
    files = sorted((real_samples / "falcor3d_samples").glob("*.png"))
    assert len(files) == 41
    for file in files[::4]:  # a quarter: each takes a tenth of a second
        shared_images.open_png(file.read_bytes(), FULL.edge, os.fspath(file))
