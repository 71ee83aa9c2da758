"""labeled_folder: builds from good folders, and errors about bad ones."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssgan_tf import data
from tests.support import grid_files
from tfds_builders.labeled_folder.labeled_folder_dataset_builder import Builder, LabeledFolderConfig

ROWS = [["image", "shape", "hue"], ["a.png", "0", "2"], ["b.png", "1", ""], ["more/c.jpg", "", "0"]]


def pixels(seed: int, shape: tuple[int, ...] = (32, 32, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def write_table(folder: Path, rows: list[list[str]]) -> None:
    with open(folder / "labels.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def make_folder(folder: Path) -> Path:
    """Writes three images of 32x32, one of them in a subfolder, and their labels; returns the folder."""
    (folder / "more").mkdir(parents=True)
    for i, (name, *_) in enumerate(ROWS[1:]):
        Image.fromarray(pixels(i)).save(folder / name)
    write_table(folder, ROWS)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "images")


def build(folder: Path, data_dir: Path, **fields) -> data.FactorDataset:
    """Prepares the folder and reads it as training does, without the builder's code."""
    config = LabeledFolderConfig(**{"name": "mine", "folder": str(folder), "resolution": 8, **fields})
    Builder(config=config, data_dir=data_dir).download_and_prepare()
    return data.load("labeled_folder/mine", str(data_dir))


class LabeledFolderTest(grid_files.BuilderTestCase):
    DATASET_CLASS = Builder
    SPLITS = {"train": 3}

    @classmethod
    def write_files(cls, folder):
        images = make_folder(folder / "images")
        cls.BUILDER_CONFIG_NAMES_TO_TEST = [LabeledFolderConfig(name="dummy", folder=str(images), resolution=16)]

    def _make_builder(self, config=None):
        return super()._make_builder(config or self.BUILDER_CONFIG_NAMES_TO_TEST[0])


def test_rows_follow_the_table_and_images_without_a_row_come_last(folder: Path, tmp_path: Path) -> None:
    Image.fromarray(pixels(7)).save(folder / "z.bmp")
    Image.fromarray(pixels(8)).save(folder / "more" / "b.webp", lossless=True)
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "no.png").write_text("not an image")
    table = build(folder, tmp_path / "data")
    assert table.spec.to_json() == [{"name": "hue", "size": 3}, {"name": "shape", "size": 2}]
    assert table.factors.tolist() == [[2, 0], [-1, 1], [0, -1], [-1, -1], [-1, -1]]
    # 32 -> 8: every pixel is the mean of 4x4; Pillow rounds after each direction.
    for row, seed in ((0, 0), (1, 1), (3, 8), (4, 7)):
        mean = pixels(seed).reshape(8, 4, 8, 4, 3).mean(axis=(1, 3))
        assert np.abs(table.images[row] - mean).max() <= 1


