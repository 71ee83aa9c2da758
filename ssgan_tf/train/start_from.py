"""Start of a run from the networks of another run: checks that they fit, and takes their weights.

All weights are taken, of the averaged generator too. Those that belong to one code, in the generator's embedding and
the encoder's head, are taken for the codes that both runs have by name. Optimizers and the number of steps start anew.
"""

import dataclasses
import os
from typing import Any

import numpy as np
import tensorflow as tf

from ssgan_tf import config as configs
from ssgan_tf import models
from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.runs import Run, Workdir, load_run
from ssgan_tf.runs.run import check_grown

# Weights that have one part for each code, with the axis along which the parts follow each other.
_PER_CODE = {"embedding/kernel:0": 0, "code_head/kernel:0": 1, "code_head/bias:0": 0}


@dataclasses.dataclass(frozen=True)
class Start:
    """Source of a run's first weights.

    Args:
        workdir: Folder of the other run.
        networks: Names of the networks whose weights are taken.
        codes: Names of the codes whose weights are taken.
        fresh_codes: Names of the codes that the other run does not have.
        step: Step of the checkpoint that the weights are from; 0 if they were not read yet.
        images: Number of images that it was trained on; 0 if they were not read yet.
        fingerprint: Short checksum of the weights; "" if they were not read yet.
    """

    workdir: str
    networks: tuple[str, ...]
    codes: tuple[str, ...]
    fresh_codes: tuple[str, ...]
    step: int = 0
    images: int = 0
    fingerprint: str = ""

    def __str__(self) -> str:
        """Returns what is taken in one line."""
        read = f", step {self.step:,} ({self.images:,} images)" if self.fingerprint else ""
        codes = f"codes of {', '.join(self.codes)}" if self.codes else "no code, since none has the same name"
        fresh = f"; fresh: {', '.join(self.fresh_codes)}" if self.fresh_codes else ""
        return f"starts from  {self.workdir}{read}: {', '.join(self.networks)}; {codes}{fresh}"

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def preview(config: configs.Config, spec: CodeSpec, workdir: Workdir) -> Start | None:
    """Returns what a run will take from another, from their configs alone: for a dry run.

    Args:
        config: Config of the run.
        spec: Its factors.
        workdir: Its folder.

    Returns:
        None if the run starts with random weights, or has started before.

    Raises:
        FileNotFoundError, ValueError: The other run cannot be used; see `take`.
    """
    other = _open(config, workdir)
    if other is None:
        return None
    their_model = models.make_blueprint(other.read_config().model, other.read_factors())
    return _compare(models.make_blueprint(config.model, spec), config, their_model, other)


def take(model: tf.keras.Model, config: configs.Config, workdir: Workdir) -> Start | None:
    """Gives a model that was just made the weights of another run's newest checkpoint, if its config names one.

    Args:
        model: Model of the config.
        config: Config of the run.
        workdir: Its folder.

    Returns:
        None if the run starts with random weights, or has started before; then it needs the other run no longer.

    Raises:
        FileNotFoundError: There is no other run.
        ValueError: The networks of the other run have other sizes; or it cannot be read.
        MemoryError: There is no memory for both.
    """
    other = _open(config, workdir)
    if other is None:
        return None
    try:
        run = load_run(other.path)
        check_grown(run)
    except (ValueError, OSError, MemoryError) as error:
        raise _renamed(error) from error
    start = _compare(model, config, run.model, other)
    ours = model.checkpoint_items()
    for name, theirs in run.model.checkpoint_items().items():
        if isinstance(theirs, tf.keras.Model):
            for own, weight in zip(ours[name].variables, theirs.variables, strict=True):
                own.assign(_merged(own, weight, model, run))
    return dataclasses.replace(start, step=run.step, images=run.images, fingerprint=run.fingerprint)


def _open(config: configs.Config, workdir: Workdir) -> Workdir | None:
    """Returns the folder of the run to start from; None if there is none to read.

    Raises:
        FileNotFoundError, ValueError: It is not the folder of another run of the same kind.
    """
    path = config.train.start_from
    if not path or workdir.has_checkpoints():
        return None
    if os.path.realpath(path) == os.path.realpath(workdir.path):
        raise ValueError(f"train.start_from: expected the folder of another run. Received: {path!r}, its own folder.")
    other = Workdir(path)
    try:
        other.read_factors()
        kinds = [models.kind_of(c.model) for c in (config, other.read_config())]
    except (ValueError, OSError) as error:
        raise _renamed(error) from error
    if kinds[0] != kinds[1]:
        raise ValueError(f"train.start_from: expected the folder of a {kinds[0]} run. Received: {path!r}, {kinds[1]}.")
    return other


def _compare(model: tf.keras.Model, config: configs.Config, their_model: tf.keras.Model, other: Workdir) -> Start:
    """Returns what the weights of the other model give; raises ValueError if one has another shape."""
    ours, theirs = model.prior.spec.names, their_model.prior.spec.names
    if _shapes(model) != _shapes(their_model):
        changed = [
            f"{name}={there!r} there, {here!r} here"
            for name, there, here in configs.differences(other.read_config(), config)
            if name.startswith("model.")
        ] or [f"{len(theirs)} codes there, {len(ours)} here"]
        raise ValueError(
            f"train.start_from: expected a run whose networks have the sizes of this config. Received: {other.path!r} "
            f"({'; '.join(changed)[:300]}). Set model as in its config.json, or start from another run."
        )
    return Start(
        workdir=other.path,
        networks=tuple(model.networks()),
        codes=tuple(name for name in ours if name in theirs),
        fresh_codes=tuple(name for name in ours if name not in theirs),
    )


def code_axis(weight: tf.Variable) -> int | None:
    """Returns the axis of a weight along which there is one part for each code; None for most weights."""
    return _PER_CODE.get("/".join(weight.name.split("/")[-2:]))


def _shapes(model: tf.keras.Model) -> list[tuple[str, list[float]]]:
    """Returns name and shape of every weight, with the size of one code's part along the axis of the codes."""
    result = []
    for network in model.networks().values():
        for weight in network.variables:
            shape: list[float] = list(weight.shape)
            axis = code_axis(weight)
            if axis is not None:
                shape[axis] /= model.prior.spec.size
            result.append((weight.name, shape))
    return result


def _merged(own: tf.Variable, other: tf.Variable, model: tf.keras.Model, run: Run) -> np.ndarray:
    """Returns the weights to assign to `own`: those of `other`, for each code by its name."""
    axis = code_axis(own)
    if axis is None:
        return other.numpy()
    ours, theirs = model.prior.spec.names, run.model.prior.spec.names
    shared = [name for name in ours if name in theirs]
    # [parts of a code, codes, ...]
    result, source = (
        np.moveaxis(v.numpy(), axis, 0).reshape(-1, len(names), *np.delete(v.shape, axis))
        for v, names in ((own, ours), (other, theirs))
    )
    result = result.copy()
    result[:, [ours.index(name) for name in shared]] = source[:, [theirs.index(name) for name in shared]]
    return np.moveaxis(result.reshape(-1, *result.shape[2:]), 0, axis)


def _renamed(error: Exception) -> Exception:
    """Returns the error with the name of the option in place of "workdir"."""
    return type(error)(f"train.start_from: {str(error).removeprefix('workdir: ')}")
