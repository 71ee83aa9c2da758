"""Lists the image files of a folder in natural order."""

import collections
import re
from pathlib import Path

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


def natural_key(text: str) -> tuple:
    """Returns a sort key that orders numbers by value (img2 before img10) and puts Cube next to cube."""
    parts = re.split(r"([0-9]+)", text.casefold())
    return ([int(part) if i % 2 else part for i, part in enumerate(parts)], text)


def list_files(folder: Path) -> tuple[list[str], dict[str, int]]:
    """Lists the images below a folder, at any depth, and counts the other files.

    Returns:
        Image paths relative to the folder in natural order, and {suffix: number of other files}.

    Raises:
        FileNotFoundError: if the folder does not exist.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"folder: no folder {str(folder)!r} (looked for {folder.absolute()}).")
    images, others = [], collections.Counter[str]()
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        # File managers leave hidden files behind.
        if any(part.startswith(".") for part in name.parts) or not path.is_file():
            continue
        if path.suffix.lower() in SUFFIXES:
            images.append(name.as_posix())
        else:
            others[path.suffix.lower() or "no suffix"] += 1
    return sorted(images, key=natural_key), dict(sorted(others.items()))
