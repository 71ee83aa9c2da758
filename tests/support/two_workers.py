"""Trains with several workers on this machine, each a process, and compares what they saved."""

import contextlib
import itertools
import os
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from tests.support import faults, programs
from tests.support.run_files import read_checkpoint

NETWORKS = ("generator/", "ema_generator/", "discriminator/")


# Workers take some seconds to listen on their ports. Tests that run in parallel must not choose the same ones meanwhile
# (workers of different jobs would meet), so each process of pytest has a thousand ports and goes through them.
_FIRST_PORT = 20_000 + 1000 * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 10)
_PORTS = itertools.cycle(range(_FIRST_PORT, _FIRST_PORT + 1000, 10))


def free_ports(count: int) -> list[int]:
    """Returns up to ten consecutive ports that nobody listens on, and that no other test chooses soon."""
    for first in itertools.islice(_PORTS, 100):
        with contextlib.ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(socket.create_server(("", port)))
                return [*range(first, first + count)]
            except OSError:
                continue
    raise RuntimeError("no free ports")


def train(
    inputs: Path,
    workdir: Path,
    *more: str,
    happens: Sequence[Callable[[], None]] = (faults.nothing, faults.nothing),
    own: Sequence[Sequence[str]] = ((), ()),
    timeout: float = 300,
) -> list[programs.Result]:
    """Runs `python -m ssgan_tf.train --strategy=multiworker`, with one worker for each entry of `happens`.

    Args:
        inputs: Folder with data/ and tiny.py.
        workdir: Folder of the run.
        more: Flags of all workers.
        happens: Fault of each worker.
        own: Additional flags of each worker.
        timeout: Number of seconds after which workers that are still running are killed.
    """
    addresses = tuple(f"localhost:{port}" for port in free_ports(len(happens)))
    flags = ["--strategy=multiworker", f"--config={inputs}/tiny.py", f"--data_dir={inputs}/data"]
    flags.append(f"--workdir={workdir}")

    def start(i: int) -> programs.Result:
        before = faults.Both(faults.Worker(addresses, i), happens[i])
        return programs.run("ssgan_tf.train", *flags, *more, *own[i], before=before, timeout=timeout)

    with ThreadPoolExecutor(len(happens)) as pool:
        return list(pool.map(start, range(len(happens))))


def assert_equal_up_to_rounding(workdir: Path, other: Path, step: int) -> None:
    """Fails unless the networks of both runs are equal, except for the order in which sums were taken.

    The first bias is left out. It shifts an image that is constant, which instance normalization undoes, so its
    gradient is rounding error alone, of which Adam makes full steps.
    """
    one, two = read_checkpoint(workdir, step), read_checkpoint(other, step)
    names = [name for name in one if name.startswith(NETWORKS) and "/blocks/0/epilogue0/bias" not in name]
    assert len(names) > 40
    for name in names:
        assert np.abs(one[name] - two[name]).max() < 1e-3, name
    differences = np.concatenate([np.abs(one[name] - two[name]).ravel() for name in names])
    assert np.quantile(differences, 0.98) < 5e-5