def test_the_command_line_takes_json(folder: Path, repository: Path, tmp_path: Path) -> None:
    config = {"name": "mine", "folder": "images", "resolution": 16, "sizes": {"shape": 4}}
    subprocess.run(
        [
            Path(sys.executable).with_name("tfds"),
            "build",
            repository / "tfds_builders" / "labeled_folder",
            f"--config={json.dumps(config)}",
            "--data_dir=data",
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    table = data.load("labeled_folder/mine", str(tmp_path / "data"), ["shape", "hue"])
    assert table.images.shape == (3, 16, 16, 3)
    assert table.spec.sizes == (4, 3)


def test_grey_stays_one_channel_unless_one_image_has_colour(folder: Path, tmp_path: Path) -> None:
    for name, *_ in ROWS[1:]:
        Image.fromarray(pixels(0, (32, 32))).save(folder / name)
    Image.fromarray(pixels(1, (32, 32)) > 127).save(folder / "b.png")
    assert build(folder, tmp_path / "gray").images.shape == (3, 8, 8, 1)
    Image.fromarray(pixels(0)).save(folder / "a.png")
    mixed = build(folder, tmp_path / "mixed").images
    assert mixed.shape == (3, 8, 8, 3)
    assert (mixed[1, ..., 0] == mixed[1, ..., 2]).all() and (mixed[0, ..., 0] != mixed[0, ..., 2]).any()


def test_a_photograph_is_turned_upright_and_cropped_to_its_middle(folder: Path, tmp_path: Path) -> None:
    upright = np.zeros([48, 32, 3], np.uint8)
    upright[8:24], upright[24:40] = 60, 200  # the middle square: dark above, light below
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held sideways: rotate by 90 degrees clockwise
    Image.fromarray(np.rot90(upright)).save(folder / "a.png", exif=exif)
    image = build(folder, tmp_path / "data", center_crop=True).images[0]
    assert (image[:4] == 60).all() and (image[4:] == 200).all()


def test_given_sizes_allow_values_that_nobody_labelled(folder: Path, tmp_path: Path) -> None:
    write_table(folder, [["image", "shape", "hue"], ["a.png", "3", ""]])
    table = build(folder, tmp_path, sizes={"shape": 5, "hue": 2})
    assert table.spec.to_json() == [{"name": "hue", "size": 2}, {"name": "shape", "size": 5}]


def replace(row: int, cells: list[str]) -> Callable[[Path], None]:
    return lambda folder: write_table(folder, [*ROWS[:row], cells, *ROWS[row + 1 :]])


def png(array: np.ndarray, **how) -> Callable[[Path], None]:
    return lambda folder: Image.fromarray(array).save(folder / "b.png", **how)


def put(name: str, content: bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return write


def no_label(folder: Path) -> None:
    write_table(folder, [["image", "shape"], ["a.png", ""]])


def truncate(folder: Path) -> None:
    (folder / "b.png").write_bytes((folder / "b.png").read_bytes()[:1000])


def animate(folder: Path) -> None:
    frames = [Image.fromarray(pixels(seed)) for seed in range(2)]
    frames[0].save(folder / "b.png", save_all=True, append_images=frames[1:])


def cmyk(folder: Path) -> None:
    Image.new("CMYK", (32, 32)).save(folder / "b.png", "JPEG")


HEAD, LINE_3 = "labels.csv, line 1: ", "labels.csv, line 3"
BAD_INPUT = {
    "no table": (lambda folder: (folder / "labels.csv").unlink(), "images/labels.csv: missing. Expected a table"),
    "empty table": (
        put("labels.csv", b""),
        HEAD + "expected comma-separated columns, the first 'image'. Received: ''.",
    ),
    "not UTF-8": (put("labels.csv", b"image,caf\xe9\n"), "labels.csv: expected comma-separated values in UTF-8."),
    "open quote": (put("labels.csv", b'image,"a\n'), "labels.csv: expected comma-separated values in UTF-8."),
    "semicolons": (replace(0, ["image;shape;hue"]), HEAD + "expected comma-separated columns, the first 'image'."),
    "no factor": (replace(0, ["image"]), HEAD + "expected a column for each factor after 'image'. Received: none."),
    "no name": (replace(0, ["image", "shape", ""]), HEAD + "expected a name without '/' for every column."),
    "slash": (replace(0, ["image", "a/b", "hue"]), HEAD + "expected a name without '/' for every column."),
    "same name": (replace(0, ["image", "hue", "hue"]), HEAD + "column 'hue' occurs 2 times."),
    "short row": (replace(2, ["b.png", "1"]), LINE_3 + ": expected 3 cells, as in the first line. Received: 2."),
    "long row": (
        replace(2, ["b.png", "1", "", "0"]),
        LINE_3 + ": expected 3 cells, as in the first line. Received: 4.",
    ),
    "duplicate": (replace(2, ["./a.png", "1", ""]), LINE_3 + ": 'a.png' already has a row, line 2."),
    "no image": (replace(2, ["d.png", "1", ""]), LINE_3 + ": no image '"),
    "outside": (replace(2, ["../b.png", "1", ""]), LINE_3 + ": expected an image below '"),
    "no file name": (replace(2, ["", "1", ""]), LINE_3 + ": expected an image below '"),
    "word": (
        replace(2, ["b.png", "cube", ""]),
        LINE_3 + ", column 'shape': expected a number like '0' in line 2, or an empty cell for an unknown value.",
    ),
    "negative": (replace(2, ["b.png", "1", "-1"]), LINE_3 + ", column 'hue': expected an integer from 0 to 999999"),
    "huge": (replace(2, ["b.png", "1", "9" * 20]), LINE_3 + ", column 'hue': expected an integer from 0 to 999999"),
    "constant": (
        replace(2, ["b.png", "0", ""]),
        "labels.csv, column 'shape': only the value 0; a factor needs at least two",
    ),
    "unlabelled": (no_label, "labels.csv, column 'shape': no value at all; a factor needs at least two"),
    "empty file": (put("b.png", b""), "b.png: the file is empty (0 bytes)."),
    "text": (put("b.png", b"this is not an image"), "b.png: expected a PNG, JPEG, WebP, BMP, TIFF or GIF image."),
    "truncated": (truncate, "b.png: the image cannot be read: "),
    "alpha": (png(pixels(0, (32, 32, 4))), "b.png: has an alpha channel"),
    "transparent colour": (png(pixels(0), transparency=(1, 2, 3)), "b.png: has an alpha channel"),
    "CMYK": (cmyk, "b.png: expected grey or RGB. Received: CMYK, the colours of a printing press"),
    "animated": (animate, "b.png: expected a single image. Received: 2 frames."),
    "not square": (png(pixels(0, (32, 40, 3))), "b.png: expected a square image. Received: 40x32."),
    "too small": (png(pixels(0, (4, 4, 3))), "b.png: expected at least 8x8 pixels"),
}


@pytest.mark.parametrize(("spoil", "message"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input(spoil: Callable[[Path], None], message: str, folder: Path, tmp_path: Path) -> None:
    spoil(folder)
    with pytest.raises((ValueError, FileNotFoundError)) as error:
        build(folder, tmp_path / "data")
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.glob("data/labeled_folder/mine/*"))


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="folder: no folder '.*nowhere'"):
        build(tmp_path / "nowhere", tmp_path / "data")


def test_an_empty_folder(tmp_path: Path) -> None:
    write_table(tmp_path, ROWS[:1])
    with pytest.raises(ValueError, match="labels.csv: lists no image, and its folder contains none"):
        build(tmp_path, tmp_path / "data")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "a/b"}, "name: expected a letter"),
        ({"folder": ""}, "folder: expected the folder with labels.csv"),
        ({"resolution": 48}, "resolution: expected a power of two from 8 to 1024. Received: 48."),
        ({"resolution": 64.0}, "resolution: expected a power of two from 8 to 1024. Received: 64.0."),
        ({"center_crop": "yes"}, "center_crop: expected true or false. Received: 'yes'."),
        ({"sizes": ["shape"]}, "sizes: expected"),
        ({"sizes": {"shap": 3}}, "Received: 'shap'. Did you mean 'shape'?"),
        ({"sizes": {"shape": 1}}, "sizes: expected at least 2 values for 'shape'. Received: 1."),
        ({"sizes": {"hue": 2}}, "column 'hue': expected 0 to 1, since sizes declares 2 values. Received: 2."),
    ],
)
def test_a_bad_config(fields: dict, message: str, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError) as error:
        build(fields.pop("folder", folder), tmp_path / "data", **fields)
    assert message in str(error.value)


