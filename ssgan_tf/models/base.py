"""Interface between a model and the rest of the package: everything that a new model must have.

A model consists of Options, a frozen dataclass that configs set, and a `tf.keras.Model` whose arguments are
(options, spec, seed, jit_compile).
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.core.priors import Prior
from ssgan_tf.core.schedule import Phase, Schedule, Segment
from ssgan_tf.networks.options import NetworkOptions

OptionsT = TypeVar("OptionsT")


class Options(Protocol):
    """Interface of a model's Options, a frozen dataclass."""

    def __hash__(self) -> int: ...

    @property
    def resolution(self) -> int:
        """Height and width of the images."""

    @property
    def channels(self) -> int:
        """1 (grey) or 3 (RGB)."""

    @property
    def resolutions(self) -> tuple[int, ...]:
        """Resolutions that a phase can train at; the full one is the last."""

    @property
    def precision(self) -> str:
        """One of networks.options.PRECISIONS."""

    @property
    def uses_labels(self) -> bool:
        """True if a loss uses the labelled images."""

    def in_float32(self) -> "Options":
        """Returns these options with float32, the precision of evaluation and export."""

    def check_labels(self, fraction: float) -> None:
        """Raises ValueError, naming the field, if the losses do not fit this fraction of labelled images."""


class WithNetwork:
    """Mixin for Options that contain the sizes of Semi-StyleGAN's networks, which also define the images."""

    network: NetworkOptions

    @property
    def resolution(self) -> int:
        return self.network.resolution

    @property
    def channels(self) -> int:
        return self.network.channels

    @property
    def precision(self) -> str:
        return self.network.precision


class WithoutLabels:
    """Mixin for Options of methods that use no labels, at a fixed resolution, in float32."""

    resolution: int

    @property
    def resolutions(self) -> tuple[int, ...]:
        return (self.resolution,)

    @property
    def precision(self) -> str:
        return "float32"

    @property
    def uses_labels(self) -> bool:
        return False

    def in_float32(self: OptionsT) -> OptionsT:
        return self

    def check_labels(self, fraction: float) -> None:
        if fraction > 0:
            raise ValueError(
                f"data.labeled_fraction: expected 0 for a method that uses no labels. Received: {fraction}."
            )


@dataclasses.dataclass(frozen=True)
class ExportNetworks:
    """Networks to export, as functions of tensors. Styles w [B,W] are the inputs of the generator's synthesis.

    Args:
        mapping: Function (noise [B,Z], codes [B,K]) -> styles [B,W]. None, like the next two, if the model generates
            no images.
        synthesis: Function from styles [B,L,W], one per layer, to images [B,R,R,C].
        truncate: Function (styles [B,W], psi [B,1]) -> [B,L,W], moved towards their mean unless psi is 1.
        pyramid: Function from images [B,R,R,C] to a list of features, finest first.
        codes: Function from the last features to codes [B,K], in the prior's units.
        realness: Function from the last features to the discriminator's logits [B]; None if there is no discriminator.
        style_size: Width W of styles; 0 if the model generates no images.
        style_layers: Number of layers L that take a style.
    """

    mapping: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None
    synthesis: Callable[[tf.Tensor], tf.Tensor] | None
    truncate: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None
    pyramid: Callable[[tf.Tensor], list[tf.Tensor]]
    codes: Callable[[tf.Tensor], tf.Tensor]
    realness: Callable[[tf.Tensor], tf.Tensor] | None
    style_size: int
    style_layers: int


