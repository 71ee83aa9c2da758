"""Runs the training program on prepared inputs, and damages files of its runs."""

from collections.abc import Callable
from pathlib import Path

from tests.support import programs


def flags(inputs: Path, workdir: Path | str, *more: str) -> list[str]:
    """Returns the flags that train `inputs`/tiny.py on `inputs`/data into `workdir`, and `more`."""
    return [f"--config={inputs}/tiny.py", f"--data_dir={inputs}/data", f"--workdir={workdir}", *more]


def train(
    inputs: Path, workdir: Path | str, *more: str, before: Callable[[], None] | None = None, timeout: float = 600
) -> programs.Result:
    """Runs `python -m ssgan_tf.train` with these `flags`; `before` and `timeout` are those of `programs.run`."""
    return programs.run("ssgan_tf.train", *flags(inputs, workdir, *more), before=before, timeout=timeout)


def cut(path: Path) -> None:
    """Damages a file: removes its last ten bytes."""
    path.write_bytes(path.read_bytes()[:-10])
