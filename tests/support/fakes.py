"""Stand-ins that are real but tiny: a prepared data set, a config that trains on it in seconds, and the programs
run as from a shell, without the seconds that importing TensorFlow takes.
"""

import contextlib
import dataclasses
import json
import multiprocessing
import os
import runpy
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, wait
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from ssgan_tf.data import pipeline
from ssgan_tf.runs import checkpoints, progress
from ssgan_tf.select import workers

DATASET = "fake/tiny"
SIZES = {"hue": 3, "shape": 2, "angle": 5}  # not in alphabetical order, on purpose
UNKNOWN_EVERY = 4  # the hue of every fourth image is unknown, and every label of every eighth

CONFIG = """
from ssgan_tf.config import Config, DataOptions, NetworkOptions, Phase, TrainOptions
from ssgan_tf.models import SemiStyleGANOptions


def get_config():
    network = NetworkOptions(resolution=8, fmap_base=16, fmap_max=4, noise_size=4, style_size=4, mapping_layers=1)
    return Config(
        data=DataOptions(dataset="fake/tiny", labeled_fraction=0.25),
        model=SemiStyleGANOptions(network=network, r1_interval=2),
        phases=(Phase(batch=8, labeled_batch=4, decay_images=256),),
        train=TrainOptions(images=128, log_every=16, sample_every=64, checkpoint_every=16, keep_checkpoints=3),
    )
"""

PHASE = "Phase(batch=8, labeled_batch=4, decay_images=256)"
GROWING = """Phase(8, images=32, batch=8, labeled_batch=4),
            Phase(16, fade_images=32, batch=8, labeled_batch=2, learning_rate=0.002, fresh_optimizers=True)"""
GROWING_CONFIG = CONFIG.replace("resolution=8", "resolution=16").replace(PHASE, GROWING)


def arrays(count: int = 60, resolution: int = 8) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Images uint8 [N,R,R,3], of which no two are alike, and labels {name: int [N]}, -1 where unknown."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, [count, resolution, resolution, 3], np.uint8)
    images[:, 0, 0, 0] = np.arange(count) % 256  # the row number, so that a test can tell which image it sees
    labels = {name: rng.integers(0, size, count) for name, size in SIZES.items()}
    labels["hue"][::UNKNOWN_EVERY] = -1
    for values in labels.values():
        values[:: 2 * UNKNOWN_EVERY] = -1
    return images, labels


class Fake(tfds.core.GeneratorBasedBuilder):
    """The schema that the package reads: one split "train" of image and factors."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name="tiny")]
    count, resolution = 60, 8

    def _info(self) -> tfds.core.DatasetInfo:
        shape = (self.resolution, self.resolution, 3)
        factors = {name: tfds.features.ClassLabel(num_classes=size) for name, size in SIZES.items()}
        features = {
            "image": tfds.features.Image(shape=shape, dtype=np.uint8, encoding_format="png"),
            "factors": tfds.features.FeaturesDict(factors),
        }
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        images, labels = arrays(self.count, self.resolution)
        for i, image in enumerate(images):
            yield i, {"image": image, "factors": {name: int(values[i]) for name, values in labels.items()}}


def row_numbers(images) -> np.ndarray:
    """The row that each image says it is (`arrays`), of uint8 or float images."""
    corner = np.asarray(images)[:, 0, 0, 0]
    return corner.astype(int) if corner.dtype == np.uint8 else np.rint((corner + 1) * 127.5).astype(int)


def prepare(data_dir: Path) -> Path:
    """Builds DATASET under `data_dir`, as `tfds build` would, and returns the folder."""
    Fake(config="tiny", data_dir=data_dir).download_and_prepare(
        download_config=tfds.download.DownloadConfig(try_download_gcs=False)
    )
    return data_dir


@dataclasses.dataclass(frozen=True)
class Result:
    """How a program ended: its exit code (-n where signal n killed it) and what it wrote."""

    code: int
    out: str
    err: str


def run(module: str, *arguments: str, before: Callable[[], None] | None = None, timeout: float = 600) -> Result:
    """Runs `python -m <module> <arguments>` in a process of its own.

    The process is forked from one that has imported the package, and nothing more.

    Args:
        before: called in it first, to make something go wrong later.
        timeout: in seconds; the process is killed then, and the code is -9.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.support.fakes", "ssgan_tf.runs", "ssgan_tf.evaluate.oracle"])
    with tempfile.TemporaryDirectory() as folder:
        process = context.Process(target=_main, args=(module, arguments, before, folder))
        process.start()
        process.join(timeout)
        if process.is_alive():
            process.kill()
            process.join()
        assert process.exitcode is not None
        out, err = (Path(folder, name).read_bytes().decode() for name in ("out", "err"))
        return Result(process.exitcode, out, err)


