"""Memory that training needs, and memory that the machine and the limits of this process allow.

Beyond a limit the system kills the process, or TensorFlow aborts it without a word of advice. So limits are read before
TensorFlow allocates anything: what surely cannot work is refused, and the rest is shown next to what is needed.
"""

import contextlib
import os
import resource
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from absl import logging

from ssgan_tf import config as configs
from ssgan_tf import data
from ssgan_tf.models.semi_stylegan.model import SemiStyleGANOptions
from ssgan_tf.train import costs

_GIB = 2**30
_TENSORFLOW = int(0.72 * _GIB)  # on CPUs, with the graph of a step; see docs/speed.md
_LEAST_TENSORFLOW = int(0.5 * _GIB)
_ADDRESSES = int(1.0 * _GIB)  # reserved by TensorFlow without being used; measured with 1 and 2 cores
_LEAST_ADDRESSES = int(0.9 * _GIB)


class Need(NamedTuple):
    """Bytes that this process needs.

    Args:
        least: Without these, training fails.
        expected: These are enough, as far as we know.
    """

    least: int
    expected: int


class Limit(NamedTuple):
    """Bytes that this process can have.

    Args:
        name: What allows no more, after a number of bytes: "16 GiB in this machine".
        size: Number of bytes.
        unused: Need that counts in addition although no memory is used for it.
        hard: Whether no byte more is possible, because nothing else can be moved or end.
    """

    name: str
    size: int
    unused: Need = Need(0, 0)
    hard: bool = True


def needed(config: configs.Config, info: data.DatasetInfo | None = None, replicas: int = 1) -> Need:
    """Returns the memory that training on one device needs; on GPUs, that of the process without the GPU's own.

    Args:
        config: Config to train.
        info: Description of its data; None if it is not known yet.
        replicas: Number of devices that share each batch.
    """
    images = info.count * int(np.prod(info.shape)) if info is not None and info.in_memory else 0
    least, expected = _LEAST_TENSORFLOW + images, _TENSORFLOW + images
    if isinstance(config.model, SemiStyleGANOptions) and not tf.config.list_physical_devices("GPU"):
        codes = info.spec.size if info is not None else 1
        steps = [
            costs.memory(config.model, codes, p.resolution or config.model.resolution, p.batch // replicas,
                         p.labeled_batch // replicas)
            for p in config.phases
        ]  # fmt: skip
        least += max(step.weights + step.average + step.moments for step in steps)
        expected += max(step.total for step in steps)
    return Need(least, expected)


def limits() -> Iterator[Limit]:
    """Yields the limits of this process that the system tells."""
    own = _read_table("/proc/self/status")
    addresses = resource.getrlimit(resource.RLIMIT_AS)[0]
    if addresses != resource.RLIM_INFINITY:
        reserved = own.get("VmSize", 0) - own.get("VmRSS", 0)
        yield Limit("allowed by `ulimit -v`", addresses, Need(_LEAST_ADDRESSES + reserved, _ADDRESSES + reserved))
    sizes = [_read_number(path) for path in _control_groups(_read("/proc/self/cgroup"))]
    if any(sizes):
        yield Limit("allowed by the control group of this process", min(filter(None, sizes)))
    machine = _read_table("/proc/meminfo")
    if machine:
        yield Limit("in this machine", machine["MemTotal"] + machine.get("SwapTotal", 0))
        yield Limit("free", machine.get("MemAvailable", 0) + own.get("VmRSS", 0), hard=False)


def check(need: Need) -> None:
    """Raises MemoryError if a limit is lower than what training needs at least."""
    for limit in limits():
        least = need.least + limit.unused.least
        if limit.hard and least > limit.size:
            raise MemoryError(
                f"memory: expected {_gib(least)} or more, which training needs. Received: {_gib(limit.size)} "
                f"{limit.name}. Raise the limit, or lower model.network, phases.batch or data.memory_gib."
            )


def warn(need: Need) -> None:
    """Warns of limits that may be too low."""
    for limit in limits():
        expected = need.expected + limit.unused.expected
        if expected > limit.size:
            logging.warning(
                "memory: training is expected to need %s. Received: %s %s.",
                _gib(expected), _gib(limit.size), limit.name,
            )  # fmt: skip


def describe(need: Need) -> str:
    """Returns what is needed and the tightest limit, e.g. "1.2 GiB expected, 14.8 GiB free"."""
    tightest = min(limits(), key=lambda limit: limit.size - limit.unused.expected, default=None)
    if tightest is None:
        return f"{_gib(need.expected)} expected"
    return f"{_gib(need.expected + tightest.unused.expected)} expected, {_gib(tightest.size)} {tightest.name}"


def _gib(size: int) -> str:
    return f"{size / _GIB:,.1f} GiB"


def _read(path: str) -> str:
    """Returns the text of a file of the kernel; "" if this system has no such file."""
    with contextlib.suppress(OSError), open(path, encoding="utf-8") as file:
        return file.read()
    return ""


def _read_table(path: str) -> dict[str, int]:
    """Returns {name: bytes} of a file with lines such as "MemTotal:  16384 kB"."""
    lines = [line.split() for line in _read(path).splitlines()]
    return {words[0].rstrip(":"): 1024 * int(words[1]) for words in lines if words[2:] == ["kB"]}


def _read_number(path: str) -> int | None:
    """Returns the number in a file; None if there is no such file, or "max" in it."""
    text = _read(path).strip()
    return int(text) if text.isdecimal() else None


def _control_groups(listed: str) -> Iterator[str]:
    """Yields the files that may hold a limit of this process's control group and of those around it.

    Args:
        listed: Text of /proc/self/cgroup. Version 1 of control groups has a line, and a tree of folders, for memory
            alone; version 2 has one for everything, without names.
    """
    for line in listed.splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root, name = ("memory", "memory.limit_in_bytes") if controllers else ("", "memory.max")
        parts = group.strip("/").split("/")
        for depth in range(len(parts) + 1):
            yield os.path.join("/sys/fs/cgroup", root, *parts[:depth], name)
