"""The work of a selection, in tasks that know nothing of each other, and the processes that do them.

Each process computes on one core: so the numbers are the same however many there are.
"""

import contextlib
import dataclasses
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from ssgan_tf.evaluate import inference
from ssgan_tf.select.cache import Kept
from ssgan_tf.select.pairs import Member, Model, Reader, read, read_column

Tick = Callable[[int], None]


@dataclasses.dataclass
class Loaded:
    """The models that this process has loaded, each once."""

    models: dict[str, Model] = dataclasses.field(default_factory=dict)
    readers: dict[str, Reader] = dataclasses.field(default_factory=dict)

    def model(self, member: Member) -> Model:
        if member.key not in self.models:
            self.models[member.key] = member.load()
        return self.models[member.key]

    def reader(self, member: Member) -> Reader:
        if member.key not in self.readers:
            self.readers[member.key] = inference.make_predictor(self.model(member).encode)
        return self.readers[member.key]


class Task(Protocol):
    """Something to compute and keep."""

    @property
    def readings(self) -> int:
        """How many times an image is read."""

    def do(self, loaded: Loaded, tick: Tick) -> None:
        """Computes it; calls `tick` with readings done. Raises ValueError, naming the model at fault."""


@dataclasses.dataclass(frozen=True)
class Column:
    """Pairs of one generator with some encoders.

    Args:
        maker: the generator.
        encoders: those that read its images.
        kept: where the pairs go.
    """

    maker: Member
    encoders: tuple[Member, ...]
    kept: Kept

    @property
    def readings(self) -> int:
        return len(self.encoders) * self.kept.settings.images

    def do(self, loaded: Loaded, tick: Tick) -> None:
        readers = {encoder.name: loaded.reader(encoder) for encoder in self.encoders}
        pairs = read_column(self.maker, loaded.model(self.maker), readers, self.kept.settings, tick)
        for encoder in self.encoders:
            self.kept.keep_pair(self.maker, encoder, pairs[encoder.name])


@dataclasses.dataclass(frozen=True)
class Reading:
    """Codes of real images.

    Args:
        encoder: who reads them.
        path: of the images, uint8 [N,R,R,C], a .npy file.
        count: N.
        images: their name.
        kept: where the codes go.
    """

    encoder: Member
    path: str
    count: int
    images: str
    kept: Kept

    @property
    def readings(self) -> int:
        return self.count

    def do(self, loaded: Loaded, tick: Tick) -> None:
        reader, images = loaded.reader(self.encoder), np.load(self.path, mmap_mode="r")
        parts = []
        for i in range(0, len(images), inference.BATCH):
            parts.append(read(reader, np.ascontiguousarray(images[i : i + inference.BATCH]), self.encoder.name))
            tick(len(parts[-1]))
        self.kept.keep_codes(self.encoder, self.images, np.concatenate(parts))


def missing_columns(members: Sequence[Member], kept: Kept) -> list[Column]:
    """The pairs that are not kept yet, by generator."""
    columns = []
    for maker in members:
        encoders = tuple(encoder for encoder in members if kept.pair(maker, encoder) is None)
        columns += [Column(maker, encoders, kept)] if encoders else []
    return columns


def missing_readings(members: Sequence[Member], path: str, count: int, images: str, kept: Kept) -> list[Reading]:
    """The codes of real images that are not kept yet."""
    return [Reading(m, path, count, images, kept) for m in members if kept.codes(m, images) is None]


def do_here(tasks: Sequence[Task], bar: tqdm) -> None:
    """Does the tasks one after another in this process."""
    loaded = Loaded()
    for task in tasks:
        task.do(loaded, bar.update)


def do(tasks: Sequence[Task], processes: int, bar: tqdm) -> None:
    """Does the tasks in so many processes, of one core each. What was kept when one fails stays.

    Raises:
        ValueError, OSError: of the first task that failed.
        ChildProcessError: a process was killed, as by a system without memory.
    """
    if not tasks:
        return
    context = multiprocessing.get_context("spawn")  # a fork of a process that has used TensorFlow hangs
    counter = context.Value("q", 0)
    largest_first = sorted(tasks, key=lambda task: -task.readings)
    pool = ProcessPoolExecutor(min(processes, len(tasks)), context, _begin, (counter,))
    try:
        futures = [pool.submit(_do_one, task) for task in largest_first]
        _follow(futures, counter, bar)
    except BrokenProcessPool:
        raise ChildProcessError(
            "a process that read images was killed, perhaps for want of memory: each holds all models. The same "
            "command goes on where this one stopped; fewer --processes take less memory."
        ) from None
    finally:
        _end(pool)


def _follow(futures: Sequence[Future], counter: Any, bar: tqdm) -> None:
    """Moves the bar until all are done; raises what the first that fails raised."""
    pending = set(futures)
    while pending:
        done, pending = wait(pending, 0.3, FIRST_EXCEPTION)
        bar.update(counter.value - bar.n)
        for future in done:
            future.result()


def _end(pool: ProcessPoolExecutor) -> None:
    """Ends the processes, whatever they are doing: what they have not kept by now nobody waits for."""
    running = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in running:
        with contextlib.suppress(OSError):
            process.terminate()
    for process in running:
        process.join()


_here = Loaded()
_counter: Any = None


def _begin(counter: Any) -> None:
    """What each process begins with: one core, no ctrl-C of its own, and no life without the one that started it."""
    global _counter
    _counter = counter
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tf.get_logger().setLevel("ERROR")  # it would wonder at as many graphs as there are models
    threading.Thread(target=_end_with_parent, daemon=True).start()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    for device in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(device, True)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _do_one(task: Task) -> None:
    def tick(readings: int) -> None:
        with _counter.get_lock():
            _counter.value += readings

    task.do(_here, tick)
