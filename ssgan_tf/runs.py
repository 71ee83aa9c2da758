"""A trained run, read back from its workdir: what evaluation and export begin with."""

import dataclasses
import json
import os

import tensorflow as tf

from ssgan_tf import config as configs
from ssgan_tf import models
from ssgan_tf.checkpoints import Checkpoints
from ssgan_tf.codes import CodeSpec


@dataclasses.dataclass(frozen=True)
class Run:
    """A run.

    Args:
        workdir: its folder.
        config: what was trained.
        spec: the factors and their codes.
        model: with the weights of the newest whole checkpoint.
        step: of that checkpoint.
    """

    workdir: str
    config: configs.Config
    spec: CodeSpec
    model: tf.keras.Model
    step: int

    @property
    def images(self) -> int:
        """How many images it was trained with."""
        return self.step * self.config.data.batch


def write_spec(spec: CodeSpec, workdir: str) -> None:
    """Writes workdir/codes.json, so that the data set is not needed to load the run."""
    path = os.path.join(workdir, "codes.json")
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        json.dump(spec.to_json(), file, indent=2)
    os.replace(path + ".tmp", path)


def load_run(workdir: str) -> Run:
    """Loads config, factors and the newest whole checkpoint of a workdir.

    Raises:
        FileNotFoundError: if there is no run, or it has no checkpoint yet.
        ValueError: if its files are damaged.
    """
    config = configs.read_config(workdir)
    with open(os.path.join(workdir, "codes.json"), encoding="utf-8") as file:
        spec = CodeSpec.from_json(json.load(file))
    model = models.make_model(config.model, spec, config.train.seed)
    checkpoints = Checkpoints(os.path.join(workdir, "checkpoints"), model.checkpoint_items())
    step = checkpoints.restore_latest()
    if step is None:
        raise FileNotFoundError(f"--workdir: {workdir!r} holds no checkpoint yet. Train longer first.")
    return Run(workdir, config, spec, model, step)
