"""Tasks of a selection, independent of each other, and the processes that run them.

Each process computes on one core, so that results do not depend on the number of processes.
"""

import contextlib
import dataclasses
import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from ssgan_tf.evaluate import inference
from ssgan_tf.select.cache import PairCache
from ssgan_tf.select.pairs import Member, Model, OnProgress, Predictor, compute_pairs, encode


@dataclasses.dataclass
class ModelCache:
    """Models that this process has loaded, each at most once."""

    models: dict[str, Model] = dataclasses.field(default_factory=dict)
    encoders: dict[str, Predictor] = dataclasses.field(default_factory=dict)

    def model(self, member: Member) -> Model:
        if member.key not in self.models:
            self.models[member.key] = member.load()
        return self.models[member.key]

    def encoder(self, member: Member) -> Predictor:
        if member.key not in self.encoders:
            self.encoders[member.key] = inference.make_predictor(self.model(member).encode)
        return self.encoders[member.key]


class Task(Protocol):
    """Part of a selection, which is computed and cached on its own."""

    @property
    def encodings(self) -> int:
        """Number of images to encode, counted once per encoder."""

    def run(self, models: ModelCache, on_progress: OnProgress) -> None:
        """Computes the task and saves its result.

        Raises:
            ValueError: The message names the model at fault.
        """


@dataclasses.dataclass(frozen=True)
class PairsTask:
    """Pairs of one generator with some encoders.

    Args:
        generator: Model that generates the images.
        encoders: Models that encode them.
        cache: Cache for the pairs.
    """

    generator: Member
    encoders: tuple[Member, ...]
    cache: PairCache

    @property
    def encodings(self) -> int:
        return len(self.encoders) * self.cache.settings.images

    def run(self, models: ModelCache, on_progress: OnProgress) -> None:
        encoders = {encoder.name: models.encoder(encoder) for encoder in self.encoders}
        model = models.model(self.generator)
        pairs = compute_pairs(self.generator, model, encoders, self.cache.settings, on_progress)
        for encoder in self.encoders:
            self.cache.save_pair(self.generator, encoder, pairs[encoder.name])


@dataclasses.dataclass(frozen=True)
class CodesTask:
    """Codes of real images, by one encoder.

    Args:
        encoder: Model that encodes the images.
        path: Path of the images, a .npy file of uint8 [N,R,R,C].
        count: Number of images, N.
        images: Checksum of the images, from `cache.digest_images`.
        cache: Cache for the codes.
    """

    encoder: Member
    path: str
    count: int
    images: str
    cache: PairCache

    @property
    def encodings(self) -> int:
        return self.count

    def run(self, models: ModelCache, on_progress: OnProgress) -> None:
        encoder, images = models.encoder(self.encoder), np.load(self.path, mmap_mode="r")
        parts = []
        for i in range(0, len(images), inference.BATCH):
            batch = np.ascontiguousarray(images[i : i + inference.BATCH])
            parts.append(encode(encoder, batch, self.encoder.name))
            on_progress(len(batch))
        self.cache.save_codes(self.encoder, self.images, np.concatenate(parts))


def missing_pairs(members: Sequence[Member], cache: PairCache) -> list[PairsTask]:
    """Returns one task for each generator with pairs that are not cached."""
    tasks = []
    for generator in members:
        encoders = tuple(encoder for encoder in members if cache.load_pair(generator, encoder) is None)
        tasks += [PairsTask(generator, encoders, cache)] if encoders else []
    return tasks


def missing_codes(members: Sequence[Member], path: str, count: int, images: str, cache: PairCache) -> list[CodesTask]:
    """Returns one task for each encoder without cached codes of the real images; for the arguments see `CodesTask`."""
    return [CodesTask(m, path, count, images, cache) for m in members if cache.load_codes(m, images, count) is None]


def share_gpus() -> None:
    """Lets this process allocate GPU memory only as needed, which leaves the rest to the processes that run tasks."""
    for device in tf.config.list_physical_devices("GPU"):
        with contextlib.suppress(RuntimeError):  # TensorFlow uses the GPU already, and can no longer change this
            tf.config.experimental.set_memory_growth(device, True)


def run_here(tasks: Sequence[Task], bar: tqdm) -> None:
    """Runs the tasks one after another in this process."""
    models = ModelCache()
    for task in tasks:
        task.run(models, bar.update)


def run_tasks(tasks: Sequence[Task], processes: int, bar: tqdm) -> None:
    """Runs the tasks in up to `processes` processes of one core each. If one fails, results saved before remain.

    Raises:
        ValueError, OSError: Error of the first task that failed.
        ChildProcessError: A process was killed, for example by the system for lack of memory.
    """
    if not tasks:
        return
    context = multiprocessing.get_context("spawn")  # a fork of a process that has used TensorFlow hangs
    counter = context.Value("q", 0)
    largest_first = sorted(tasks, key=lambda task: -task.encodings)
    pool = ProcessPoolExecutor(min(processes, len(tasks)), context, _init_worker, (counter,))
    try:
        futures = [pool.submit(_run_one, task) for task in largest_first]
        _follow(futures, counter, bar)
    except BrokenProcessPool:
        raise ChildProcessError(
            "processes: a process that encodes images was killed, perhaps for lack of memory: each process holds all "
            "models. Run the selection again to continue; fewer processes need less memory."
        ) from None
    finally:
        _stop(pool)


def _follow(futures: Sequence[Future], counter: Any, bar: tqdm) -> None:
    """Updates the bar until all tasks have ended; re-raises the error of the first one that fails."""
    pending = set(futures)
    while pending:
        done, pending = wait(pending, 0.3, FIRST_EXCEPTION)
        bar.update(counter.value - bar.n)
        for future in done:
            future.result()


def _stop(pool: ProcessPoolExecutor) -> None:
    """Ends the processes at once: results that are not saved by now are not needed."""
    running = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in running:
        with contextlib.suppress(OSError):
            process.terminate()
    for process in running:
        process.join()


# State of a worker process.
_models = ModelCache()
_counter: Any = None


def _init_worker(counter: Any) -> None:
    """Prepares a worker process: it uses one core, ignores Ctrl-C, and exits when its parent does."""
    global _counter
    _counter = counter
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tf.get_logger().setLevel("ERROR")  # TensorFlow would warn about retracing, one graph for each model
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    share_gpus()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _run_one(task: Task) -> None:
    def on_progress(encodings: int) -> None:
        with _counter.get_lock():
            _counter.value += encodings

    task.run(_models, on_progress)
