"""Config of an experiment: read from a file in configs/, changed with --set, stored as workdir/config.json.

Example:
    config = load_config("isaac3d:512")
    config = override(config, ["train.seed=1"])
"""

import dataclasses
import difflib
import functools
import inspect
import os
import reprlib
import runpy
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from ssgan_tf.core.schedule import BATCHES_1_GPU, PUBLISHED_LENGTHS, Phase, Schedule, progressive
from ssgan_tf.data import DataOptions
from ssgan_tf.models import MODELS, SemiStyleGANOptions, kind_of
from ssgan_tf.models.augmentation import AugmentOptions
from ssgan_tf.models.base import Options
from ssgan_tf.networks.options import NetworkOptions, small_64, small_128
from ssgan_tf.utils import overrides
from ssgan_tf.utils.shipped import shipped_folder
from ssgan_tf.utils.validation import choose

__all__ = [
    "BATCHES_1_GPU",
    "AugmentOptions",
    "PUBLISHED_LENGTHS",
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
    """Length of the run, and intervals of logs, samples, scores and checkpoints, in images over all devices.

    Args:
        images: Length of the run.
        seed: Seed of weights, noise, batches and the labelled subset.
        start_from: Folder of a run whose networks this one starts from, with fresh optimizers; "" for random weights.
            Its networks must have the same sizes. Codes are matched by the names of their factors; others start fresh.
        log_every: Interval of the lines in metrics.jsonl and the scalars for TensorBoard. Each checkpoint has a
            line too.
        sample_every: Interval of sample and traversal grids.
        metrics_every: Interval of scores of the encoder and the generator; 0 for none. Scores need the oracle, which
            is trained before the run unless it is cached.
        metrics: Metrics to compute at that interval, named as in evaluate's --metrics; or "fast".
        metrics_samples: Number of real images, and of generated images, per score.
        checkpoint_every: Interval of checkpoints.
        keep_checkpoints: Number of checkpoints to keep; older ones are deleted.
        rollbacks: Number of times that the run may return to a checkpoint because a loss or gradient is not finite, and
            continue without that step. The next such step ends training.
        deterministic: Whether TensorFlow uses only operations that are reproducible to the bit.

    Raises:
        ValueError: A field is out of range; the message names it.
    """

    images: int = 1_000_000
    seed: int = 0
    start_from: str = ""
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
        data: Training data.
        model: Options of one of the models in `ssgan_tf.models.MODELS`.
        phases: Resolutions, batches and learning rates in the course of training; a single phase trains at full
            resolution.
        train: Length of the run, and intervals of logs, samples, scores and checkpoints.

    Raises:
        ValueError: The parts do not fit together.
    """

    data: DataOptions = DataOptions()
    model: Options = SemiStyleGANOptions()
    phases: tuple[Phase, ...] = (Phase(),)
    train: TrainOptions = TrainOptions()

    def __post_init__(self):
        # Check the type of each part.
        m = self.model
        kinds = tuple(options for options, _ in MODELS.values())
        if not isinstance(self.phases, tuple) or not all(isinstance(phase, Phase) for phase in self.phases):
            raise ValueError(f"phases: expected a tuple of Phase. Received: {self.phases!r}.")
        for name, kind in (("data", DataOptions), ("model", kinds), ("train", TrainOptions)):
            if not isinstance(getattr(self, name), kind):
                expected = [k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,))]
                raise ValueError(f"{name}: expected {' or '.join(expected)}. Received: {getattr(self, name)!r}.")
        kind_of(m)  # raises for a subclass that is not itself in MODELS

        # Check that the parts fit together.
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
        """The training steps of the phases."""
        return Schedule(self.phases)

    def __repr__(self) -> str:
        """Returns the call that makes this config, with the fields that differ from their defaults."""
        parts = [f"    {f.name}={_call(getattr(self, f.name))},\n" for f in dataclasses.fields(self)]
        return f"Config(\n{''.join(parts)})"

    def to_json(self) -> dict[str, Any]:
        """Returns all fields as nested dicts and lists; "model" also has the "kind" of the model."""
        result = dataclasses.asdict(self)
        result["model"] = {"kind": kind_of(self.model), **result["model"]}
        return result

    @classmethod
    def from_json(cls, value: Any) -> "Config":
        """Makes a config from the result of `to_json`.

        Raises:
            ValueError: A field is unknown, or a value has the wrong type or is out of range.
        """
        _check_keys(value, [field.name for field in dataclasses.fields(cls)], "config")
        _check_keys(value["model"], ["kind"], "model")
        model = dict(value["model"])
        options = choose("model.kind", str(model.pop("kind")), MODELS)[0]
        return cls(
            data=overrides.from_dict(DataOptions, value["data"], "data"),
            model=overrides.from_dict(options, model, "model"),
            phases=overrides.check(tuple[Phase, ...], value["phases"], "phases"),
            train=overrides.from_dict(TrainOptions, value["train"], "train"),
        )


def _check_keys(value: Any, keys: Sequence[str], name: str) -> None:
    """Raises ValueError unless the value is a dict that has the keys."""
    if not isinstance(value, dict) or not set(keys) <= set(value):
        raise ValueError(f"{name}: expected a dict of {', '.join(map(repr, keys))}. Received: {reprlib.repr(value)}.")


def _call(value: Any) -> str:
    """Returns the call that makes a dataclass, with the fields that differ from their defaults; else the repr()."""
    if isinstance(value, tuple) and any(dataclasses.is_dataclass(item) for item in value):
        items = [f"        {_call(item)},\n" for item in value]
        return f"(\n{''.join(items)}    )"
    if not dataclasses.is_dataclass(value):
        return repr(value)
    stated = [f for f in dataclasses.fields(value) if getattr(value, f.name) != f.default]
    return f"{type(value).__name__}({', '.join(f'{f.name}={_call(getattr(value, f.name))}' for f in stated)})"


def load_config(config: str) -> Config:
    """Loads a config: runs its Python file and returns the result of its get_config().

    A file with variants takes one as the argument of get_config and lists them all in VARIANTS:

        VARIANTS = {"128": ("isaac3d/release128", 0.001), "512": ("isaac3d/full", 0.01)}

        def get_config(variant: str = "128") -> Config:
            dataset, labeled_fraction = VARIANTS[variant]

    Args:
        config: Path of a Python file, or the name of a shipped config; either may end with ":" and a variant. E.g.
            "configs/demo.py", "demo", "compare/beta_vae", "isaac3d:512" or "my_configs/chairs.py:large".

    Raises:
        FileNotFoundError: There is no such file and no shipped config of that name.
        ValueError: The file fails, has no get_config() or no such variant, or does not return a valid Config.
    """
    path, variant = find_config(config)
    result = None
    try:
        namespace = runpy.run_path(path)
        get_config = namespace.get("get_config")
        if callable(get_config):
            result = get_config(*_check_variant(variant, get_config, namespace.get("VARIANTS", ())))
        if isinstance(result, Config):
            return Config.from_json(result.to_json())  # checks the types of values, which dataclasses do not
    except Exception as error:  # a user's file may raise anything
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        raise ValueError(f"config: {path}{_line_of(error, path)}: {kind}{error}") from error
    raise ValueError(f"config: {path} must define get_config() -> ssgan_tf.config.Config. Received: {result!r}.")


def find_config(config: str) -> tuple[str, str]:
    """Returns the path of a config's Python file, and its variant; "" for the default variant.

    Args:
        config: Path or name, see `load_config`.

    Raises:
        FileNotFoundError: There is no such file and no shipped config of that name.
    """
    path, variant = config, ""
    if ":" in config and not os.path.isfile(config):
        path, variant = config.rsplit(":", 1)
    shipped = shipped_configs()
    if path in shipped:
        return shipped[path], variant
    if os.path.isfile(path):
        return path, variant
    near = difflib.get_close_matches(Path(path).stem, shipped) or difflib.get_close_matches(path, shipped)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise FileNotFoundError(
        "config: expected a Python file such as configs/demo.py, or the name of a shipped config such as demo. "
        f"Received: {config!r}.{hint}"
    )


def shipped_configs() -> dict[str, str]:
    """Returns {name: path} of the shipped configs, e.g. "demo" or "compare/beta_vae"; none if they were removed."""
    try:
        folder = Path(shipped_folder("configs"))
    except FileNotFoundError:
        return {}
    return {str(file.relative_to(folder).with_suffix("")): str(file) for file in sorted(folder.rglob("*.py"))}


def _check_variant(variant: str, get_config: Callable, known: Collection[str]) -> list[str]:
    """Returns the arguments of `get_config`: the variant, or nothing for the default one.

    Raises:
        ValueError: The config has no such variant.
    """
    if not variant:
        return []
    if not inspect.signature(get_config).parameters:
        raise ValueError(f"expected no variant, since get_config() takes none. Received: {variant!r}.")
    if known:
        choose("variant", variant, {name: name for name in known})
    return [variant]


def _line_of(error: Exception, path: str) -> str:
    """Returns e.g. ", line 7" for an error in the file at `path`, or ""."""
    if isinstance(error, SyntaxError):
        return ""  # its message ends with the line
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return f", line {lines[-1]}" if lines else ""


def override(config: Config, settings: Sequence[str]) -> Config:
    """Returns the config with settings such as "model.gamma_g=3" or "data.factors=shape,scale" applied, all at once.

    Raises:
        ValueError: See `overrides.change`.
    """
    return overrides.change(config, settings)


def differences(first: Config, second: Config) -> Iterator[tuple[str, Any, Any]]:
    """Yields (dotted name, value in `first`, value in `second`) of each field that differs."""
    return overrides.differences(first.to_json(), second.to_json())
