"""An experiment as frozen dataclasses: read from configs/*.py, changed with --set, kept as workdir/config.json."""

import dataclasses
import functools
import os
import runpy
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

from ssgan_tf.core.schedule import BATCHES_1_GPU, Phase, Schedule, progressive
from ssgan_tf.data import DataOptions
from ssgan_tf.models import MODELS, SemiStyleGANOptions, kind_of
from ssgan_tf.models.base import Options
from ssgan_tf.networks.options import NetworkOptions, small_64, small_128
from ssgan_tf.utils import overrides
from ssgan_tf.utils.validation import choose

__all__ = [
    "BATCHES_1_GPU",
    "Config",
    "DataOptions",
    "NetworkOptions",
    "Phase",
    "TrainOptions",
    "progressive",
    "small_64",
    "small_128",
]


@dataclasses.dataclass(frozen=True)
class TrainOptions:
    """How long to train and how often to look. All lengths are in images, over all devices.

    Args:
        images: length of the run.
        seed: of weights, noise, batches and the labelled subset.
        log_every: a line of metrics.jsonl and TensorBoard scalars.
        sample_every: sample and traversal grids.
        metrics_every: scores of the encoder and the generator as training goes on; 0 for none. They need the oracle,
            which is trained first where it is not kept yet.
        metrics: which, as in evaluate's --metrics, or "fast".
        metrics_samples: real images, and generated ones, per score.
        checkpoint_every: a checkpoint.
        keep_checkpoints: how many of the newest checkpoints stay.
        rollbacks: how many times, in the whole run, it may go back to a checkpoint because of a loss or gradient
            that is no finite number, to go on without that step; the next time it stops.
        deterministic: let TensorFlow use only operations that give the same bits every time.

    Raises:
        ValueError: naming the field that is out of range.
    """

    images: int = 1_000_000
    seed: int = 0
    log_every: int = 5_000
    sample_every: int = 50_000
    metrics_every: int = 0
    metrics: tuple[str, ...] = ("mig", "l2")
    metrics_samples: int = 5_000
    checkpoint_every: int = 50_000
    keep_checkpoints: int = 3
    rollbacks: int = 3
    deterministic: bool = True

    def __post_init__(self):
        for name in ("images", "log_every", "sample_every", "checkpoint_every", "keep_checkpoints"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected 1 or more. Received: {getattr(self, name)}.")
        for name in ("metrics_every", "rollbacks"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: expected 0 for none, or 1 or more. Received: {getattr(self, name)}.")
        if self.metrics_samples < 100:
            raise ValueError(f"metrics_samples: expected 100 or more. Received: {self.metrics_samples}.")
        if not 0 <= self.seed < 2**31:
            raise ValueError(f"seed: expected a number from 0 to 2**31 - 1. Received: {self.seed}.")


@dataclasses.dataclass(frozen=True)
class Config:
    """One experiment.

    Args:
        data: what is trained on.
        model: options of one of the models in `ssgan_tf.models.MODELS`.
        phases: resolutions, batches and learning rates as training goes on; one phase trains at full resolution.
        train: how long, and how often to look.

    Raises:
        ValueError: if the parts do not fit together.
    """

    data: DataOptions = DataOptions()
    model: Options = SemiStyleGANOptions()
    phases: tuple[Phase, ...] = (Phase(),)
    train: TrainOptions = TrainOptions()

    def __post_init__(self):
        m = self.model
        kinds = tuple(options for options, _ in MODELS.values())
        if not isinstance(self.phases, tuple) or not all(isinstance(phase, Phase) for phase in self.phases):
            raise ValueError(f"phases: expected a tuple of Phase. Received: {self.phases!r}.")
        for name, kind in (("data", DataOptions), ("model", kinds), ("train", TrainOptions)):
            if not isinstance(getattr(self, name), kind):
                expected = [k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,))]
                raise ValueError(f"{name}: expected {' or '.join(expected)}. Received: {getattr(self, name)!r}.")
        kind_of(m)  # raises for a subclass of Options that has no line of its own
        phases = self.schedule.phases
        grown = m.resolutions
        for i, phase in enumerate(phases):
            last = i == len(phases) - 1
            if phase.resolution and phase.resolution not in (grown[-1:] if last else grown):
                expected = f"0 or {grown[-1]}, the networks' own, in the last phase" if last else f"one of {grown}"
                raise ValueError(f"phases.{i}.resolution: expected {expected}. Received: {phase.resolution}.")
        m.check_labels(self.data.labeled_fraction)

    @functools.cached_property
    def schedule(self) -> Schedule:
        """The steps that the phases come to."""
        return Schedule(self.phases)

    def to_json(self) -> dict[str, Any]:
        result = dataclasses.asdict(self)
        result["model"] = {"kind": kind_of(self.model), **result["model"]}
        return result

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Config":
        """Reads what `to_json` returned.

        Raises:
            ValueError: for an unknown field or a value of the wrong type.
        """
        model = dict(value["model"])
        options = choose("model.kind", model.pop("kind"), MODELS)[0]
        return cls(
            data=overrides.from_dict(DataOptions, value["data"], "data"),
            model=overrides.from_dict(options, model, "model"),
            phases=overrides.check(tuple[Phase, ...], value["phases"], "phases"),
            train=overrides.from_dict(TrainOptions, value["train"], "train"),
        )


def load_config(path: str) -> Config:
    """Runs the Python file at `path` and returns what its get_config() gives.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it cannot be run, has no get_config(), or that returns no Config or values of a wrong type.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(f"--config: expected a Python file such as configs/demo.py. Received: {path!r}.")
    try:
        get_config = runpy.run_path(path).get("get_config")
        config = get_config() if callable(get_config) else None
        if isinstance(config, Config):
            return Config.from_json(config.to_json())  # dataclasses check no types; this does
    except Exception as error:  # whatever a user's file may raise
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        raise ValueError(f"--config: {path}{_line_of(error, path)}: {kind}{error}") from error
    raise ValueError(f"--config: {path} must define get_config() -> ssgan_tf.config.Config. Received: {config!r}.")


def _line_of(error: Exception, path: str) -> str:
    """ ", line 7" where the file at `path` went wrong."""
    if isinstance(error, SyntaxError):
        return ""  # its message ends with the line
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return f", line {lines[-1]}" if lines else ""


def override(config: Config, settings: Sequence[str]) -> Config:
    """Applies settings such as "model.gamma_g=3" or "data.factors=shape,scale", all at once.

    Raises:
        ValueError: see `overrides.change`.
    """
    return overrides.change(config, settings)


def differences(first: Config, second: Config) -> Iterator[tuple[str, Any, Any]]:
    """Yields (dotted name, first's value, second's value) of every field in which the two differ."""
    return overrides.differences(first.to_json(), second.to_json())
