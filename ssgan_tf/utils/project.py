"""Folder that `ssgan new` makes: a config, and beside it the data set and the runs, which programs find by themselves.

| in the folder | content |
|---|---|
| `config.py` | the config; `--config=cups/config.py` stands for the whole folder |
| `labels.csv`, `data/` | labels, and the prepared data set |
| `run/` | the run, with its export in `run/export`; `run2/` and so on once the labels have changed |
| `project.json` | how the folder was made; its presence marks the folder |

This module imports no TensorFlow.
"""

import os
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from ssgan_tf.utils import files
from ssgan_tf.utils.readers import read_json

T = TypeVar("T")

CONFIG, LABELS, DATA, STATE = "config.py", "labels.csv", "data", "project.json"
RUN, EXPORT = "run", "export"
_DATA_DIR = "data"  # where programs look for data sets that belong to no such folder


class Places(NamedTuple):
    """Folders that a program works in.

    Args:
        workdir: Folder of the run.
        data_dir: Folder of the prepared data sets.
        export: Folder of the export that belongs to the config; "" if the config was not written by `ssgan new`.
    """

    workdir: str
    data_dir: str
    export: str = ""


def find_places(config: str | None, workdir: str | None = None, data_dir: str | None = None) -> Places:
    """Returns the folders to work in: those that are given, and otherwise those beside a config of `ssgan new`.

    Args:
        config: The config as it is given to a program, or None.
        workdir: Folder of the run, if it is given.
        data_dir: Folder of the prepared data sets, if it is given.

    Raises:
        ValueError: The run's folder is not given, and `ssgan new` did not write the config.
    """
    folder = project_of(config) if config else None
    if folder is None:
        if workdir:
            return Places(workdir, data_dir or _DATA_DIR)
        reason = f" Received: {config!r}, which is not." if config else ""
        raise ValueError(
            f"workdir: expected the folder of the run, or a --config that `ssgan new` has written.{reason}"
        )
    run = os.path.join(folder, read_state(folder, _parse_run, "config"))
    own = workdir is None or os.path.abspath(workdir) == os.path.abspath(run)
    workdir = workdir or run
    return Places(workdir, data_dir or os.path.join(folder, DATA), os.path.join(workdir, EXPORT) if own else "")


def project_of(config: str) -> str | None:
    """Returns the folder that `ssgan new` made for a config; None if it did not write that config.

    Args:
        config: Path of the config, which may end with ":" and a variant.
    """
    path = config if os.path.isfile(config) else config.rpartition(":")[0]
    folder = os.path.dirname(path)
    if os.path.basename(path) == CONFIG and os.path.isfile(path) and os.path.isfile(os.path.join(folder, STATE)):
        return folder
    return None


def read_state(folder: str, parse: Callable[[Any], T], argument: str) -> T:
    """Returns what `ssgan new` remembers about a folder.

    Args:
        folder: The folder.
        parse: Function that checks the content of the record and converts it.
        argument: Name of the argument that led to the folder, for messages.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is damaged.
    """
    advice = "Run `ssgan new` with another --out."
    return read_json(os.path.join(folder, STATE), parse, "a record of `ssgan new`", advice, argument)


def write_state(folder: str, state: dict[str, Any]) -> None:
    """Writes a record; `state["run"]` is the name of the run's folder."""
    _parse_run(state)
    files.write_json(state, os.path.join(folder, STATE))


def _parse_run(value: Any) -> str:
    run = value.get("run") if isinstance(value, dict) else None
    if not isinstance(run, str) or not run.isidentifier():
        raise ValueError("expected an object with the name of the run's folder")
    return run
