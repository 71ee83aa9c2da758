"""labeled_folder, the list of its images: linked folders, litter, unusual names, and files replaced during a build."""

import re
from pathlib import Path

import numpy as np

from tfds_builders.labeled_folder.files import list_files, natural_key
from tfds_builders.labeled_folder.labels import read_labels
from tfds_builders.labeled_folder.make_labels import make_labels


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
