"""labeled_folder, the list of its images: linked folders, litter, unusual names, and files replaced during a build."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfds_builders.labeled_folder.files import list_files, natural_key
from tfds_builders.labeled_folder.images import Preprocessing, check_image, read_image
from tfds_builders.labeled_folder.labeled_folder_dataset_builder import Builder, LabeledFolderConfig
from tfds_builders.labeled_folder.labels import read_labels
from tfds_builders.labeled_folder.make_labels import make_labels
from tfds_builders.labeled_folder.names import MAX_MESSAGE
from tfds_builders.labeled_folder.source import Source, read_source


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Returns a folder of three images with labels."""
    folder = tmp_path / "set"
    folder.mkdir()
    for value, name in enumerate("abc"):
        Image.fromarray(np.full([16, 16, 3], 80 * value, np.uint8)).save(folder / f"{name}.png")
    (folder / "labels.csv").write_text("image,shape\na.png,cube\nb.png,ball\nc.png,cube\n")
    return folder


def source(folder: Path, **fields) -> Source:
    return read_source(folder, LabeledFolderConfig(name="mine", folder=str(folder), resolution=8, **fields))


def error_of(call: Callable[[], object]) -> str:
    """Returns the message of the error that `call` raises, which is one short line."""
    with pytest.raises((ValueError, FileNotFoundError)) as error:
        call()
    message = str(error.value)
    assert len(message) <= MAX_MESSAGE == 500 and len(message.splitlines()) == 1
    return message


# --- The list of the images.


def test_images_in_a_linked_folder_are_found_with_and_without_a_row(tmp_path: Path) -> None:
    disk, folder = tmp_path / "disk", tmp_path / "set"
    (disk / "deep").mkdir(parents=True)
    folder.mkdir()
    for name in ("1.png", "2.png", "deep/3.png"):
        (disk / name).touch()
    (folder / "images").symlink_to(disk)
    (disk / "deep" / "circle").symlink_to(folder)
    make_labels(folder, ["shape"])
    assert (folder / "labels.csv").read_text().splitlines()[1:] == [
        "images/1.png,",
        "images/2.png,",
        "images/deep/3.png,",
    ]
    (folder / "labels.csv").write_text("image,shape\nimages/2.png,cube\n")
    assert read_labels(folder).images == ("images/2.png", "images/1.png", "images/deep/3.png")


