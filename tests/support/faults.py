"""Faults and surroundings of a program, for the argument `before` of `programs.run`: signals, full disks, NaN, workers.

Each is a small picklable object; calling it in the process prepares the fault.
"""

import contextlib
import dataclasses
import json
import multiprocessing
import os
import resource
import shutil
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, wait
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import tensorflow as tf

from ssgan_tf.data import pipeline
from ssgan_tf.runs import checkpoints, progress
from ssgan_tf.select import workers


def nothing() -> None:
    """Leaves the process undisturbed."""


@dataclasses.dataclass(frozen=True)
class Both:
    """Does `first`, then `second`."""

    first: Callable[[], None]
    second: Callable[[], None]

    def __call__(self):
        self.first()
        self.second()


@dataclasses.dataclass(frozen=True)
class SignalAt:
    """Sends the process signal `number` at the end of `step`, before anything is saved."""

    step: int
    number: int

    def __call__(self):
        _at_step(self.step, lambda _: os.kill(os.getpid(), self.number))


@dataclasses.dataclass(frozen=True)
class KillWhileSaving:
    """Kills the process when the checkpoint of `step` is written but not yet moved into place."""

    step: int

    def __call__(self):
        def kill(folder):
            if folder.endswith(f"{self.step:09d}"):
                os.kill(os.getpid(), signal.SIGKILL)
            original(folder)

        original = checkpoints._write_checksums
        mock.patch.object(checkpoints, "_write_checksums", kill).start()


@dataclasses.dataclass(frozen=True)
class KillAfterSaving:
    """Kills the process as soon as the checkpoint of `step` is complete."""

    step: int

    def __call__(self):
        def save(self_, step):
            original(self_, step)
            if step == self.step:
                os.kill(os.getpid(), signal.SIGKILL)

        original = checkpoints.Checkpoints.save
        mock.patch.object(checkpoints.Checkpoints, "save", save).start()


@dataclasses.dataclass(frozen=True)
class KillAfterFirstTask:
    """Kills `select` when its first task is done, and writes the ids of its worker processes to the file `note`."""

    note: str

    def __call__(self):
        def follow(futures, counter, bar):
            wait(futures, return_when=FIRST_COMPLETED)
            Path(self.note).write_text(" ".join(str(process.pid) for process in multiprocessing.active_children()))
            os.kill(os.getpid(), signal.SIGKILL)

        mock.patch.object(workers, "_follow", follow).start()


@dataclasses.dataclass(frozen=True)
class KillAfter:
    """Kills the process, whatever it is doing, `seconds` after the first step of training that is `step` or later."""

    seconds: float
    step: int = 0

    def __call__(self):
        def kill():
            time.sleep(self.seconds)
            os.kill(os.getpid(), signal.SIGKILL)

        def start_clock(callback, *arguments):
            original(callback, *arguments)
            if not started and callback.progress.step >= self.step:
                started.append(threading.Thread(target=kill, daemon=True))
                started[0].start()

        original = progress.CountSteps.on_train_batch_end
        started: list[threading.Thread] = []
        mock.patch.object(progress.CountSteps, "on_train_batch_end", start_clock).start()


@dataclasses.dataclass(frozen=True)
class SpoilAt:
    """Sets a weight of the generator to NaN at the end of `step`."""

    step: int

    def __call__(self):
        def spoil(callback):
            weight = callback.model.generator.trainable_variables[0]
            weight.assign(weight * float("nan"))

        _at_step(self.step, spoil)


@dataclasses.dataclass(frozen=True)
class SpoilAlways:
    """Sets the images of these steps, counted from 0, to NaN whenever they are trained on."""

    steps: frozenset[int]

    def __call__(self):
        original = pipeline.distribute_batches

        def distribute_spoilt(strategy, dataset, rows, segment, seed, first_step):
            def spoil(step, batch):
                bad = tf.reduce_any(tf.equal(step, list(self.steps)))
                return {**batch, "image": tf.where(bad, float("nan"), batch["image"])}

            return original(strategy, dataset, rows, segment, seed, first_step).enumerate(first_step).map(spoil)

        pipeline.distribute_batches = distribute_spoilt


@dataclasses.dataclass(frozen=True)
class FillDiskAt:
    """Fills the disk of `folder` at the end of `step`."""

    step: int
    folder: str

    def __call__(self):
        _at_step(self.step, lambda _: fill_disk(self.folder))


@dataclasses.dataclass(frozen=True)
class DiskWith:
    """Makes every disk report `free` bytes of free space."""

    free: int

    def __call__(self):
        mock.patch.object(shutil, "disk_usage", lambda path: SimpleNamespace(free=self.free)).start()


@dataclasses.dataclass(frozen=True)
class AddressSpace:
    """Limits the process to `size` bytes of addresses, as `ulimit -v` does."""

    size: int

    def __call__(self):
        resource.setrlimit(resource.RLIMIT_AS, (self.size, self.size))


@dataclasses.dataclass(frozen=True)
class Devices:
    """Splits the CPU into `count` logical devices."""

    count: int

    def __call__(self):
        (device,) = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * self.count)


@dataclasses.dataclass(frozen=True)
class Worker:
    """Makes the process worker `index` of the job with these addresses."""

    addresses: tuple[str, ...]
    index: int

    def __call__(self):
        task = {"type": "worker", "index": self.index}
        os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": self.addresses}, "task": task})


def fill_disk(folder: str | os.PathLike, free: int = 0) -> None:
    """Writes the file `filler` into `folder` until its disk has only `free` bytes left."""
    path = os.path.join(folder, "filler")
    with contextlib.suppress(OSError), open(path, "wb", buffering=0) as file:
        while True:
            file.write(bytes(512))
    os.truncate(path, os.path.getsize(path) - free)


def _at_step(step: int, act: Callable) -> None:
    """Makes the training of this process call `act(callback)` when `step` is done, before anything is saved."""
    original = progress.CountSteps.on_train_batch_end

    def on_train_batch_end(self, batch, logs=None):
        original(self, batch, logs)
        if self.progress.step == step:
            act(self)

    mock.patch.object(progress.CountSteps, "on_train_batch_end", on_train_batch_end).start()
