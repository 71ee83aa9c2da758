"""Runs a function in one process per core and returns its results in order.

A worker is a fresh Python that imports only what the function's module needs, for example NumPy. It neither forks
TensorFlow nor imports the building program again, as every `multiprocessing` worker would.

    python -m tfds_builders.shared.processes < pickled import path and (function, [job, ...]) > pickled result per job
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar

# One thread per worker: the matrix products are small, and there is already a worker for every core.
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_ROOT = Path(__file__).resolve().parents[2]  # the folder that contains the package tfds_builders

Job = TypeVar("Job")
Result = TypeVar("Result")


def cores() -> int:
    """Returns the number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_jobs(
    function: Callable[[Job], Result], jobs: Sequence[Job], dataset: str, unit: str, processes: int | None = None
) -> Iterator[Result]:
    """Yields function(job) for each job in order, computed by several processes.

    Args:
        function: Function at the top level of a module. It is pickled, as are its jobs and results.
        jobs: Arguments of the calls.
        dataset: Name of the data set, for error messages.
        unit: Name of what one job draws, for error messages.
        processes: Number of processes; None for one per core.

    Raises:
        RuntimeError: if a worker dies; its own message is on stderr.
    """
    processes = max(1, min(cores() if processes is None else processes, len(jobs)))
    with contextlib.ExitStack() as stack:
        # Worker i takes the jobs i, i + processes, ... It blocks on its full pipe until its results are wanted.
        started = [stack.enter_context(_worker(function, jobs[i::processes])) for i in range(processes)]
        for number in range(len(jobs)):
            process = started[number % processes]
            try:
                yield pickle.load(_pipe(process.stdout))
            except (EOFError, pickle.UnpicklingError):  # UnpicklingError: it died while writing a result.
                raise RuntimeError(
                    f"{dataset}: a drawing process ended (exit code {process.wait()}) before it had drawn "
                    f"{unit} {number + 1} of {len(jobs)}. See its message above; if there is none, it may have run out "
                    "of memory."
                ) from None


@contextlib.contextmanager
def _worker(function: Callable, jobs: Sequence[Any]) -> Iterator[subprocess.Popen]:
    # `-m` searches the current folder first, unless PYTHONSAFEPATH is set; PYTHONPATH covers that case.
    environment = {**os.environ, **_THREADS, "PYTHONPATH": str(_ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT, env=environment
    )
    try:
        with _pipe(process.stdin) as pipe:
            # `tfds build` imports a builder's package as `sprites2d`, other programs as `tfds_builders.sprites2d`.
            pickle.dump(str(_folder_of(function)), pipe)
            pickle.dump((function, list(jobs)), pipe)
        yield process
    finally:
        process.kill()
        _pipe(process.stdout).close()
        process.wait()


def _folder_of(function: Callable) -> Path:
    """Returns the folder from which the function's module can be imported under its current name."""
    module = sys.modules[function.__module__]
    return Path(str(module.__file__)).resolve().parents[module.__name__.count(".")]


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    """Tells the type checker that `Popen` opened this pipe."""
    assert pipe is not None
    return pipe


def _serve() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the parent ends this one.
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # If the parent was killed, die silently of the broken pipe.
    sys.path.append(pickle.load(sys.stdin.buffer))
    function, jobs = pickle.load(sys.stdin.buffer)
    for job in jobs:
        pickle.dump(function(job), sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _serve()
