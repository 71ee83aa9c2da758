"""Isaac3D: the order of its files, and builds from good and bad downloads."""

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tests.support import grid_files
from tests.support.grid_files import label_table, npy, numbered_image, pack, png, put, read_back, remove, write_release
from tfds_builders.isaac3d.isaac3d_dataset_builder import GRID, RELEASES, Builder
from tfds_builders.shared import images as shared_images
from tfds_builders.shared.grids import Grid
from tfds_builders.shared.png_grids import PngGridConfig

FULL, SMALL = RELEASES
FIRST = {**dict.fromkeys(GRID.factors, 1), "object_shape": 2, "camera_height": 2, "wall_color": 2}
INDICES = [0, 1, 1536, 1537, 245760, 245761, 247296, 247297]


@pytest.fixture(scope="module")
def labels() -> bytes:
    return npy(label_table(GRID))


@pytest.fixture
def manual(tmp_path: Path, labels: bytes) -> Path:
    """Returns a download folder with the 128-pixel release."""
    write_release(tmp_path / "manual", SMALL, GRID, FIRST, labels)
    return tmp_path / "manual"


def make(manual_dir: Path, data_dir: Path, **fields) -> tfds.core.DatasetBuilder:
    config = PngGridConfig(**{"name": "tiny", "first": FIRST, **fields})
    return grid_files.prepare(Builder, config, manual_dir, data_dir)


def load(data_dir: Path) -> dict[int, np.ndarray]:
    return read_back("isaac3d/tiny", data_dir, GRID)


class Isaac3dTest(grid_files.BuilderTestCase):
    DATASET_CLASS = Builder
    SPLITS = {"train": 8}
    BUILDER_CONFIG_NAMES_TO_TEST = [PngGridConfig(name="tiny", resolution=64, release="full", first=FIRST)]

    @classmethod
    def write_files(cls, folder):
        write_release(folder, FULL, GRID, FIRST)


def test_the_order_of_the_files_is_that_of_the_published_program() -> None:
    assert GRID.size == 737_280
    assert list(GRID.bases.items()) == [
        ("object_shape", 245760),
        ("robot_x_move", 30720),
        ("robot_y_move", 6144),
        ("camera_height", 1536),
        ("object_scale", 384),
        ("lighting_intensity", 96),
        ("lighting_y_dir", 16),
        ("object_color", 4),
        ("wall_color", 1),
    ]
    assert GRID.sizes == (3, 8, 5, 4, 4, 4, 6, 4, 4)
    last = {name: size - 1 for name, size in GRID.factors.items()}
    assert GRID.index_of(last) == 737_279
    assert GRID.values_of(30720 * 7 + 6144 * 4 + 1536 * 3 + 384) == {
        **dict.fromkeys(GRID.factors, 0), "robot_x_move": 7, "robot_y_move": 4, "camera_height": 3, "object_scale": 1
    }  # fmt: skip


def test_the_published_readme_contradicts_itself() -> None:
    """It lists these sizes in another order of names, with multipliers that only the order above gives."""
    order = ["object_shape", "object_scale", "camera_height", "robot_x_move", "robot_y_move"]
    readme = Grid({name: GRID.factors[name] for name in [*order, *GRID.names[5:]]})
    assert list(readme.bases.values())[:5] == [245760, 61440, 15360, 1920, 384]
    assert list(GRID.bases.values())[:5] == [245760, 30720, 6144, 1536, 384]


def test_configs_and_their_images(tmp_path: Path) -> None:
    edges = {"full": 512, "release128": 128, "64": 64, "256": 256}
    assert list(Builder.builder_configs) == list(edges)
    for name, edge in edges.items():
        info = Builder(config=name, data_dir=tmp_path).info
        assert (info.name, info.features["image"].shape) == ("isaac3d", (edge, edge, 3))
        assert {k: v.num_classes for k, v in info.features["factors"].items()} == GRID.factors


