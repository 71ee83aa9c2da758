"""Runs a program of the package as a shell would, without the seconds that importing TensorFlow takes."""

import contextlib
import dataclasses
import multiprocessing
import os
import runpy
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

# Imported once, by the process that all programs are forked from.
PRELOADED = ["tests.support.fakes", "tests.support.faults", "ssgan_tf.runs", "ssgan_tf.evaluate.oracle"]


@dataclasses.dataclass(frozen=True)
class Result:
    """Outcome of a program: its exit code (-n if signal n killed it), standard output and standard error."""

    code: int
    out: str
    err: str


def run(module: str, *arguments: str, before: Callable[[], None] | None = None, timeout: float = 600) -> Result:
    """Runs `python -m <module> <arguments>` in its own process, forked from one that has imported the package.

    Args:
        module: Name of the module.
        arguments: Words of the command line.
        before: Function to call in the process first, for example a fault of `faults`. It is pickled.
        timeout: Number of seconds after which the process is killed; the exit code is -9 then.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with tempfile.TemporaryDirectory() as folder:
        process = context.Process(target=_main, args=(module, arguments, before, folder))
        process.start()
        process.join(timeout)
        if process.is_alive():
            process.kill()
            process.join()
        assert process.exitcode is not None
        out, err = (Path(folder, name).read_bytes().decode() for name in ("out", "err"))
        return Result(process.exitcode, out, err)


def _main(module, arguments, before, folder):
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT), number)
    sys.argv = [module, *arguments]
    if before is not None:
        before()
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
