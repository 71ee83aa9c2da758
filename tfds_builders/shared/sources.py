"""Files of a data set, in a folder or still in its archive: their names, then their bytes, nothing unpacked to disk."""

from __future__ import annotations

import contextlib
import gzip
import lzma
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")


class Source(Protocol):
    """Where files are read from. Names are relative, with '/' between the folders."""

    path: Path

    def names(self) -> list[str]:
        """Every file's name. Raises ValueError for an archive that is damaged or reaches out of its own folder."""

    def read(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """(name, content) of the files called `names`, each once, in the order that costs least."""


class Folder:
    """The files in one folder below `root` (a path of several parts, perhaps), at any depth."""

    def __init__(self, root: Path, folder: str):
        self.root = root
        self.path = root / folder

    def names(self) -> list[str]:
        found = []
        for parent, folders, files in os.walk(self.path, followlinks=True):
            folders.sort()
            base = Path(parent).relative_to(self.root).as_posix()
            found += [f"{base}/{name}" for name in sorted(files)]
        return found

    def read(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        for name in sorted(names):
            yield name, (self.root / name).read_bytes()


class Zip:
    """The files of a .zip archive."""

    def __init__(self, path: Path):
        self.path = path

    def names(self) -> list[str]:
        with _readable(self.path), zipfile.ZipFile(self.path) as archive:
            members = archive.infolist()
        for member in members:
            # The upper half holds the file's mode where the archive was made under Unix.
            link = stat.S_ISLNK(member.external_attr >> 16)
            check_member(self.path, member.orig_filename, "a link" if link else "")
        return _once(self.path, [_clean(member.filename) for member in members if not member.is_dir()])

    def read(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        wanted = frozenset(names)
        with _readable(self.path), zipfile.ZipFile(self.path) as archive:
            for member in sorted(archive.infolist(), key=lambda member: member.header_offset):
                if _clean(member.filename) in wanted:
                    yield _clean(member.filename), archive.read(member)


class Tar:
    """The files of a tar archive, compressed or not: read from front to back, once for each call."""

    def __init__(self, path: Path):
        self.path = path

    def names(self) -> list[str]:
        found = []
        for _, member in self._members():
            special = "" if member.isfile() or member.isdir() else "a device"
            check_member(self.path, member.name, "a link" if member.issym() or member.islnk() else special)
            if member.isfile():
                found.append(_clean(member.name))
        return _once(self.path, found)

    def read(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        wanted = frozenset(names)
        for archive, member in self._members():
            if member.isfile() and _clean(member.name) in wanted:
                with _readable(self.path):
                    file = archive.extractfile(member)
                    assert file is not None  # a regular file, so there is one
                    content = file.read()
                yield _clean(member.name), content

    def _members(self) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
        with _readable(self.path), tarfile.open(self.path) as archive:
            while (member := archive.next()) is not None:
                yield archive, member
                archive.members.clear()  # type: ignore[attr-defined]  # it keeps all it met: a GiB for Isaac3D


def find(root: Path, folder: str, archives: Sequence[str]) -> Source | None:
    """The folder `root/folder`, or else the archive in `root` with one of the names `archives` (without suffix)."""
    if (root / folder).is_dir():
        return Folder(root, folder)
    for name in archives:
        for suffix in ARCHIVES:
            path = root / f"{name}{suffix}"
            if path.is_file():
                return Zip(path) if suffix == ".zip" else Tar(path)
    return None


def check_member(archive: Path, name: str, special: str = "") -> None:
    """Raises for a member of an archive that would not stay in its folder if it were unpacked.

    Args:
        archive: for the message.
        name: of the member, as it stands in the archive.
        special: what it is if it is no ordinary file, e.g. "a link".

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
    """Without './' in front."""
    return PurePosixPath(name).as_posix()


def _once(archive: Path, names: list[str]) -> list[str]:
    if len(names) == len(set(names)):
        return names
    seen: set[str] = set()
    twice = next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]
    raise ValueError(f"{archive}: expected every file once. Received: {twice!r} twice. Download the archive again.")


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turns what the decoders of archives raise into one message."""
    broken = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError)
    try:
        yield
    except (*broken, NotImplementedError, RuntimeError) as error:  # the last two: a zip's compression or password
        raise ValueError(
            f"{path}: the archive cannot be read ({type(error).__name__}: {error}). It may be damaged, or not fully "
            "downloaded: compare its size with the published one, and download it again."
        ) from error
