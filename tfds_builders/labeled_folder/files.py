"""Lists the image files of a folder in natural order."""

import collections
import re
from pathlib import Path, PurePosixPath

from tfds_builders.shared.folders import walk

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


def natural_key(text: str) -> tuple:
    """Returns a sort key that orders numbers by value (img2 before img10) and puts Cube next to cube."""
    parts = re.split(r"([0-9]+)", text.casefold())
    return ([_number_key(part) if i % 2 else part for i, part in enumerate(parts)], text)


def _number_key(digits: str) -> tuple[int, str]:
    """Returns a sort key for a number of any length; Python's int takes no more than 4,300 digits."""
    digits = digits.lstrip("0")
    return len(digits), digits


def list_files(folder: Path) -> tuple[list[str], dict[str, int]]:
    """Lists the images below a folder, at any depth and behind links, and counts the other files.

    Returns:
        Image paths relative to the folder in natural order, and {suffix: number of other files}. Links that lead
        nowhere, and folders that cannot be read, are counted under these words.

    Raises:
        FileNotFoundError: if the folder does not exist.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"folder: no folder {str(folder)!r} (looked for {folder.absolute()}).")
    found = walk(folder)
    images, others = [], collections.Counter[str]()
    for name in found.files:
        suffix = PurePosixPath(name).suffix.lower()
        if suffix in SUFFIXES:
            images.append(name)
        else:
            others[suffix or "no suffix"] += 1
    counts = dict(sorted(others.items()))
    for what, names in (("links that lead nowhere", found.broken), ("folders that cannot be read", found.unreadable)):
        if names:
            counts[what] = len(names)
    return sorted(images, key=natural_key), counts
