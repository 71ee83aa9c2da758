"""Trained runs, loaded from their workdirs for evaluation and export."""

import dataclasses

import tensorflow as tf

from ssgan_tf import config as configs
from ssgan_tf import models
from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.runs.checkpoints import Checkpoints
from ssgan_tf.runs.workdir import Workdir


@dataclasses.dataclass(frozen=True, repr=False)
class Run:
    """A trained run.

    Args:
        workdir: Folder of the run.
        config: Config of the run.
        spec: Factors and their codes.
        model: Model with the weights of the checkpoint, in float32.
        step: Step of that checkpoint.
        fingerprint: Short checksum of the weights. The checkpoint itself may be gone if the run goes on training.
    """

    workdir: str
    config: configs.Config
    spec: CodeSpec
    model: tf.keras.Model
    step: int
    fingerprint: str

    @property
    def images(self) -> int:
        """Number of images that the run was trained on."""
        return self.config.schedule.images(self.step)

    @property
    def files(self) -> Workdir:
        """Paths of the run's files."""
        return Workdir(self.workdir)

    def __repr__(self) -> str:
        options, kind = self.config.model, models.kind_of(self.config.model)
        return (
            f"<Run {self.workdir!r}: {kind} at {options.resolution}x{options.resolution} on "
            f"{self.config.data.dataset}, "
            f"{self.images:,} of {self.config.train.images:,} images, factors {', '.join(self.spec.names)}>"
        )


def load_run(workdir: str, step: int | None = None) -> Run:
    """Loads a run with the checkpoint of `step`, or with its newest complete one.

    Raises:
        FileNotFoundError: There is no run, or it has no checkpoint yet.
        ValueError: Its files are damaged, or there is no checkpoint of `step`.
        MemoryError: The model of its config does not fit into memory.
    """
    place = Workdir(workdir)
    config, spec = place.read_config(), place.read_factors()
    try:
        model = models.make_model(config.model, spec, config.train.seed)
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError(f"workdir: the model of {place.config} does not fit into memory.") from error
    checkpoints = Checkpoints(place.checkpoints, model.checkpoint_items())
    try:
        if step is None:
            step = checkpoints.restore_latest()
        else:
            checkpoints.restore(step)
    except ValueError as error:
        raise ValueError(f"workdir: {error}") from error
    if step is None:
        raise FileNotFoundError(f"workdir: {workdir!r} does not contain a checkpoint yet. Train longer first.")
    return Run(workdir, config, spec, _in_float32(model, config), step, checkpoints.fingerprint)


def _in_float32(model: tf.keras.Model, config: configs.Config) -> tf.keras.Model:
    """Returns the model in float32, for evaluation and export, whatever precision it was trained in."""
    if config.model.precision == "float32":
        return model
    result = models.make_model(config.model.in_float32(), model.spec, config.train.seed)
    trained = model.checkpoint_items()
    for name, item in result.checkpoint_items().items():
        if isinstance(item, tf.keras.Model):
            item.set_weights(trained[name].get_weights())
    result.step.assign(model.step)
    return result


def check_grown(run: Run) -> None:
    """Raises ValueError if the run's networks have not reached their full resolution."""
    segment = run.config.schedule.at(run.step)
    resolution, full = segment.phase.resolution, run.config.model.resolution
    if segment.fading or resolution not in (0, full):
        grown = next(s for s in run.config.schedule.segments if s.phase.resolution in (0, full) and not s.fading)
        raise ValueError(
            f"workdir: {run.workdir!r} is still growing; expected a run past step {grown.start}, where its networks "
            f"reach their full {full}x{full}. Received: one at {resolution}x{resolution}, step {run.step}. "
            "Train longer first."
        )
