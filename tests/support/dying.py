"""Dies at a chosen change of a file as kill -9 would, but in this process, and so in milliseconds instead of seconds.

Python announces every file that it opens, renames or removes as an audit event. At the chosen one `Killed` is raised,
and so it is at each later one: what `finally` and `except` try to do has no effect, as in a process that is dead.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

_EVENTS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "shutil.rmtree"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Killed(BaseException):
    """The process is dead."""


class _Death:
    """Changes of files in `folder`, of which the one with number `at`, counted from 0, is the last."""

    def __init__(self, folder: Path, at: float):
        self.folder = str(folder)
        self.at = at
        self.changes = 0

    def note(self, event: str, arguments: tuple) -> None:
        if event in _EVENTS and not (event == "open" and not arguments[2] & _WRITING):
            if _path_of(arguments).startswith(self.folder):
                self.changes += 1
                if self.changes > self.at:
                    raise Killed


_deaths: list[_Death] = []  # at most one; an audit hook cannot be removed, so it looks here


def _path_of(arguments: tuple) -> str:
    """Returns the path that an event is about; names in a folder that is open are completed."""
    path = os.fsdecode(arguments[0]) if isinstance(arguments[0], str | bytes | os.PathLike) else ""
    folder = arguments[-1] if isinstance(arguments[-1], int) and not os.path.isabs(path) else -1
    with contextlib.suppress(OSError):
        return path if folder < 0 else os.path.join(os.readlink(f"/proc/self/fd/{folder}"), path)
    return path


def _hook(event: str, arguments: tuple) -> None:
    for death in _deaths:
        death.note(event, arguments)


def announce(folder: Path) -> None:
    """Counts as a change of a file in `folder`, for what TensorFlow writes without Python's knowledge."""
    sys.audit("os.mkdir", str(folder), 0, -1)


@contextlib.contextmanager
def dying(folder: Path, at: float) -> Iterator[Callable[[], int]]:
    """Ends the block at change number `at` of files in `folder`, counted from 0; provides a counter of the changes."""
    if not any(hook is _hook for hook in _installed):
        sys.addaudithook(_hook)
        _installed.append(_hook)
    death = _Death(folder, at)
    _deaths.append(death)
    try:
        yield lambda: death.changes
    except Killed:
        pass
    finally:
        _deaths.remove(death)


_installed: list[Callable] = []
