"""MPI3D: two grid sizes under the same names, and arrays that are streamed from disk."""

import io
import tracemalloc
import zipfile
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tests.support import grid_files
from tests.support.grid_files import numbered_image, read_back
from tfds_builders.mpi3d import stream
from tfds_builders.mpi3d.mpi3d_dataset_builder import LARGE, RELEASES, SMALL, Builder, Mpi3dConfig

FIRST = {**dict.fromkeys(SMALL.factors, 1), "object_color": 3, "object_shape": 2, "vertical_axis": 2}
INDICES = [c * 115200 + s * 28800 + v for c in range(3) for s in range(2) for v in range(2)]
TOY = "mpi3d_toy.npz"


def write(folder: Path, name: str = TOY, images: np.ndarray | None = None, key: str = "images") -> Path:
    """Writes a file with 12 images, or with the given ones, and returns its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / name, **{key: np.stack([numbered_image(i, 64) for i in range(12)]) if images is None else images})
    return folder


@pytest.fixture
def manual(tmp_path: Path) -> Path:
    return write(tmp_path / "manual")


def make(manual_dir: Path, data_dir: Path, **fields) -> tfds.core.DatasetBuilder:
    config = Mpi3dConfig(**{"name": "tiny", "first": FIRST, **fields})
    return grid_files.prepare(Builder, config, manual_dir, data_dir)


def check(data_dir: Path) -> None:
    """Checks each image against its labels."""
    images = read_back("mpi3d/tiny", data_dir, SMALL)
    assert sorted(images) == INDICES
    assert all(np.array_equal(images[index], numbered_image(place, 64)) for place, index in enumerate(INDICES))


class Mpi3dTest(grid_files.BuilderTestCase):
    DATASET_CLASS = Builder
    SPLITS = {"train": 12}
    BUILDER_CONFIG_NAMES_TO_TEST = [Mpi3dConfig(name="tiny", first=FIRST)]

    @classmethod
    def write_files(cls, folder):
        write(folder)


@pytest.mark.parametrize("place", ["toy.npz", "mpi3d_toy/mpi3d_toy.npz"])
def test_files_under_short_names_and_in_folders_of_their_own(place: str, tmp_path: Path) -> None:
    write((tmp_path / "manual" / place).parent, Path(place).name)
    make(tmp_path / "manual", tmp_path / "data")
    check(tmp_path / "data")
    assert "real.npz" in RELEASES["real"].files


def test_the_grids() -> None:
    assert (SMALL.size, LARGE.size) == (460_800, 1_036_800)
    assert SMALL.bases == {
        "object_color": 115200,
        "object_shape": 28800,
        "object_size": 14400,
        "camera_height": 4800,
        "background_color": 1600,
        "horizontal_axis": 40,
        "vertical_axis": 1,
    }
    assert LARGE.sizes == (6, 6, 2, 3, 3, 40, 40)


def test_configs_and_their_images(tmp_path: Path) -> None:
    counts = {name: release.grid.size for name, release in RELEASES.items()}
    assert (counts["toy"], counts["realistic"], counts["real"]) == (460_800, 460_800, 1_036_800)
    assert list(Builder.builder_configs) == list(RELEASES)
    for name, release in RELEASES.items():
        info = Builder(config=name, data_dir=tmp_path).info
        assert (info.name, info.features["image"].shape) == ("mpi3d", (64, 64, 3))
        assert {k: v.num_classes for k, v in info.features["factors"].items()} == release.grid.factors


def test_images_get_the_values_of_their_position(manual: Path, tmp_path: Path) -> None:
    assert make(manual, tmp_path / "data").info.metadata == {"release": "toy", "read_from": TOY}
    check(tmp_path / "data")


def test_a_compressed_file_with_an_axis_per_factor_gives_the_same_images(tmp_path: Path) -> None:
    (tmp_path / "manual").mkdir()
    images = np.stack([numbered_image(i, 64) for i in range(12)]).reshape(3, 2, 1, 1, 1, 1, 2, 64, 64, 3)
    np.savez_compressed(tmp_path / "manual" / "sim_toy_64x_ordered_without_heldout_factors.npz", images=images)
    make(tmp_path / "manual", tmp_path / "data")
    check(tmp_path / "data")


def test_an_array_is_streamed(tmp_path: Path) -> None:
    count = 4000  # 47 MiB
    path = write(tmp_path, images=np.zeros([count, 64, 64, 3], np.uint8)) / TOY
    tracemalloc.start()
    assert sum(1 for _ in stream.read_images(path, count, "")) == count
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**22


def test_the_other_release_of_the_same_name_is_told_apart(manual: Path, tmp_path: Path) -> None:
    for release, count, other in (("toy", 460_800, "toy_1036800"), ("toy_1036800", 1_036_800, "toy, realistic")):
        with pytest.raises(ValueError) as error:
            make(manual, tmp_path / "data", release=release, first={})
        assert f"mpi3d_toy.npz: expected {count:,} images. Received: 12. The other release" in str(error.value)
        assert other in str(error.value)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def with_member(path: Path, name: str, mode: Literal["a", "w"] = "a") -> None:
    with zipfile.ZipFile(path, mode) as archive:
        archive.writestr(name, b"")


def cut_or_longer(path: Path, cut: int, more: bytes) -> None:
    """Writes an array that is shorter or longer than its header says, in a valid archive."""
    buffer = io.BytesIO()
    np.save(buffer, ONE)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", buffer.getvalue()[: len(buffer.getvalue()) - cut] + more)


ONE = np.zeros([12, 64, 64, 3], np.uint8)
BAD_FILES = {
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:-500]), "the .npz file cannot be read (BadZipFile: "),
    "flipped bit": (flip, "the .npz file cannot be read (BadZipFile: Bad CRC-32"),
    "ends early": (lambda path: cut_or_longer(path, 100, b""), "the array ends after 11 of 12 images."),
    "goes on": (lambda path: cut_or_longer(path, 0, b"more"), "the array is longer than 12 images."),
    "other key": (lambda path: write(path.parent, key="x"), "expected one array, 'images'. Received: ['x.npy']."),
    "leads out": (lambda path: with_member(path, "../evil"), "Received: ['images.npy', '../evil']."),
    "no array": (lambda path: with_member(path, "images.npy", "w"), "images.npy is not a NumPy array ("),
    "one less": (lambda path: write(path.parent, images=ONE[1:]), "expected 12 images. Received: 11. The other rel"),
    "one more": (lambda path: write(path.parent, images=np.zeros([13, 64, 64, 3], np.uint8)), "Received: 13."),
    "size": (lambda path: write(path.parent, images=ONE[:, ::2]), "Received: uint8 [12, 32, 64, 3]."),
    "type": (lambda path: write(path.parent, images=ONE / 255), "Received: float64 [12, 64, 64, 3]."),
    "pickled": (lambda path: write(path.parent, images=ONE.astype(object)), "Received: object [12, 64, 64, 3]."),
    "Fortran": (lambda path: write(path.parent, images=np.asfortranarray(ONE)), "[12, 64, 64, 3] in Fortran order."),
}


@pytest.mark.parametrize(("spoil", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_files_are_named(spoil, message: str, manual: Path, tmp_path: Path) -> None:
    spoil(manual / TOY)
    with pytest.raises(ValueError) as error:
        make(manual, tmp_path / "data")
    assert str(error.value).startswith(f"{manual / TOY}: ")
    assert message in str(error.value)
    assert not list(tmp_path.glob("data/mpi3d/tiny/*"))


def test_a_folder_without_downloads_is_answered_with_instructions(manual: Path, tmp_path: Path) -> None:
    message = "expected mpi3d_real.npz or real.npz in .* Received: a folder with mpi3d_toy.npz"
    with pytest.raises(FileNotFoundError, match=message):
        make(manual, tmp_path / "data", release="real")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"release": "reel"}, "Received: 'reel'. Did you mean 'real'?"),
        ({"first": {"object_color": 5}}, "first['object_color']: expected 1 to 4. Received: 5."),
    ],
)
def test_a_bad_config_names_the_field(fields: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError) as error:
        Builder(config=Mpi3dConfig(name="bad", **fields), data_dir=tmp_path)
    assert message in str(error.value)


@pytest.mark.slow
def test_the_command_line_builds_it(manual: Path, repository: Path, tmp_path: Path) -> None:
    config = {"name": "tiny", "first": FIRST}
    grid_files.run_tfds_build(repository, "tfds_builders/mpi3d", config, manual, tmp_path / "data")
    check(tmp_path / "data")
