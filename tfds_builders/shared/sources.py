"""Files of a data set in a folder or an archive: listed and read without unpacking anything to disk."""

from __future__ import annotations

import contextlib
import gzip
import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol

from tfds_builders.shared import folders

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")


class Source(Protocol):
    """Folder or archive to read files from. File names are relative, with '/' between folders."""

    path: Path

    def names(self) -> list[str]:
        """Returns all file names except those of `folders.is_litter`.

        Raises:
            ValueError: if an archive is damaged or has a member outside its folder.
        """

    def read(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """Yields (name, content) of each file in `names` once, in the cheapest order."""


class Folder:
    """Files below root/folder, at any depth; `folder` may have several parts."""

    def __init__(self, root: Path, folder: str):
        self.root = root
        self.path = root / folder

    def names(self) -> list[str]:
        base = self.path.relative_to(self.root).as_posix()
        return [f"{base}/{name}" for name in folders.walk(self.path).files]

    def read(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        for name in sorted(names):
            yield name, (self.root / name).read_bytes()


class Zip:
    """Files of a .zip archive."""

    def __init__(self, path: Path):
        self.path = path

    def names(self) -> list[str]:
        with _readable(self.path), zipfile.ZipFile(self.path) as archive:
            members = archive.infolist()
        for member in members:
            # Archives made under Unix store the file mode in the upper half.
            link = stat.S_ISLNK(member.external_attr >> 16)
            check_member(self.path, member.orig_filename, "a link" if link else "")
        return _kept(self.path, [_clean(member.filename) for member in members if not member.is_dir()])

    def read(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        wanted = frozenset(names)
        with _readable(self.path), zipfile.ZipFile(self.path) as archive:
            for member in sorted(archive.infolist(), key=lambda member: member.header_offset):
                if _clean(member.filename) in wanted:
                    yield _clean(member.filename), archive.read(member)


class Tar:
    """Files of a tar archive, compressed or not. Each call reads it once from front to back."""

    def __init__(self, path: Path):
        self.path = path

    def names(self) -> list[str]:
        found = []
        for _, member in self._members():
            special = "" if member.isfile() or member.isdir() else "a device"
            check_member(self.path, member.name, "a link" if member.issym() or member.islnk() else special)
            if member.isfile():
                found.append(_clean(member.name))
        return _kept(self.path, found)

    def read(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        wanted = frozenset(names)
        for archive, member in self._members():
            if member.isfile() and _clean(member.name) in wanted:
                with _readable(self.path):
                    file = archive.extractfile(member)
                    assert file is not None  # never None for a regular file
                    content = file.read()
                yield _clean(member.name), content

    def _members(self) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
        with _readable(self.path), tarfile.open(self.path) as archive:
            while (member := archive.next()) is not None:
                yield archive, member
                # tarfile keeps every member it has read: a GiB for Isaac3D.
                archive.members.clear()  # type: ignore[attr-defined]


def find(root: Path, folder: str, archives: Sequence[str]) -> Source | None:
    """Returns the folder `root/folder`, else an archive in `root` named in `archives` (without suffix), else None."""
    if (root / folder).is_dir():
        return Folder(root, folder)
    for name in archives:
        for suffix in ARCHIVES:
            path = root / f"{name}{suffix}"
            if path.is_file():
                return Zip(path) if suffix == ".zip" else Tar(path)
    return None


def check_member(archive: Path, name: str, special: str = "") -> None:
    """Checks that an archive member is an ordinary file that would be unpacked inside the archive's folder.

    Args:
        archive: Path of the archive, for the error message.
        name: Name of the member as stored in the archive.
        special: Kind of the member if it is not an ordinary file, e.g. "a link".

    Raises:
        ValueError: naming the member.
    """
    path = name.replace("\\", "/")
    reason = special and f"is {special}"
    if path.startswith("/") or re.match(r"[A-Za-z]:", path):
        reason = "has an absolute path"
    elif ".." in path.split("/"):
        reason = "leads out of the archive's folder"
    if reason:
        raise ValueError(
            f"{archive}: the member {name!r} {reason}; expected ordinary files below one folder. "
            "This is not the published archive: download it again, and do not unpack this one."
        )


def _clean(name: str) -> str:
    """Removes './' from the front."""
    return PurePosixPath(name).as_posix()


def _kept(archive: Path, names: list[str]) -> list[str]:
    """Returns `names` without those that file managers leave behind; raises ValueError if one occurs twice."""
    names = [name for name in names if not any(map(folders.is_litter, PurePosixPath(name).parts))]
    if len(names) == len(set(names)):
        return names
    seen: set[str] = set()
    twice = next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]
    raise ValueError(f"{archive}: expected every file once. Received: {twice!r} twice. Download the archive again.")


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turns the various exceptions of the archive decoders into one ValueError."""
    broken = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError)
    try:
        yield
    except (*broken, NotImplementedError, RuntimeError) as error:  # the last two: compression or password of a zip
        raise ValueError(
            f"{path}: the archive cannot be read ({type(error).__name__}: {error}). It may be damaged or incomplete: "
            "compare its size with the published one, and download it again."
        ) from error