def test_the_published_bytes_are_kept(manual: Path, tmp_path: Path) -> None:
    builder = make(manual, tmp_path / "data", release="release128")
    stored = builder.as_dataset(split="train", decoders={"image": tfds.decode.SkipDecoding()})
    files = {row["image"] for row in stored.as_numpy_iterator()}
    assert files == {file.read_bytes() for file in manual.rglob("*.png")}
    assert builder.info.metadata == {
        "release": "release128", "read_from": "Isaac3D_down128", "read_resolution": 128
    }  # fmt: skip

    images = load(tmp_path / "data")
    assert sorted(images) == INDICES
    assert all(np.array_equal(image, numbered_image(index, 128)) for index, image in images.items())


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_an_archive_need_not_be_unpacked(suffix: str, manual: Path, tmp_path: Path) -> None:
    pack(manual / SMALL.folder, manual / f"Isaac3D_128x128{suffix}")
    make(manual, tmp_path / "data", resolution=64)
    for index, image in load(tmp_path / "data").items():
        assert np.array_equal(image, numbered_image(index, 64))  # reducing keeps squares of one colour
    assert json.loads(next(tmp_path.rglob("metadata.json")).read_text())["read_from"] == f"Isaac3D_128x128{suffix}"


@pytest.mark.parametrize("archive", [False, True])
def test_release_in_a_folder_with_the_name_of_its_archive(archive: bool, manual: Path, tmp_path: Path) -> None:
    folder = (manual / SMALL.folder).rename(manual / "Isaac3D_128x128")
    grid_files.litter(folder / "images", "000000.png")
    if archive:
        pack(folder, manual / "Isaac3D_down128.zip")
    make(manual, tmp_path / "data", resolution=64)
    images = load(tmp_path / "data")
    assert sorted(images) == INDICES
    assert all(np.array_equal(image, numbered_image(index, 64)) for index, image in images.items())


def test_64_is_made_from_the_full_release_if_it_exists(manual: Path, tmp_path: Path) -> None:
    assert make(manual, tmp_path / "small", resolution=64).info.metadata["release"] == "release128"
    write_release(manual, FULL, GRID, FIRST)
    metadata = make(manual, tmp_path / "large", resolution=64).info.metadata
    assert (metadata["release"], metadata["read_resolution"]) == ("full", 512)
    again = Builder(config=PngGridConfig(name="tiny", resolution=64, first=FIRST), data_dir=tmp_path / "large")
    assert again.info.metadata["release"] == "full"
    small, large = load(tmp_path / "small"), load(tmp_path / "large")
    assert all(np.array_equal(small[index], large[index]) for index in INDICES)


def test_256_needs_the_full_release(manual: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error:
        make(manual, tmp_path / "data", resolution=256)
    message = str(error.value)
    assert f"--manual_dir: expected Isaac3D/images/ or Isaac3D.zip in {manual}. Received: a folder with" in message
    assert "1vFkgK4CpHpCOBOU7l07yocrqAqr2uDox" in message and "190 GB" in message


def wrong_labels(folder: Path) -> None:
    readme = [0, 4, 3, 1, 2, 5, 6, 7, 8]
    (folder / "labels.npy").write_bytes(npy(label_table(GRID)[:, readme]))


BAD_FILES = {
    "missing": (
        remove("images/001537.png"),
        "Isaac3D_down128: expected 8 files, 'Isaac3D_down128/images/000000.png' to 'Isaac3D_down128/images/247297.png'."
        " Received: 1 missing, the first 'Isaac3D_down128/images/001537.png'.",
    ),
    "too many": (put("images/737280.png", b""), "1 unexpected, the first 'Isaac3D_down128/images/737280.png'"),
    "other name": (put("images/1.png", b""), "1 unexpected, the first 'Isaac3D_down128/images/1.png'"),
    "no labels": (remove("labels.npy"), "expected 'Isaac3D_down128/labels.npy' next to the images."),
    "wrong labels": (wrong_labels, "labels.npy, column 1 (robot_x_move): expected values that rise in the rows"),
    "no array": (put("labels.npy", b"text"), "labels.npy: NumPy cannot read this label table ("),
    "wrong size": (
        put("images/000001.png", png(numbered_image(1, 64))),
        "images/000001.png: expected 128x128 pixels, RGB",
    ),
    "broken": (
        put("images/000001.png", png(numbered_image(1, 128))[:-99]),
        "images/000001.png: the PNG file is damaged (",
    ),
}


@pytest.mark.parametrize(("spoil", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_files_are_named(spoil: Callable[[Path], None], message: str, manual: Path, tmp_path: Path) -> None:
    spoil(manual / SMALL.folder)
    with pytest.raises(ValueError) as error:
        make(manual, tmp_path / "data", resolution=64)
    assert message in str(error.value)
    assert not list(tmp_path.glob("data/isaac3d/tiny/*"))


def test_names_are_checked_before_any_image_is_read(manual: Path, tmp_path: Path) -> None:
    put("images/000000.png", b"broken")(manual / SMALL.folder)
    remove("images/247297.png")(manual / SMALL.folder)
    with pytest.raises(ValueError, match="1 missing, the first 'Isaac3D_down128/images/247297.png'"):
        make(manual, tmp_path / "data", resolution=64)


def test_an_archive_that_leads_elsewhere_is_refused(manual: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(pack(manual / SMALL.folder, manual / "Isaac3D_down128.zip"), "a") as archive:
        archive.writestr("../evil.png", b"")
    with pytest.raises(ValueError, match="Isaac3D_down128.zip: the member '../evil.png' leads out of the archive's"):
        make(manual, tmp_path / "data", resolution=64)
    assert not list(tmp_path.rglob("evil.png"))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"release": "ful"}, "release: expected one of ['full', 'release128'], or none. Received: 'ful'. Did you mean"),
        ({"resolution": 1024}, "resolution: expected a power of two from 8 to 512, since images are never enlarged."),
        ({"resolution": 256, "release": "release128"}, "resolution: expected a power of two from 8 to 128"),
        ({"resolution": 48}, "resolution: expected a power of two from 8 to 512"),
        ({"first": {"wall_colour": 1}}, "Received: 'wall_colour'. Did you mean 'wall_color'?"),
    ],
)
def test_a_bad_config_names_the_field(fields: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError) as error:
        Builder(config=PngGridConfig(name="bad", **fields), data_dir=tmp_path)
    assert message in str(error.value)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError(errno.ENOSPC, "No space left on device")])
