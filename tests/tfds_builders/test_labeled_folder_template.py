"""labeled_folder.make_labels: the template table."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tfds_builders.labeled_folder.columns import check_variation, read_columns
from tfds_builders.labeled_folder.declared import Declared
from tfds_builders.labeled_folder.labels import read_labels
from tfds_builders.labeled_folder.make_labels import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "more" / "deep").mkdir(parents=True)
    for name in ("1.png", "more/2.JPG", "more/deep/3.tif", "10.webp", "9.bmp", "notes.txt"):
        (tmp_path / name).touch()
    return tmp_path


def test_the_template_lists_the_images(folder: Path, capsys: pytest.CaptureFixture) -> None:
    main([str(folder), "--factors=shape, hue"])
    assert "labels.csv: 5 images." in capsys.readouterr().out
    expected = ["1.png", "9.bmp", "10.webp", "more/2.JPG", "more/deep/3.tif"]
    assert (folder / "labels.csv").read_text().splitlines() == ["image,shape,hue", *(f"{name},," for name in expected)]
    table, declared = read_labels(folder), Declared({}, {}, {}, {})
    with pytest.raises(ValueError, match="column 'shape': no value at all"):
        check_variation(table, read_columns(table, declared, False)[0], declared, range(5))
    with pytest.raises(SystemExit, match="labels.csv: already exists, and is never overwritten."):
        main([str(folder), "--factors=x"])


def no_folder(folder: Path) -> Path:
    return folder / "nowhere"


def empty_folder(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


@pytest.mark.parametrize(
    ("where", "factors", "message"),
    [
        (no_folder, "x", "folder: no folder '"),
        (empty_folder, "x", "contains no PNG, JPEG, WebP, BMP, TIFF or GIF image"),
        (empty_folder, "x,x", "--factors: column 'x' occurs 2 times. Keep one."),
        (empty_folder, "x,", "--factors: expected a name without '/' for every column. Received: ''."),
        (empty_folder, "image", "--factors: column 'image' occurs 2 times."),
    ],
)
def test_a_template_that_cannot_be_written(
    where: Callable[[Path], Path], factors: str, message: str, folder: Path
) -> None:
    with pytest.raises(SystemExit) as error:
        main([str(where(folder)), f"--factors={factors}"])
    assert message in str(error.value)
    assert not list(folder.glob("empty/*"))
