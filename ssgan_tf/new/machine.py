"""Speed and size of the machine that will train."""

import dataclasses
import os
import time

import numpy as np

_SIDE = 1024
_REPEATS = 10


@dataclasses.dataclass(frozen=True)
class Machine:
    """Machine to train on.

    Args:
        cores: Number of processor cores that this process may use.
        memory: Memory in GiB.
        gflops: Speed of a matrix product on the processor in GFLOP/s.
        gpu: Whether it has a GPU that TensorFlow uses.
    """

    cores: int
    memory: float
    gflops: float
    gpu: bool = False

    def __str__(self) -> str:
        cores = f"{self.cores} core{'s' * (self.cores > 1)}, {self.gflops:.0f} GFLOP/s, {self.memory:.1f} GiB"
        return f"a GPU, {cores}" if self.gpu else cores


def this_machine(memory: int, gpu: bool) -> Machine:
    """Returns this machine, whose speed is measured in a fraction of a second.

    Args:
        memory: Memory that this process may use, in bytes.
        gpu: Whether it has a GPU.
    """
    a = np.random.default_rng(0).random([_SIDE, _SIDE], np.float32)
    times = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - start)
    return Machine(len(os.sched_getaffinity(0)), memory / 2**30, 2 * _SIDE**3 / min(times) / 1e9, gpu)