def _main(module, arguments, before, folder):
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT), number)
    sys.argv = [module, *arguments]
    if before is not None:
        before()
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()


# What can go wrong in a program, for `before`; each can be sent to the process.


@dataclasses.dataclass(frozen=True)
class SignalAt:
    """The process receives a signal at the end of `step`, before anything is saved."""

    step: int
    number: int

    def __call__(self):
        _at_step(self.step, lambda _: os.kill(os.getpid(), self.number))


@dataclasses.dataclass(frozen=True)
class KillWhileSaving:
    """SIGKILL when the checkpoint of `step` is written, but not yet moved into place."""

    step: int

    def __call__(self):
        def kill(folder):
            if folder.endswith(f"{self.step:09d}"):
                os.kill(os.getpid(), signal.SIGKILL)
            original(folder)

        original = checkpoints._write_checksums
        mock.patch.object(checkpoints, "_write_checksums", kill).start()


@dataclasses.dataclass(frozen=True)
class KillWhenOneIsKept:
    """SIGKILL for the program when the first task is done; it notes its processes in a file before."""

    note: str

    def __call__(self):
        def follow(futures, counter, bar):
            wait(futures, return_when=FIRST_COMPLETED)
            Path(self.note).write_text(" ".join(str(process.pid) for process in multiprocessing.active_children()))
            os.kill(os.getpid(), signal.SIGKILL)

        mock.patch.object(workers, "_follow", follow).start()


@dataclasses.dataclass(frozen=True)
class KillAfter:
    """SIGKILL, whatever is being done, so many seconds after the first step of training."""

    seconds: float

    def __call__(self):
        def kill():
            time.sleep(self.seconds)
            os.kill(os.getpid(), signal.SIGKILL)

        def begin(callback, *arguments):
            original(callback, *arguments)
            if not started:
                started.append(threading.Thread(target=kill, daemon=True))
                started[0].start()

        original = progress.CountSteps.on_train_batch_end
        started: list[threading.Thread] = []
        mock.patch.object(progress.CountSteps, "on_train_batch_end", begin).start()


@dataclasses.dataclass(frozen=True)
class SpoilAt:
    """A weight of the generator becomes NaN at the end of `step`."""

    step: int

    def __call__(self):
        def spoil(callback):
            weight = callback.model.generator.trainable_variables[0]
            weight.assign(weight * float("nan"))

        _at_step(self.step, spoil)


@dataclasses.dataclass(frozen=True)
class SpoilAlways:
    """The pictures of these steps, counted from 0, are NaN whenever they are trained on."""

    steps: frozenset[int]

    def __call__(self):
        original = pipeline.distribute_batches

        def spoilt(strategy, table, rows, segment, seed, first_step):
            def spoil(step, batch):
                bad = tf.reduce_any(tf.equal(step, list(self.steps)))
                return {**batch, "image": tf.where(bad, float("nan"), batch["image"])}

            return original(strategy, table, rows, segment, seed, first_step).enumerate(first_step).map(spoil)

        pipeline.distribute_batches = spoilt


@dataclasses.dataclass(frozen=True)
class FillDiskAt:
    """The disk of `folder` is full from the end of `step` on."""

    step: int
    folder: str

    def __call__(self):
        def fill(_):
            with contextlib.suppress(OSError), open(os.path.join(self.folder, "filler"), "wb", buffering=0) as file:
                while True:
                    file.write(bytes(512))

        _at_step(self.step, fill)


@dataclasses.dataclass(frozen=True)
class DiskWith:
    """Every disk has so many bytes free."""

    free: int

    def __call__(self):
        mock.patch.object(shutil, "disk_usage", lambda path: SimpleNamespace(free=self.free)).start()


@dataclasses.dataclass(frozen=True)
class Devices:
    """The machine has so many processors for TensorFlow."""

    count: int

    def __call__(self):
        (device,) = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * self.count)


@dataclasses.dataclass(frozen=True)
class Worker:
    """The process is one of the workers at these addresses."""

    addresses: tuple[str, ...]
    index: int

    def __call__(self):
        task = {"type": "worker", "index": self.index}
        os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": self.addresses}, "task": task})


def _at_step(step: int, act: Callable) -> None:
    """Calls `act(callback)` in the training of this process when `step` is done, before anything is saved."""
    original = progress.CountSteps.on_train_batch_end

    def and_act(self, batch, logs=None):
        original(self, batch, logs)
        if self.progress.step == step:
            act(self)

    mock.patch.object(progress.CountSteps, "on_train_batch_end", and_act).start()
