"""Draws the pictures of a scene on every core and hands them out in a fixed order.

A worker is a fresh Python that imports NumPy and Pillow only: neither a forked TensorFlow nor the program that builds
the data set, which `multiprocessing` would import again in each of its processes.

    python -m scene3d.workers < pickled (scene name, resolution, [view, ...]) > pickled [(factors, png), ...] per view
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from . import scenes

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# One thread a worker: the matrix products are small, and there is a worker for every core.
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

Picture = tuple[dict[str, int], bytes]  # Factors, PNG file.


def encode_png(image: np.ndarray) -> bytes:
    """Image [H, W, 3] uint8 -> PNG file, in a third of the time that Pillow takes for 32x32 pixels."""
    height, width, _ = image.shape
    rows = np.empty((height, 1 + 3 * width), np.uint8)
    rows[:, 0] = 1  # The filter that stores the difference to the pixel on the left.
    values = image.reshape(height, 3 * width)
    rows[:, 1:4] = values[:, :3]
    np.subtract(values[:, 3:], values[:, :-3], out=rows[:, 4:])  # Wraps around, as PNG wants it.
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(rows.tobytes(), 4)
    return _PNG_SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def draw_all(
    name: str, resolution: int, views: Sequence[dict[str, int]], processes: int | None = None
) -> Iterator[Picture]:
    """Draws every picture of some views of the scene `name`, in the order of `views`, on `processes` cores (None: all).

    Raises:
        RuntimeError: if a worker dies; its own message has gone to stderr.
    """
    if processes is None:
        processes = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    processes = max(1, min(processes, len(views)))
    with contextlib.ExitStack() as stack:
        # Worker i draws the views i, i + processes, ...; a full pipe makes it wait until its turn.
        started = [stack.enter_context(_worker(name, resolution, views[i::processes])) for i in range(processes)]
        for number in range(len(views)):
            process = started[number % processes]
            try:
                yield from pickle.load(_pipe(process.stdout))
            except EOFError:
                raise RuntimeError(
                    f"scene3d/{name}: a drawing process ended (exit code {process.wait()}) before it had drawn "
                    f"view {number + 1} of {len(views)}. Its message is above; with none, memory may have run out."
                ) from None


@contextlib.contextmanager
def _worker(name: str, resolution: int, views: Sequence[dict[str, int]]) -> Iterator[subprocess.Popen]:
    package = Path(__file__).resolve().parent
    command = [sys.executable, "-m", f"{package.name}.workers"]
    # `-m` looks in the current folder first, except where PYTHONSAFEPATH says otherwise.
    environment = {**os.environ, **_THREADS, "PYTHONPATH": str(package.parent)}
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=package.parent, env=environment
    )
    try:
        with _pipe(process.stdin) as pipe:
            pickle.dump((name, resolution, list(views)), pipe)
        yield process
    finally:
        process.kill()
        _pipe(process.stdout).close()
        process.wait()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    """For the type checker: `Popen` was asked for this pipe."""
    assert pipe is not None
    return pipe


def _serve() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the one that builds ends this one.
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Where it could not, the broken pipe does, without a word.
    name, resolution, views = pickle.load(sys.stdin.buffer)
    scene = scenes.find(name)
    for view in views:
        pictures = [(factors, encode_png(image)) for factors, image in scenes.draw_view(scene, resolution, view)]
        pickle.dump(pictures, sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _serve()
