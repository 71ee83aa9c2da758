"""Walk through a folder: its files at any depth, also behind links, without what systems and file managers leave."""

from __future__ import annotations

import collections
import dataclasses
import os
from pathlib import Path

# In lower case. Synology's @eaDir contains a small copy of every image.
_LITTER = {
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "icon\r",
    "__macosx",
    "@eadir",
    "#recycle",
    "$recycle.bin",
    "system volume information",
    "lost+found",
}


def is_litter(name: str) -> bool:
    """Returns whether a file or folder is hidden, or belongs to a system or file manager and not to a data set."""
    return name.startswith(".") or name.casefold() in _LITTER


@dataclasses.dataclass(frozen=True)
class Contents:
    """Contents of a folder.

    Args:
        files: Paths of the files relative to the folder, with / between folders.
        broken: Links that lead nowhere.
        unreadable: Folders that cannot be read.
    """

    files: list[str] = dataclasses.field(default_factory=list)
    broken: list[str] = dataclasses.field(default_factory=list)
    unreadable: list[str] = dataclasses.field(default_factory=list)


def walk(folder: Path) -> Contents:
    """Lists the files below a folder.

    Links to files and folders are followed. A folder that can be reached on several ways is listed once, under its own
    path if it has one below `folder`; so links that lead in a circle end.
    """
    found, seen = Contents(), set()
    own, linked = collections.deque([""]), collections.deque[str]()
    while own or linked:
        base = own.popleft() if own else linked.popleft()
        try:
            status = os.stat(folder / base)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            entries = sorted(os.scandir(folder / base), key=lambda entry: entry.name)
        except OSError:
            found.unreadable.append(base)
            continue
        for entry in entries:
            name = base + entry.name
            if is_litter(entry.name):
                continue
            kind = _kind(entry)
            if kind == "folder":
                (linked if entry.is_symlink() else own).append(f"{name}/")
            elif kind == "file":
                found.files.append(name)
            elif entry.is_symlink():
                found.broken.append(name)
    return found


def _kind(entry: os.DirEntry) -> str:
    """Returns "folder", "file", or "" for devices and links that lead nowhere."""
    try:
        return "folder" if entry.is_dir() else "file" if entry.is_file() else ""
    except OSError:  # links in a circle
        return ""
