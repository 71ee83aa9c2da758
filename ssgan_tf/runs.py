"""A trained run, read back from its workdir: what evaluation and export begin with."""

import dataclasses
import json
import os

import tensorflow as tf

from ssgan_tf import config as configs
from ssgan_tf import models
from ssgan_tf.checkpoints import Checkpoints, path_in
from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.utils import files


@dataclasses.dataclass(frozen=True)
class Run:
    """A run.

    Args:
        workdir: its folder.
        config: what was trained.
        spec: the factors and their codes.
        model: with the weights of the checkpoint; in float32.
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
        return self.config.schedule.images(self.step)


def write_spec(spec: CodeSpec, workdir: str) -> None:
    """Writes workdir/codes.json, so that the data set is not needed to load the run."""
    path = os.path.join(workdir, "codes.json")
    files.write_json(spec.to_json(), path)


def read_spec(workdir: str) -> CodeSpec:
    """Reads what `write_spec` wrote.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it cannot be read as a list of factors.
    """
    path = os.path.join(workdir, "codes.json")
    if not os.path.isfile(path):
        raise FileNotFoundError(f"--workdir: {workdir!r} holds no run (expected {path}). Train one first.")
    with open(path, encoding="utf-8") as file:
        try:
            return CodeSpec.from_json(json.load(file))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"--workdir: {path} is no list of factors: {error!r}") from error


def load_run(workdir: str, step: int | None = None) -> Run:
    """Loads config, factors and a checkpoint of a workdir: that of `step`, or the newest whole one.

    Raises:
        FileNotFoundError: if there is no run, or it has no checkpoint yet.
        ValueError: if its files are damaged.
    """
    config = configs.read_config(workdir)
    spec = read_spec(workdir)
    model = models.make_model(config.model, spec, config.train.seed)
    checkpoints = Checkpoints(os.path.join(workdir, "checkpoints"), model.checkpoint_items())
    try:
        if step is None:
            step = checkpoints.restore_latest()
        else:
            checkpoints.restore(step)
    except ValueError as error:
        raise ValueError(f"--workdir: {error}") from error
    if step is None:
        raise FileNotFoundError(f"--workdir: {workdir!r} holds no checkpoint yet. Train longer first.")
    return Run(workdir, config, spec, _in_float32(model, config), step)


def _in_float32(model: tf.keras.Model, config: configs.Config) -> tf.keras.Model:
    """The model as it is measured and exported: in float32, whatever it was trained in."""
    if config.model.precision == "float32":
        return model
    result = models.make_model(config.model.in_float32(), model.spec, config.train.seed)
    trained = model.checkpoint_items()
    for name, item in result.checkpoint_items().items():
        if isinstance(item, tf.keras.Model):
            item.set_weights(trained[name].get_weights())
    result.step.assign(model.step)
    return result


def fingerprint(run: Run) -> str:
    """What tells the run's weights from any others: a sum over the checksums of its checkpoint."""
    folder = path_in(os.path.join(run.workdir, "checkpoints"), run.step)
    return files.sha256(os.path.join(folder, "checksums.json"))[:12]


def check_grown(run: Run) -> None:
    """Raises ValueError for a run whose networks have not grown to their full resolution yet."""
    segment = run.config.schedule.at(run.step)
    resolution, full = segment.phase.resolution, run.config.model.resolution
    if segment.fading or resolution not in (0, full):
        grown = next(s for s in run.config.schedule.segments if s.phase.resolution in (0, full) and not s.fading)
        raise ValueError(
            f"--workdir: {run.workdir!r} is still growing; expected a run past step {grown.start}, from which on its "
            f"networks have their full {full}x{full}. Received: one at {resolution}x{resolution}, step {run.step}. "
            "Train longer first."
        )