def test_litter_is_no_image_and_lost_links_are_counted(tmp_path: Path) -> None:
    for name in ("1.png", "Thumbs.db", "@eaDir/1.png/SYNOPHOTO_THUMB_M.jpg", "__MACOSX/1.png", ".x.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "2.png").symlink_to("nowhere.png")
    assert list_files(tmp_path) == (["1.png"], {".txt": 1, "links that lead nowhere": 1})


def test_numbers_of_any_length_are_ordered_by_value() -> None:
    def by_value(text: str) -> tuple:
        parts = re.split(r"([0-9]+)", text)
        return ([int(part) if i % 2 else part for i, part in enumerate(parts)], text)

    rng = np.random.default_rng(0)
    names = ["".join(rng.choice(list("0019ab"), int(rng.integers(1, 7)))) for _ in range(500)]
    assert sorted(names, key=natural_key) == sorted(names, key=by_value)
    long = ["1" + "0" * 5000, "9" * 5000, "0" * 6000 + "7"]
    assert sorted(long, key=natural_key) == [long[2], long[1], long[0]]


# --- Names.


def test_an_image_whose_name_has_a_line_break_is_refused_or_skipped(folder: Path) -> None:
    os.rename(folder / "c.png", folder / "c\nd.png")
    (folder / "labels.csv").write_text("image,shape\na.png,cube\nb.png,ball\n")
    assert f"'{folder}/c\\nd.png': expected a name on one line" in error_of(lambda: source(folder))
    made = Builder(
        config=LabeledFolderConfig(name="mine", folder=str(folder), resolution=8, skip_bad=True),
        data_dir=folder.parent / "data",
    )
    made.download_and_prepare()
    assert (made.data_path / "images.txt").read_text().splitlines() == ["a.png", "b.png"]
    assert "    'c\\nd.png': expected a name on one line" in (made.data_path / "report.txt").read_text()


def test_a_template_with_spaces_around_names_can_be_built(folder: Path) -> None:
    (folder / "labels.csv").unlink()
    os.rename(folder / "a.png", folder / " a.png")
    make_labels(folder, ["shape"])
    path = folder / "labels.csv"
    path.write_text(path.read_text().replace(" a.png,", " a.png,cube").replace("b.png,", " b.png ,ball"))
    found = source(folder)
    assert {row.image: row.cells for row in found.table.rows} == {
        " a.png": ("cube",),
        "b.png": ("ball",),
        "c.png": ("",),
    }
    path.unlink()
    (folder / "labels.json").write_text('{" a.png": {"shape": "cube"}, " b.png": {"shape": "ball"}}')
    assert [row.image for row in source(folder).table.rows] == [" a.png", "b.png"]


def test_an_image_with_a_name_of_300_characters_is_missing(folder: Path) -> None:
    path = folder / "labels.csv"
    path.write_text(path.read_text().replace("a.png", "a" * 300))
    config = LabeledFolderConfig(name="mine", folder=str(folder), resolution=8)
    assert ": no image " in error_of(lambda: Builder(config=config, data_dir=folder.parent / "data"))


@pytest.mark.parametrize("name", ["x" * 300, "ü" * 150, "a\x07b"])
def test_a_column_whose_name_cannot_be_part_of_a_files_name_is_refused(name: str, folder: Path) -> None:
    path = folder / "labels.csv"
    path.write_text(path.read_text().replace("shape", name), encoding="utf-8")
    assert error_of(lambda: source(folder)).startswith(f"{path}: expected column names ")
    path.unlink()
    assert error_of(lambda: make_labels(folder, [name])).startswith("--factors: expected column names ")
    assert not path.exists()


# --- Files replaced during a build or by a copy that keeps their times.


@pytest.mark.parametrize(
    ("replacement", "message"),
    [
        (Image.new("L", (7, 7)), "expected at least 8x8 pixels"),
        (Image.new("L", (16, 9)), "expected a square image"),
        (Image.new("LA", (16, 16)), "has an alpha channel"),
        (Image.new("RGB", (16, 16)), "was replaced while the data set was built: it was grey, and has colours now"),
    ],
)
def test_an_image_that_is_replaced_after_it_was_checked_is_checked_again(
    replacement: Image.Image, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.png"
    Image.new("L", (16, 16)).save(path)
    assert check_image(path, Preprocessing(8))
    replacement.save(path)
    assert error_of(lambda: read_image(path, Preprocessing(8), gray=True)).startswith(f"{path}: {message}")


@pytest.mark.parametrize("name", ["b.png", "labels.csv"])
def test_a_copy_that_keeps_sizes_and_times_is_another_source(name: str, folder: Path) -> None:
    first, status = source(folder).fingerprint, (folder / name).stat()
    content = (folder / name).read_bytes()
    if name == "b.png":
        Image.fromarray(np.full([16, 16, 3], 81, np.uint8)).save(folder / name)
    else:
        (folder / name).write_bytes(content.replace(b"b.png,ball", b"b.png,bowl"))
    os.utime(folder / name, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (folder / name).stat().st_size == status.st_size
    assert source(folder).fingerprint != first
    (folder / name).write_bytes(content)
    os.utime(folder / name, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert source(folder).fingerprint == first


# --- Configs and tables that are made to fail.


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "mine", "foldr": "x"}, "Received: 'foldr'. Did you mean 'folder'?"),
        ({"folder": "x"}, '--config: expected a field "name"'),
        (
            {"name": "given_as_json", "folder": "x"},
            '--config: expected a field "name", the name of the data set, other',
        ),
        ({"name": "mine", "x" * 5000: 1}, "--config: expected fields among ['name', 'folder',"),
    ],
)
def test_json_with_other_fields_is_refused(fields: dict, message: str) -> None:
    assert message in error_of(lambda: Builder.builder_config_cls(**fields))


def test_the_placeholder_is_no_config(tmp_path: Path) -> None:
    assert "Received: 'given_as_json'. Run:" in error_of(lambda: Builder(config="given_as_json", data_dir=tmp_path))


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000 + "]" * 100_000,
        '{"a.png": ' + '{"x":' * 100_000 + "1" + "}" * 100_001,
        '{"a.png": {"shape": ' + "9" * 5000 + '}, "b.png": {"shape": 1}}',
        '{"a.png": {"shape": 1}, "b.png": {"' + "x" * 5000 + '": 1}}',
        '{"a.png": {"shape": "\\ud800"}, "b.png": {"shape": "cube"}}',
        '{"a.png": {"shape\\ud800": 1}, "b.png": {"shape\\ud800": 2}}',
    ],
)
def test_tables_that_are_made_to_fail_get_one_short_line_that_names_the_file(content: str, folder: Path) -> None:
    (folder / "labels.csv").unlink()
    (folder / "labels.json").write_text(content)
    config = LabeledFolderConfig(name="mine", folder=str(folder), resolution=8)
    message = error_of(lambda: Builder(config=config, data_dir=folder.parent / "data"))
    assert message.startswith(str(folder / "labels.json"))
    message.encode()


def test_a_name_with_a_number_of_5000_digits_is_a_category(folder: Path) -> None:
    table = folder / "labels.csv"
    table.write_text(table.read_text().replace("ball", "n" + "9" * 5000))
    assert source(folder).columns[0].categories[0] == "cube"
