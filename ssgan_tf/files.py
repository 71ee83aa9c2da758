"""Files that are written whole or not at all: a reader, or a run killed meanwhile, never sees half of one."""

import contextlib
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


def write_json(value: Any, path: str) -> None:
    """Writes `value` as indented JSON."""
    with replacing(path) as file:
        json.dump(value, file, indent=2)
        file.write("\n")