def test_a_name_without_json_is_answered_with_the_command() -> None:
    with pytest.raises(ValueError, match="Received: 'mine'. Run: ssgan data build labeled_folder --config='{"):
        Builder(config="mine")


def test_a_failed_build_can_be_repeated_with_a_good_image(folder: Path, tmp_path: Path) -> None:
    good = (folder / "b.png").read_bytes()
    truncate(folder)
    for _ in range(2):  # the second run must not take what the first one left for the data set
        with pytest.raises(ValueError, match="b.png: the image cannot be read"):
            build(folder, tmp_path / "data")
    with pytest.raises(FileNotFoundError, match="not prepared"):
        data.load("labeled_folder/mine", str(tmp_path / "data"))
    (folder / "b.png").write_bytes(good)
    assert len(build(folder, tmp_path / "data")) == 3


def relabel(folder: Path) -> None:
    replace(2, ["b.png", "1", "1"])(folder)


def repaint(folder: Path) -> None:
    before = os.stat(folder / "b.png")
    Image.fromarray(pixels(9)).save(folder / "b.png")
    os.utime(folder / "b.png", ns=(before.st_atime_ns, before.st_mtime_ns + 1))


@pytest.mark.parametrize("change", [relabel, repaint])
def test_a_changed_folder_is_not_passed_off_as_prepared(
    change: Callable[[Path], None], folder: Path, tmp_path: Path
) -> None:
    first = build(folder, tmp_path / "data")
    again = build(folder, tmp_path / "data")
    np.testing.assert_array_equal(again.images[:], first.images[:])
    change(folder)
    with pytest.raises(ValueError, match="was prepared from another folder, other labels or other options. Add --over"):
        build(folder, tmp_path / "data")


def test_other_options_need_another_name(folder: Path, tmp_path: Path) -> None:
    build(folder, tmp_path / "data")
    with pytest.raises(ValueError, match="was prepared from another folder"):
        build(folder, tmp_path / "data", resolution=16)
