"""Atomic writes, locks that one process holds at a time, and checksums of files."""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import socket
from collections.abc import Iterator
from typing import IO, Any


class LockedError(Exception):
    """Another process holds the lock; the message says which, e.g. "process 12 on host"."""


@contextlib.contextmanager
def atomic_write(path: str, mode: str = "w") -> Iterator[IO[Any]]:
    """Opens a temporary file that replaces `path` when the block ends without an error; otherwise `path` is untouched.

    No reader ever sees half a file, even if the process is killed while writing.

    Args:
        path: File to write; its folder must exist.
        mode: Mode of the file, "w" for UTF-8 text or "wb" for bytes.

    Raises:
        OSError: The file cannot be written, for example because the disk is full; the message names it.
    """
    partial = path + ".tmp"
    try:
        with open(partial, mode, encoding=None if "b" in mode else "utf-8") as file:
            yield file
        os.replace(partial, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.remove(partial)
        # A write does not know the file's name, and nobody knows the temporary one.
        if isinstance(error, OSError) and error.errno and error.filename in (None, partial):
            raise OSError(error.errno, _describe(error), path) from error
        raise


def _describe(error: OSError) -> str:
    """Returns the reason of an error and, if a disk is full, what to do."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return f"{error.strerror}; free some space on its disk" if full else str(error.strerror)


def write_json(value: Any, path: str) -> None:
    """Writes `value` as indented JSON, atomically."""
    with atomic_write(path) as file:
        json.dump(value, file, indent=2)
        file.write("\n")


def sha256(*paths: str) -> str:
    """Returns the SHA-256, in hexadecimal, of the bytes of all files in the order given."""
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def check_writable(folder: str, message: str) -> None:
    """Raises PermissionError with `message` if files cannot be created in `folder`."""
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(message)


def lock_file(path: str) -> IO[str]:
    """Creates and locks `path` for as long as the returned file is open.

    The system releases the lock when the process ends, however it ends.

    Raises:
        LockedError: Another process holds the lock.
        OSError: The file cannot be written.
    """
    file = open(path, "a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or "another process"
        file.close()
        raise LockedError(holder) from None
    if not os.path.exists(path) or not os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
        file.close()  # the process that held the lock has removed the file since it was opened here
        return lock_file(path)
    try:
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
    except OSError as error:  # the disk is full
        os.remove(path)
        raise OSError(error.errno, _describe(error), path) from error
    return file


@contextlib.contextmanager
def taking_turns(folder: str) -> Iterator[None]:
    """Waits until no other process is in a block that takes turns in `folder`, then runs the block.

    On a disk without locks for folders, such as NFS, the block runs at once.
    """
    place = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(place, fcntl.LOCK_EX)
        yield
    finally:
        os.close(place)


@contextlib.contextmanager
def exclusive_folder(folder: str, action: str, name: str = "lock") -> Iterator[None]:
    """Locks an output folder against other processes while the block runs.

    Args:
        folder: Folder to lock; it is created if missing.
        action: Verb for the error message, what the other process does in the folder, e.g. "selects".
        name: Name of the lock file in the folder. The block may remove it at its end.

    Raises:
        OSError: The folder cannot be written.
        ValueError: Another process holds the lock.
    """
    try:
        os.makedirs(folder, exist_ok=True)
        check_writable(folder, "files cannot be created there")
        lock = lock_file(os.path.join(folder, name))
    except LockedError as error:
        raise ValueError(f"out: another process {action} in {folder!r} ({error}). Wait until it has ended.") from None
    except OSError as error:
        raise OSError(f"out: expected a writable folder. Received: {folder!r} ({error}).") from error
    with lock:
        yield
