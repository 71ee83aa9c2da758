"""Which files of a folder are pictures, and in which order they stand."""

import collections
import re
from pathlib import Path

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


def natural_key(text: str) -> tuple:
    """Sorts as people count: img2 before img10, and Cube beside cube."""
    parts = re.split(r"([0-9]+)", text.casefold())
    return ([int(part) if i % 2 else part for i, part in enumerate(parts)], text)


def list_files(folder: Path) -> tuple[list[str], dict[str, int]]:
    """Lists the pictures below a folder, at any depth, and counts the other files.

    Returns:
        paths below the folder in natural order, and {suffix: how many other files have it}.

    Raises:
        FileNotFoundError: if there is no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"folder: no folder {str(folder)!r} (looked for {folder.absolute()}).")
    pictures, others = [], collections.Counter[str]()
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        # Hidden ones are the leavings of file managers.
        if any(part.startswith(".") for part in name.parts) or not path.is_file():
            continue
        if path.suffix.lower() in SUFFIXES:
            pictures.append(name.as_posix())
        else:
            others[path.suffix.lower() or "no suffix"] += 1
    return sorted(pictures, key=natural_key), dict(sorted(others.items()))
