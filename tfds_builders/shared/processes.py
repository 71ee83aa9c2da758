"""Runs a function on every core and hands out what it returns in a fixed order.

A worker is a fresh Python that imports what the module of the function needs (NumPy, say) and nothing else: neither a
forked TensorFlow nor the program that builds the data set, which `multiprocessing` would import again in each process.

    python -m tfds_builders.shared.processes < pickled import paths, function, [job, ...] > pickled result per job
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

# One thread a worker: the matrix products are small, and there is a worker for every core.
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_ROOT = Path(__file__).resolve().parents[2]  # Where the package tfds_builders lies.

Job = TypeVar("Job")
Result = TypeVar("Result")


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_jobs(
    function: Callable[[Job], Result], jobs: Sequence[Job], what: str, unit: str, processes: int | None = None
) -> Iterator[Result]:
    """Yields function(job) for each of `jobs`, in their order, computed by `processes` processes (None: one a core).

    Args:
        function: of the top level of a module; it, its jobs and results go through pipes, pickled.
        jobs: what to call it with.
        what: name of the data set, for the message.
        unit: what a job is, for the message.
        processes: how many.

    Raises:
        RuntimeError: if a worker dies; its own message has gone to stderr.
    """
    processes = max(1, min(cores() if processes is None else processes, len(jobs)))
    with contextlib.ExitStack() as stack:
        # Worker i takes the jobs i, i + processes, ...; a full pipe makes it wait until its turn.
        started = [stack.enter_context(_worker(function, jobs[i::processes])) for i in range(processes)]
        for number in range(len(jobs)):
            process = started[number % processes]
            try:
                yield pickle.load(_pipe(process.stdout))
            except (EOFError, pickle.UnpicklingError):  # The second where it died in the middle of a result.
                raise RuntimeError(
                    f"{what}: a drawing process ended (exit code {process.wait()}) before it had drawn "
                    f"{unit} {number + 1} of {len(jobs)}. Its message is above; with none, memory may have run out."
                ) from None


@contextlib.contextmanager
def _worker(function: Callable, jobs: Sequence[Any]) -> Iterator[subprocess.Popen]:
    # `-m` looks in the current folder first, except where PYTHONSAFEPATH says otherwise.
    environment = {**os.environ, **_THREADS, "PYTHONPATH": str(_ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT, env=environment
    )
    try:
        with _pipe(process.stdin) as pipe:
            # `tfds build` knows a builder's package as `sprites2d`, everyone else as `tfds_builders.sprites2d`.
            pickle.dump(str(_folder_of(function)), pipe)
            pickle.dump((function, list(jobs)), pipe)
        yield process
    finally:
        process.kill()
        _pipe(process.stdout).close()
        process.wait()


def _folder_of(function: Callable) -> Path:
    """The folder from which the function's module can be imported under the name that it has here."""
    module = sys.modules[function.__module__]
    return Path(str(module.__file__)).resolve().parents[module.__name__.count(".")]


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    """For the type checker: `Popen` was asked for this pipe."""
    assert pipe is not None
    return pipe


def _serve() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the one that builds ends this one.
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Where it could not, the broken pipe does, without a word.
    sys.path.append(pickle.load(sys.stdin.buffer))
    function, jobs = pickle.load(sys.stdin.buffer)
    for job in jobs:
        pickle.dump(function(job), sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _serve()
