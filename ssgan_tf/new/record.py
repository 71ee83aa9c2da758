"""Record of `ssgan new` in its folder: the answers and inputs of the last time, by which the next time goes on."""

import contextlib
import dataclasses
import hashlib
import os
from typing import Any

from ssgan_tf.new.options import Options
from ssgan_tf.utils import files, overrides, project
from ssgan_tf.utils.validation import check_path

_OWN = (project.CONFIG, project.LABELS, project.DATA, project.RUN)


@dataclasses.dataclass(frozen=True)
class Record:
    """Content of project.json.

    Args:
        run: Name of the run's folder.
        images: Absolute path of the folder of images.
        options: Answers.
        resolution: Height and width of the prepared images.
        reason: Reason for it.
        config: SHA-256 of config.py as it was written.
        data: Hash of everything that the data set was made from.
    """

    run: str
    images: str = ""
    options: Options = Options()
    resolution: int = 0
    reason: str = ""
    config: str = ""
    data: str = ""


def read(folder: str) -> Record | None:
    """Returns the record of a folder; None if the folder is new.

    Raises:
        OSError: It cannot be read.
        ValueError: The folder has other content, or the record is damaged.
    """
    check_path("out", folder)
    place = os.path.abspath(folder)
    while not os.path.exists(place):
        place = os.path.dirname(place)
    if not os.path.isdir(place):
        raise NotADirectoryError(f"out: expected a folder. Received: {folder!r}, and {place!r} is a file.")
    files.check_writable(place, f"out: expected a writable folder. Received: {folder!r}.")
    if not os.path.exists(os.path.join(folder, project.STATE)):
        for name in _OWN:
            if os.path.exists(os.path.join(folder, name)):
                raise ValueError(
                    f"out: expected a new folder, or one of `ssgan new`. Received: {folder!r}, which contains {name}."
                )
        return None
    return project.read_state(folder, _parse, "out")


def _parse(value: Any) -> Record:
    return overrides.from_dict(Record, value, project.STATE)


def write(folder: str, record: Record) -> None:
    """Writes a record."""
    project.write_state(folder, dataclasses.asdict(record))


def remove(folder: str) -> None:
    """Removes the record of a folder in which nothing was made."""
    with contextlib.suppress(OSError):
        os.remove(os.path.join(folder, project.STATE))


def remembered(folder: str) -> Options:
    """Returns the answers of the last time; those of a new folder are the defaults.

    Raises:
        OSError, ValueError: See `read`.
    """
    found = read(folder)
    return found.options if found else Options()


def hash_of(text: str) -> str:
    """Returns the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def config_text(folder: str) -> str | None:
    """Returns the text of the folder's config; None if there is none."""
    with contextlib.suppress(FileNotFoundError), open(os.path.join(folder, project.CONFIG), encoding="utf-8") as file:
        return file.read()
    return None


def next_run(folder: str, run: str) -> str:
    """Returns the name of a run in a folder that does not exist yet: `run` if it was not trained, run2, run3, ..."""
    names = (run, *(f"{project.RUN}{k}" for k in range(2, 10_000)))
    return next(name for name in names if not os.path.exists(os.path.join(folder, name)))
