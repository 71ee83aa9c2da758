"""Training jobs of several processes on this machine: free ports, all of them run until they end, what they saved."""

import contextlib
import dataclasses
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorflow as tf

from tests.support import fakes

NETWORKS = ("generator/", "ema_generator/", "discriminator/")


@dataclasses.dataclass(frozen=True)
class Both:
    """What is done first and then, for `before` of fakes.run."""

    first: Callable[[], None]
    second: Callable[[], None]

    def __call__(self):
        self.first()
        self.second()


def nothing() -> None:
    """For a worker to which nothing happens."""


def free_ports(count: int) -> list[int]:
    """Ports in a row that nobody listens at."""
    for first in range(20000, 30000, 7):
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
    happens: Sequence[Callable[[], None]] = (nothing, nothing),
    own: Sequence[Sequence[str]] = ((), ()),
    timeout: float = 300,
) -> list[fakes.Result]:
    """Runs `python -m ssgan_tf.train --strategy=multiworker` in as many processes as `happens` has parts.

    Args:
        inputs: a folder with data/ and tiny.py.
        workdir: of the run.
        more: flags of all workers.
        happens: what to do in each of them before it starts.
        own: flags of each.
        timeout: seconds; who is still there then is killed.
    """
    addresses = tuple(f"localhost:{port}" for port in free_ports(len(happens)))
    flags = ["--strategy=multiworker", f"--config={inputs}/tiny.py", f"--data_dir={inputs}/data"]
    flags.append(f"--workdir={workdir}")

    def start(i: int) -> fakes.Result:
        before = Both(fakes.Worker(addresses, i), happens[i])
        return fakes.run("ssgan_tf.train", *flags, *more, *own[i], before=before, timeout=timeout)

    with ThreadPoolExecutor(len(happens)) as pool:
        return list(pool.map(start, range(len(happens))))


def saved(workdir: Path, step: int) -> dict[str, np.ndarray]:
    """Every variable of a checkpoint."""
    reader = tf.train.load_checkpoint(str(workdir / "checkpoints" / f"step-{step:09d}" / "ckpt"))
    names = [name for name in reader.get_variable_to_shape_map() if name != "_CHECKPOINTABLE_OBJECT_GRAPH"]
    return {name: reader.get_tensor(name) for name in names}


def check_equal_across_workers(workdir: Path, other: Path, step: int) -> None:
    """The networks of both runs are the same but for the order of sums.

    The first bias is left out: its picture is the same all over then, which instance normalization takes away, and of
    the rounding errors that are its gradient Adam makes full steps.
    """
    one, two = saved(workdir, step), saved(other, step)
    names = [name for name in one if name.startswith(NETWORKS) and "/blocks/0/epilogue0/bias" not in name]
    assert len(names) > 40
    for name in names:
        assert np.abs(one[name] - two[name]).max() < 1e-3, name
    every = np.concatenate([np.abs(one[name] - two[name]).ravel() for name in names])
    assert np.quantile(every, 0.98) < 5e-5
