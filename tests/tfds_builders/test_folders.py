"""Folders and archives of data sets: links, circles of links, and what file managers leave behind."""

import zipfile
from pathlib import Path

from tfds_builders.shared import folders, sources


def test_links_are_followed_once_and_circles_end(tmp_path: Path) -> None:
    (tmp_path / "set" / "own").mkdir(parents=True)
    (tmp_path / "disk" / "deep").mkdir(parents=True)
    for name in ("set/own/1.png", "disk/2.png", "disk/deep/3.png", "4.png"):
        (tmp_path / name).touch()
    for link, target in {
        "set/images": "../disk",
        "set/a": "own",  # the folder is listed under its own path, although the link comes first
        "set/own/up": "..",
        "disk/deep/back": "../../set",
        "set/itself": "itself",
        "set/5.png": "../4.png",
        "set/6.png": "nowhere.png",
    }.items():
        (tmp_path / link).symlink_to(target)
    found = folders.walk(tmp_path / "set")
    assert sorted(found.files) == ["5.png", "images/2.png", "images/deep/3.png", "own/1.png"]
    assert found.broken == ["6.png", "itself"] and not found.unreadable
    assert sorted(sources.Folder(tmp_path, "set").names()) == [f"set/{name}" for name in sorted(found.files)]


def test_litter_in_an_archive_is_ignored(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        for name in ("a/1.png", "a/Thumbs.db", "__MACOSX/a/._1.png", "a/@eaDir/1.png/SYNO.jpg", "a/.hidden/2.png"):
            file.writestr(name, b"")
    assert sources.Zip(tmp_path / "a.zip").names() == ["a/1.png"]
