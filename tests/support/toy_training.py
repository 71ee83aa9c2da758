"""Training loop, log and checkpoints of real runs, with a model of three numbers in place of networks."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf import data, visualize
from ssgan_tf.config import Config, DataOptions, NetworkOptions, Phase, TrainOptions
from ssgan_tf.data import pipeline
from ssgan_tf.models import SemiStyleGANOptions
from ssgan_tf.runs import Workdir
from ssgan_tf.runs.checkpoints import Checkpoints
from ssgan_tf.train import loop
from tests.support import tiny_run
from tests.support.driving import drive
from tests.support.dying import announce

# Six steps in two phases. Both end where a checkpoint is due, but grids and scores are not.
CONFIG = Config(
    DataOptions(dataset="fake/tiny"),
    SemiStyleGANOptions(network=NetworkOptions(resolution=16)),
    (Phase(8, images=32, batch=8, labeled_batch=1), Phase(16, batch=8, labeled_batch=1)),
    TrainOptions(images=48, log_every=24, sample_every=40, metrics_every=24, checkpoint_every=16, keep_checkpoints=2),
)


class ToyModel:
    """Everything that the training loop uses of a model."""

    phase_label = "8x8"

    def __init__(self):
        self.step = tf.Variable(0, dtype=tf.int64)
        self.weight = tf.Variable([1.0, 2.0, 3.0])
        self.weights = [self.weight]
        self.stop_training = False
        self.reset_metrics()

    def set_segment(self, segment) -> None:
        self.rate = 0.1 * segment.phase.resolution

    def reset_metrics(self) -> None:
        self.losses: list[float] = []

    def fit(self, batches, steps_per_epoch: int, verbose: int, callbacks: list) -> None:
        drive(self, callbacks, steps_per_epoch, lambda _: self.train_step())

    def train_step(self) -> dict[str, float]:
        self.weight.assign(self.rate * self.weight + tf.cast(self.step, tf.float32))
        self.step.assign_add(1)
        self.losses.append(float(self.weight[0]))
        return {"loss": float(np.mean(self.losses))}

    def plot(self) -> dict[str, np.ndarray]:
        pixels = np.resize(self.weight.numpy().view(np.uint8), [4, 4, 3])
        return {"samples": pixels, "traversal": pixels[::-1]}

    def evaluate(self) -> dict[str, float]:
        return {"mig": float(self.weight[1]), "mig_gen": float(self.weight[2])}


def patch(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Leaves out the data, and counts what TensorFlow writes among the changes of files in `folder`."""
    monkeypatch.setattr(pipeline, "distribute_batches", lambda *arguments: None)
    monkeypatch.setattr(visualize, "make_plotter", lambda model, seed: model.plot)
    for owner, name in ((tf.train.Checkpoint, "write"), (tf.summary, "scalar"), (tf.summary, "image")):
        original = getattr(owner, name)

        def announced(*arguments, original=original, **named):
            announce(folder)
            return original(*arguments, **named)

        monkeypatch.setattr(owner, name, announced)


def train(workdir: Path) -> None:
    """Trains or resumes a run in `workdir` as `train.run` does."""
    place, model = Workdir(str(workdir)), ToyModel()
    dataset = data.FactorDataset("fake/tiny", np.zeros([1, 16, 16, 3], np.uint8), np.zeros([1, 2]), tiny_run.SPEC)
    items = {"weight": model.weight, "step": model.step}
    checkpoints = Checkpoints(place.checkpoints, items, CONFIG.train.keep_checkpoints)
    step = checkpoints.restore_latest() or 0
    checkpoints.remove_leftovers(step)
    strategy = tf.distribute.get_strategy()
    session = loop.Session(
        place, CONFIG, strategy, dataset, np.zeros([0]), model, checkpoints, step, None, model.evaluate, quiet=True
    )
    loop.train(session)