class Model(Protocol):
    """Interface of a model, besides what Keras provides. `TrainableModel` below implements a part of it."""

    options: Any
    spec: CodeSpec
    """The data set's factors."""
    prior: Prior
    """Distribution of its codes."""
    exported_weights: str
    """Description of the weights that are evaluated and exported, in a few words."""
    noise_size: int
    """Width Z of the noise, which is N(0, 1); 0 if images are generated from codes alone."""
    step: tf.Variable
    segment: Segment

    @property
    def phase_label(self) -> str:
        """Short description of the current phase for the progress bar."""

    @property
    def resolution(self) -> int:
        """Resolution of the images in the current phase."""

    def set_segment(self, segment: Segment) -> None:
        """Switches to `segment` for the following steps."""

    def compile(self) -> None:
        """Makes the optimizers with all their slots. Call it inside the strategy's scope."""

    def networks(self) -> Mapping[str, tf.keras.Model]:
        """Returns the trained networks by name."""

    def checkpoint_items(self) -> Mapping[str, Any]:
        """Returns everything that a resumed run needs. Random numbers and data are functions of (seed, step)."""

    def encode(self, images: tf.Tensor) -> tf.Tensor:
        """Encodes images [B,R,R,C] in [-1, 1] to codes [B,K]."""

    generate: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None
    """Function (noise [B,Z], codes [B,K]) -> images [B,R,R,C] at full resolution; None if there is no generator."""
    sample: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None
    """Function like `generate`, but at the resolution of the current phase."""
    realness: Callable[[tf.Tensor], tf.Tensor] | None
    """Function from images [B,R,R,C] to the discriminator's logits [B]; None if there is no discriminator."""

    def export_networks(self) -> ExportNetworks:
        """Returns the networks to export."""


class LossTrackers:
    """Means of the logged values since the last reset: one `tf.keras.metrics.Mean` per name.

    Args:
        names: Names of the logged values, in order.
    """

    def __init__(self, names: Sequence[str]):
        self.means = {name: tf.keras.metrics.Mean(name) for name in names}

    def update(self, values: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Adds a step's values, of any shape, and returns the means; values not in `names` are ignored."""
        for name, mean in self.means.items():
            mean.update_state(values[name])
        return {name: mean.result() for name, mean in self.means.items()}


class TrainableModel(tf.keras.Model):
    """Base class of the models: a seed, the step number, and the current segment of the schedule.

    A new model starts in a segment of the default `Phase`; `set_segment` and `set_phase` change that.

    Args:
        seed: Seed of everything sampled in training, which is a function of (seed, step).
        resolution: Full resolution of the images.
        name: Name of the Keras model.
    """

    trackers: LossTrackers

    def __init__(self, seed: int, resolution: int, name: str):
        super().__init__(name=name)
        # `step` counts the steps of the run, and is the same on all replicas.
        self.seed = seed
        self.full_resolution = resolution
        self.step = tf.Variable(
            0, trainable=False, dtype=tf.int64, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA, name="step"
        )
        self.segment = Schedule((Phase(),)).segments[0]
        self.built = True  # All weights exist, so that `summary` works before the first step.

    @property
    def optimizers(self) -> list[tf.keras.optimizers.Optimizer]:
        """All optimizers of a compiled model."""
        raise NotImplementedError

    def set_phase(self, phase: Phase) -> None:
        """Switches to a schedule that consists of `phase` alone, with its batch sizes and learning rate."""
        self.set_segment(Schedule((phase,)).segments[0])

    def set_segment(self, segment: Segment) -> None:
        """Switches to `segment`. Call it at the segment's first step, or when resuming inside it."""
        if segment != self.segment:
            self.segment = segment
            self.train_function = None  # Keras traces train_step again.
        # Only at the start of the phase: a run that resumes inside it keeps its moments.
        if segment.phase.fresh_optimizers and int(self.step.numpy()) == segment.phase_start:
            for optimizer in self.optimizers:
                reset_optimizer(optimizer)

    @property
    def resolution(self) -> int:
        """Resolution of the images in the current phase."""
        return self.segment.phase.resolution or self.full_resolution

    @property
    def phase_label(self) -> str:
        """Short description of the current phase for the progress bar."""
        return f"{self.resolution}x{self.resolution}" + (" fading in" if self.segment.fading else "")

    @property
    def metrics(self):
        return list(self.trackers.means.values())

    def compile_with(self, optimizer: tf.keras.optimizers.Optimizer) -> None:
        """Completes `compile` with an optimizer for Keras itself, which would otherwise make its own."""
        super().compile(optimizer)
        # The trackers already hold global means, but Keras would sum them over workers.
        self.distribute_reduction_method = "first"


def reset_optimizer(optimizer: tf.keras.optimizers.Optimizer) -> None:
    """Resets the optimizer to its initial state: no moments, no steps taken."""
    # Moments and the step count.
    for variable in optimizer.variables:
        variable.assign(tf.zeros_like(variable))