def test_a_build_that_stops_half_way_leaves_nothing(stop, manual: Path, tmp_path: Path, monkeypatch) -> None:
    def stopping(*arguments):
        for number, result in enumerate(in_parallel(*arguments)):
            if number == 5:
                raise stop
            yield result

    in_parallel = shared_images.in_parallel
    with monkeypatch.context() as patch:
        patch.setattr(shared_images, "in_parallel", stopping)
        with pytest.raises((KeyboardInterrupt, OSError)):
            make(manual, tmp_path / "data", resolution=64)
    assert not list((tmp_path / "data").rglob("dataset_info.json"))
    with pytest.raises(FileNotFoundError, match="not prepared"):
        load(tmp_path / "data")
    assert make(manual, tmp_path / "data", resolution=64).info.splits["train"].num_examples == 8


@pytest.mark.slow
def test_a_killed_build_can_be_repeated(manual: Path, repository: Path, tmp_path: Path) -> None:
    program = f"""
        import os, signal
        from tests.tfds_builders import test_isaac3d as this
        take = this.shared_images.in_parallel
        def killing(*arguments):
            for number, result in enumerate(take(*arguments)):
                if number == 5:
                    os.kill(os.getpid(), signal.SIGKILL)
                yield result
        this.shared_images.in_parallel = killing
        this.make({str(manual)!r}, {str(tmp_path / "data")!r}, resolution=64)
        """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], cwd=repository, capture_output=True)
    assert done.returncode == -signal.SIGKILL
    assert list((tmp_path / "data").glob("isaac3d/tiny/incomplete.*"))
    with pytest.raises(FileNotFoundError, match="not prepared"):
        load(tmp_path / "data")
    make(manual, tmp_path / "data", resolution=64)
    assert sorted(load(tmp_path / "data")) == INDICES


@pytest.mark.slow
@pytest.mark.parametrize("more", [[], ["--file_format=array_record"]], ids=["tfrecord", "array_record"])
def test_the_command_line_builds_it(more: list[str], manual: Path, repository: Path, tmp_path: Path) -> None:
    config = {"name": "tiny", "resolution": 64, "first": FIRST}
    grid_files.run_tfds_build(repository, "tfds_builders/isaac3d", config, manual, tmp_path / "data", *more)
    assert sorted(load(tmp_path / "data")) == INDICES


def test_real_images_are_as_expected(real_samples: Path) -> None:
    files = sorted((real_samples / "isaac3d_samples").glob("*.png"))
    assert len(files) == 42
    for file in files:
        shared_images.open_png(file.read_bytes(), FULL.edge, os.fspath(file))
