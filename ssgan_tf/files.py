"""Files that are written whole or not at all: a reader, or a run killed meanwhile, never sees half of one."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from typing import IO, Any


@contextlib.contextmanager
def replacing(path: str, mode: str = "w") -> Iterator[IO[Any]]:
    """Opens a file beside `path` that takes its place when the block ends well; otherwise `path` stays as it was.

    Args:
        path: of the file; its folder exists.
        mode: "w" for UTF-8 text, "wb" for bytes.
    """
    partial = path + ".tmp"
    with open(partial, mode, encoding=None if "b" in mode else "utf-8") as file:
        yield file
    os.replace(partial, path)


def check_writable(folder: str, message: str) -> None:
    """Raises PermissionError with `message` where files cannot be made in `folder`."""
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(message)


@contextlib.contextmanager
def alone_in(folder: str, does: str) -> Iterator[None]:
    """Makes --out, a folder, this process's own for as long as the block runs.

    Args:
        folder: is made where there is none.
        does: what another process does there, for its message, e.g. "selects".

    Raises:
        OSError: it cannot be written.
        ValueError: another process has it.
    """
    try:
        os.makedirs(folder, exist_ok=True)
        check_writable(folder, "no files can be made there")
        lock = open(os.path.join(folder, "lock"), "a", encoding="utf-8")
    except OSError as error:
        raise OSError(f"--out: expected a folder that can be written. Received: {folder!r} ({error}).") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(f"--out: another process {does} in {folder!r}. Wait until it has ended.") from None
        yield


def write_json(value: Any, path: str) -> None:
    """Writes `value` as indented JSON."""
    with replacing(path) as file:
        json.dump(value, file, indent=2)
        file.write("\n")
