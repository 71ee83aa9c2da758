"""Building data sets with TFDS: the shipped builders by name, and the command that runs one."""

import ast
import itertools
import os
import subprocess
import sys
from collections.abc import Sequence

from ssgan_tf.utils.readers import parse_json
from ssgan_tf.utils.shipped import shipped_folder
from ssgan_tf.utils.validation import choose

CATALOGUE = ("dsprites", "shapes3d", "smallnorb")  # data sets in TFDS that shipped configs train on
_BUILDER = "_dataset_builder.py"


def shipped_builders() -> dict[str, str]:
    """Returns the path of each shipped builder by the name of its data set, in alphabetical order."""
    root = shipped_folder("tfds_builders")
    folders = {name: os.path.join(root, name) for name in sorted(os.listdir(root))}
    return {name: path for name, path in folders.items() if os.path.isfile(os.path.join(path, name + _BUILDER))}


def describe(name: str) -> str:
    """Returns one line about a shipped builder, without importing it."""
    path = shipped_builders()[name]
    with open(os.path.join(path, name + _BUILDER), encoding="utf-8") as file:
        first, *_ = (ast.get_docstring(ast.parse(file.read())) or "").splitlines() or [""]
    return first.removeprefix(f"{name}: ")


def make_command(name: str, flags: Sequence[str] = (), data_dir: str = "data") -> list[str]:
    """Returns the command that builds a data set.

    Args:
        name: Name of a shipped builder, optionally with a config ("scene3d/demo"); one of CATALOGUE; or the path of a
            builder's folder or file.
        flags: Flags of `tfds build`.
        data_dir: Folder for the prepared data set, unless `flags` contains --data_dir.

    Raises:
        ValueError: There is no such builder, or the config is not valid JSON.
    """
    builders, program = shipped_builders(), "tensorflow_datasets.scripts.cli.main"
    base, _, config = name.partition("/")
    if base in builders:
        program = "ssgan_tf.data.run_builder"  # errors of other people's builders need their traceback
        source, flags = builders[base], [*([f"--config={config}"] if config else []), *flags]
    elif os.path.exists(name) or base in CATALOGUE:
        source = name
    else:
        source = choose("name", base, {**builders, **dict.fromkeys(CATALOGUE)}, name)
    if not any(flag.partition("=")[0] == "--data_dir" for flag in flags):
        flags = [*flags, f"--data_dir={data_dir}"]
    _check_json(flags)
    # `python -m` finds the program even if the environment's scripts are not on the PATH.
    return [sys.executable, "-m", program, "build", source, *flags]


def _check_json(flags: Sequence[str]) -> None:
    """Raises ValueError if --config begins like JSON and is something else."""
    for flag, following in itertools.zip_longest(flags, flags[1:], fillvalue=""):
        name, equals, value = flag.partition("=")
        text = value if equals else following
        if name == "--config" and text.startswith("{"):
            try:
                parse_json(text)
            except ValueError as error:
                raise ValueError(f"--config: expected JSON. Received: {text[:100]!r} ({error}).") from error


def run(name: str, data_dir: str = "data", *, flags: Sequence[str] = ()) -> None:
    """Builds a data set in a separate process. A data set that is already prepared stays unchanged.

    Args:
        name: Name of a shipped builder with an optional config, e.g. "scene3d/demo"; see `make_command`.
        data_dir: Folder for the prepared data set.
        flags: Further flags of `tfds build`.

    Raises:
        ValueError: There is no such builder.
        RuntimeError: The builder failed; its messages are on stderr.
    """
    code = subprocess.run(make_command(name, flags, data_dir)).returncode
    if code:
        raise RuntimeError(f"building {name} failed with exit code {code}; the reason is printed above.")
