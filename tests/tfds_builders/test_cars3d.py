"""Cars3D: the numbers of the cars, and builds from good and bad downloads."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import tensorflow_datasets as tfds

from tests.support import grid_files
from tests.support.grid_files import pack, put, read_back, remove
from tfds_builders.cars3d.cars3d_dataset_builder import GRID, Builder, Cars3dConfig

# 183 of 199 numbers. Those of the archive are not known, so every twelfth and some at the end are left out.
NAMES = [f"car_{number:03d}_mesh" for number in range(1, 200) if number % 12][:183]
FIRST = {"elevation": 2, "azimuth": 3, "object_type": 2}
INDICES = [e * 24 * 183 + a * 183 + t for e in range(2) for a in range(3) for t in range(2)]


def views(car: int) -> np.ndarray:
    """Returns uint8 [128, 128, 3, 24, 4] with red for elevation, green for azimuth, blue for the car, white below."""
    images = np.zeros([128, 128, 3, 24, 4], np.uint8)
    images[:, :, 0] = np.arange(4) * 60
    images[:, :, 1] = (np.arange(24) * 10)[:, None]
    images[:, :, 2] = car
    images[64:] = 255
    return images


def mat(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, arrays, do_compression=True)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """Returns the contents of all files; from the third on, they are the same."""
    cars = [mat(im=views(car), mask=np.zeros(3)) for car in range(3)]
    return {f"{name}.mat": cars[min(number, 2)] for number, name in enumerate(NAMES)}


def write(folder: Path, files: dict[str, bytes], listed: bool = True) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    if listed:
        (folder / "list.txt").write_text("\n".join(reversed(NAMES)) + "\n")
    return folder


@pytest.fixture
def manual(tmp_path: Path, files: dict[str, bytes]) -> Path:
    write(tmp_path / "manual" / "data" / "cars", files)
    return tmp_path / "manual"


def make(manual_dir: Path, data_dir: Path, **fields) -> tfds.core.DatasetBuilder:
    config = Cars3dConfig(**{"name": "tiny", "first": FIRST, **fields})
    return grid_files.prepare(Builder, config, manual_dir, data_dir)


def check(data_dir: Path, edge: int) -> None:
    """Checks each image against its labels."""
    images = read_back("cars3d/tiny", data_dir, GRID)
    assert sorted(images) == INDICES
    for index, image in images.items():
        values = GRID.values_of(index)
        expected = [values["elevation"] * 60, values["azimuth"] * 10, values["object_type"]]
        assert image.shape == (edge, edge, 3)
        assert (image[: edge // 2] == expected).all() and (image[edge // 2 :] == 255).all()


class Cars3dTest(grid_files.BuilderTestCase):
    DATASET_CLASS = Builder
    SPLITS = {"train": 12}
    BUILDER_CONFIG_NAMES_TO_TEST = [Cars3dConfig(name="tiny", first=FIRST)]

    @classmethod
    def write_files(cls, folder):
        write(folder / "cars", dict.fromkeys([f"{name}.mat" for name in NAMES], mat(im=views(0))))


def test_the_grid() -> None:
    assert GRID.size == 17_568
    assert GRID.bases == {"elevation": 4392, "azimuth": 183, "object_type": 1}


def test_configs_and_their_images(tmp_path: Path) -> None:
    assert list(Builder.builder_configs) == ["64", "128"]
    for name in ("64", "128"):
        info = Builder(config=name, data_dir=tmp_path).info
        assert (info.name, info.features["image"].shape) == ("cars3d", (int(name), int(name), 3))


def test_cars_are_numbered_by_their_sorted_names(manual: Path, tmp_path: Path) -> None:
    builder = make(manual, tmp_path / "data")
    check(tmp_path / "data", 64)
    assert builder.info.metadata == {"read_from": "cars", "object_types": NAMES}


def test_the_archive_need_not_be_unpacked(manual: Path, tmp_path: Path) -> None:
    (manual / "data" / "sprites").mkdir()
    (manual / "data" / "sprites" / "1.mat").write_bytes(b"another data set of the same archive")
    pack(manual / "data", manual / "nips2015-analogy-data.tar.gz")
    make(manual, tmp_path / "data", resolution=128)
    check(tmp_path / "data", 128)


def test_the_list_may_be_missing(files: dict[str, bytes], tmp_path: Path) -> None:
    make_from = write(tmp_path / "manual" / "cars", files, listed=False)
    (make_from / ".DS_Store").write_bytes(b"")
    make(tmp_path / "manual", tmp_path / "data")
    check(tmp_path / "data", 64)


def two_missing(folder: Path) -> None:
    remove("list.txt")(folder)
    remove(f"{NAMES[7]}.mat")(folder)


def renamed(folder: Path) -> None:
    remove("list.txt")(folder)
    (folder / f"{NAMES[7]}.mat").rename(folder / "car_8.mat")


FIRST_CAR = f"{NAMES[0]}.mat"
BAD_FILES = {
    "missing": (remove(f"{NAMES[7]}.mat"), f"Received: 1 missing, the first 'data/cars/{NAMES[7]}.mat'."),
    "too many": (put("car_200_mesh.mat", b""), "Received: 1 unexpected, the first 'data/cars/car_200_mesh.mat'."),
    "missing, no list": (two_missing, "expected 183 files car_..._mesh.mat, since cars are numbered by their sorted"),
    "renamed, no list": (renamed, "Received: 'data/cars/car_8.mat' among them."),
    "short list": (put("list.txt", b"car_001_mesh\n"), "data/cars/list.txt: expected 183 different names. Received: 1"),
    "broken": (put(FIRST_CAR, b"MATLAB"), f"{FIRST_CAR}: SciPy cannot read this .mat file ("),
    "cut": (put(FIRST_CAR, mat(im=views(0))[:2000]), f"{FIRST_CAR}: SciPy cannot read this .mat file ("),
    "no array": (put(FIRST_CAR, mat(mask=views(0))), f"{FIRST_CAR}: expected an array 'im', uint8 [128, 128, 3,"),
    "wrong size": (put(FIRST_CAR, mat(im=views(0)[::2, ::2])), "Received: uint8 [64, 64, 3, 24, 4]."),
    "wrong type": (put(FIRST_CAR, mat(im=views(0) / 255)), "Received: float64 [128, 128, 3, 24, 4]."),
}


@pytest.mark.parametrize(("spoil", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_files_are_named(spoil: Callable[[Path], None], message: str, manual: Path, tmp_path: Path) -> None:
    spoil(manual / "data" / "cars")
    with pytest.raises(ValueError) as error:
        make(manual, tmp_path / "data")
    assert message in str(error.value)
    assert not list(tmp_path.glob("data/cars3d/tiny/*"))


def test_an_archive_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manual").mkdir()
    with tarfile.open(tmp_path / "manual" / "nips2015-analogy-data.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("data/../../evil.mat"))
    with pytest.raises(ValueError, match="the member 'data/../../evil.mat' leads out of the archive's folder"):
        make(tmp_path / "manual", tmp_path / "data")


def test_a_folder_without_downloads_is_answered_with_instructions(tmp_path: Path) -> None:
    write(tmp_path / "manual" / "vans", {})
    with pytest.raises(FileNotFoundError, match="expected cars/ or data/cars/ or nips2015-.*tar.gz in .*vans"):
        make(tmp_path / "manual", tmp_path / "data")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"resolution": 256}, "resolution: expected a power of two from 8 to 128. Received: 256."),
        ({"first": {"type": 2}}, "first: expected names among ['elevation', 'azimuth', 'object_type']. Received"),
    ],
)
def test_a_bad_config_names_the_field(fields: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError) as error:
        Builder(config=Cars3dConfig(name="bad", **fields), data_dir=tmp_path)
    assert message in str(error.value)


@pytest.mark.slow
def test_the_command_line_builds_it(manual: Path, repository: Path, tmp_path: Path) -> None:
    config = {"name": "tiny", "first": FIRST}
    grid_files.run_tfds_build(tmp_path, repository / "tfds_builders" / "cars3d", config, manual, tmp_path / "data")
    check(tmp_path / "data", 64)
