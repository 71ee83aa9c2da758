"""labeled_folder, complete builds: stored data, skipped files, the report, full disks and killed builds."""

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from ssgan_tf import data
from tfds_builders.labeled_folder import images, leftovers
from tfds_builders.labeled_folder.labeled_folder_dataset_builder import Builder, LabeledFolderConfig

TABLE = """image,shape,hue,azimuth
more/2.png,sphere,,90.5
1.png,cube,1,
more/deep/3.tif,,0,0.25
again.bmp,cone,1,
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Returns a folder of five images, again.bmp with the pixels of 1.png, and labels of all three kinds for four."""
    folder = tmp_path / "images"
    (folder / "more" / "deep").mkdir(parents=True)
    for seed, name in enumerate(["1.png", "more/2.png", "more/deep/3.tif", "10.webp"]):
        pixels = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), np.uint8)
        Image.fromarray(pixels).save(folder / name)
    Image.open(folder / "1.png").save(folder / "again.bmp")
    (folder / "labels.csv").write_text(TABLE)
    return folder


def builder(folder: Path, **fields) -> Builder:
    config = LabeledFolderConfig(**{"name": "mine", "folder": str(folder), "resolution": 8, **fields})
    return Builder(config=config, data_dir=folder.parent / "data")


def build(folder: Path, **fields) -> str:
    """Prepares the folder and returns the report."""
    made = builder(folder, **fields)
    made.download_and_prepare()
    return (made.data_path / "report.txt").read_text(encoding="utf-8")


def prepared(folder: Path) -> tfds.core.DatasetBuilder:
    """Opens the data set without the builder's code."""
    return data.open_builder("labeled_folder/mine", str(folder.parent / "data"))


def left_behind(folder: Path) -> list[Path]:
    return list((folder.parent / "data" / "labeled_folder" / "mine").glob("*"))


def test_kinds_names_and_ranges_survive_on_disk(folder: Path) -> None:
    build(folder, ranges={"azimuth": [0, 360]})
    found = prepared(folder)
    features = found.info.features["factors"]
    assert features["shape"].names == ["cone", "cube", "sphere"]
    assert (features["hue"].num_classes, features["hue"].np_dtype) == (2, np.int64)
    assert (features["azimuth"].shape, features["azimuth"].np_dtype) == ((), np.float32)
    assert found.info.metadata["ranges"] == {"azimuth": [0.0, 360.0]}
    rows = [example["factors"] for example in found.as_dataset(split="train").as_numpy_iterator()]
    assert [row["shape"] for row in rows] == [2, 1, -1, 0, -1]
    assert [row["hue"] for row in rows] == [-1, 1, 0, 1, -1]
    np.testing.assert_array_equal([row["azimuth"] for row in rows], [90.5, np.nan, 0.25, np.nan, np.nan])
    files = (folder.parent / "data/labeled_folder/mine/1.2.0/images.txt").read_text().splitlines()
    assert files == ["more/2.png", "1.png", "more/deep/3.tif", "again.bmp", "10.webp"]


def test_the_report_is_complete(folder: Path, capsys: pytest.CaptureFixture) -> None:
    (folder / "phone.heic").write_bytes(b"an unsupported format")
    report = build(folder)
    assert report in capsys.readouterr().out
    assert report == (
        f"labeled_folder/mine/1.2.0: 8x8 RGB, from {folder}\n"
        "  5 images: 4 with a row in labels.csv, 1 without (these are used, with every factor unknown)\n"
        "  other files, ignored: 1 .heic\n"
        "  factors:\n"
        "    shape    categorical, 3 values, 3 known (cone: 1, cube: 1, sphere: 1)\n"
        "    hue      integer, 2 values, 3 known (0: 1, 1: 2)\n"
        "    azimuth  decimal, range 0.25 to 90.5, 2 known (2 different values, 0.25 to 90.5)\n"
        "  duplicates (images with the same pixels): 1\n"
        "    1.png = again.bmp\n"
        "  note: the same pixels have different labels in column 'shape': 1.png cube, again.bmp cone.\n"
    )
    build(folder)
    assert "labeled_folder/mine/1.2.0 is already prepared" in capsys.readouterr().out


def test_the_report_notes_odd_columns_and_stays_short(folder: Path) -> None:
    values = ["?", "cube", "Cube", *(f"part {i}" for i in range(30))]
    for i in range(len(values)):
        Image.new("L", (8, 8), i).save(folder / f"gray{i}.png")
    rows = [f"gray{i}.png,{value},{i % 2}\n" for i, value in enumerate(values)]
    (folder / "labels.csv").write_text("image,shape,ä\n" + "".join(rows))
    report = build(folder, sizes={"ä": 7})
    assert "note: column 'shape': '?' counts as a value; leave the cell empty for an unknown value." in report
    assert "note: column 'shape': 'Cube' and 'cube' count as two values." in report
    assert "note: column 'shape': 33 names for 33 images; is it a factor?" in report
    assert "part 8: 1, ... and 21 more values)" in report
    assert "    ä      integer, 7 values, 33 known (0: 17, 1: 16, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0; 5 of the" in report


def test_skip_bad_skips_and_counts(folder: Path) -> None:
    (folder / "1.png").write_bytes((folder / "1.png").read_bytes()[:400])  # its header is valid
    (folder / "10.webp").write_bytes(b"")
    with open(folder / "labels.csv", "a") as file:
        file.write("gone.png,cube,1,3\n")
    with pytest.raises(FileNotFoundError, match="labels.csv, line 6: no image '.*gone.png'"):
        build(folder)
    report = build(folder, skip_bad=True)
    assert "  3 images: 3 with a row in labels.csv, 0 without" in report
    assert f"  skipped: 3\n    labels.csv, line 6: no image '{folder}/gone.png'.\n" in report
    assert "    10.webp: the file is empty (0 bytes).\n    1.png: the image cannot be read: " in report
    assert "hue      integer, 2 values, 2 known (0: 1, 1: 1)" in report
    assert len(list(prepared(folder).as_dataset(split="train"))) == 3


def test_a_column_that_is_constant_without_the_skipped_stops_the_build(folder: Path) -> None:
    (folder / "labels.csv").write_text("image,shape\n1.png,cube\nagain.bmp,ball\n")
    (folder / "1.png").write_bytes((folder / "1.png").read_bytes()[:400])
    with pytest.raises(ValueError, match="column 'shape': only the value ball in the 4 images that are not skipped"):
        build(folder, skip_bad=True)
    assert not left_behind(folder)


def test_the_message_counts_the_bad_images(folder: Path) -> None:
    (folder / "1.png").write_bytes(b"")
    (folder / "10.webp").write_bytes(b"")
    with pytest.raises(ValueError, match=r'1.png: .* \(0 bytes\). 2 of 5 images cannot be used. .* "skip_bad": true'):
        build(folder)
    with pytest.raises(ValueError, match="expected at least 32x32 pixels.* 5 of 5 images cannot be used.$"):
        build(folder, resolution=32, skip_bad=True)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"skip_bad": 1}, "skip_bad: expected true or false. Received: 1."),
        ({"flatten": "wite"}, 'flatten: expected a colour such as "white" or "#rrggbb". Received: \'wite\'.'),
        ({"flatten": "#11223344"}, 'flatten: expected a colour such as "white" or "#rrggbb".'),
        ({"flatten": True}, "flatten: expected a colour"),
    ],
)
def test_a_bad_config(fields: dict, message: str, folder: Path) -> None:
    with pytest.raises(ValueError) as error:
        build(folder, **fields)
    assert message in str(error.value)


def relabel(folder: Path) -> None:
    """Changes the values of the first column, which TFDS alone would not let replace those on disk."""
    (folder / "labels.csv").write_text(TABLE.replace("sphere", "torus"))


def test_other_categories_are_rejected_or_overwritten(folder: Path) -> None:
    build(folder)
    relabel(folder)
    with pytest.raises(ValueError, match="was prepared from another folder, other labels or other options. Add --over"):
        build(folder)
    mode = tfds.download.DownloadConfig(download_mode=tfds.GenerateMode.REUSE_CACHE_IF_EXISTS)
    builder(folder).download_and_prepare(download_config=mode)
    assert prepared(folder).info.features["factors"]["shape"].names == ["cone", "cube", "torus"]
    build(folder)  # now it matches the folder


@pytest.mark.parametrize("lost", ["metadata.json", "dataset_info.json", "labeled_folder-train.tfrecord-00000-of-00001"])
def test_an_interrupted_removal_is_noticed(lost: str, folder: Path) -> None:
    build(folder)
    (folder.parent / "data/labeled_folder/mine/1.2.0" / lost).unlink()
    with pytest.raises(ValueError, match="is incomplete .* Add --overwrite"):
        build(folder)


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("tensorflow_datasets.core.writer.Writer.write", full)
        with pytest.raises(OSError, match="mine/1.2.0: the disk is full. Nothing was prepared") as error:
            build(folder)
        assert "\n" not in str(error.value)
    assert not left_behind(folder)
    with pytest.raises(FileNotFoundError, match="not prepared"):
        prepared(folder)
    build(folder)
    assert len(list(prepared(folder).as_dataset(split="train"))) == 5


# Program that kills itself after a given number of calls of a function.
KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import tensorflow_datasets as tfds
from tfds_builders.labeled_folder import images
from tfds_builders.labeled_folder.labeled_folder_dataset_builder import Builder, LabeledFolderConfig
owner, name, left = {
    "half-way": (images, "read_image", [3]),
    "before the end": (tfds.core.DatasetInfo, "write_to_directory", [1]),
}[sys.argv[4]]
call = getattr(owner, name)
def call_or_die(*arguments, **how):
    result = call(*arguments, **how)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return result
setattr(owner, name, call_or_die)
Builder(config=LabeledFolderConfig(name="mine", folder=sys.argv[2], resolution=8), data_dir=sys.argv[3]).\\
    download_and_prepare()
"""


@pytest.mark.parametrize("when", ["half-way", "before the end"])
def test_a_killed_build_is_not_taken_for_complete(when: str, folder: Path, repository: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(repository), str(folder), str(folder.parent / "data"), when]
    assert subprocess.run(command, capture_output=True).returncode == -9
    (half,) = left_behind(folder)
    assert half.name.startswith("incomplete.")
    assert (half / "dataset_info.json").exists() == (when == "before the end")
    with pytest.raises(FileNotFoundError, match="not prepared"):
        prepared(folder)
    build(folder)
    assert [path.name for path in left_behind(folder)] == ["1.2.0"]
    assert len(list(prepared(folder).as_dataset(split="train"))) == 5


def test_two_builds_do_not_remove_each_others_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = images.read_image

    def read_while_another_starts(*arguments):
        with pytest.raises(RuntimeError, match="mine: another build is running there"):
            build(folder)
        return read(*arguments)

    monkeypatch.setattr(images, "read_image", read_while_another_starts)
    build(folder)
    assert len(list(prepared(folder).as_dataset(split="train"))) == 5


def test_a_disk_without_locks_can_be_built_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(leftovers.fcntl, "flock", no_locks)
    assert leftovers.fcntl is fcntl
    build(folder)
