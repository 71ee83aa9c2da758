"""What the rest of the package asks of a model and of its Options: all that a new one must have.

A model is an Options (a frozen dataclass, what a config says) and a `tf.keras.Model` that is made of
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
    """What every Options, a frozen dataclass, can say of itself."""

    def __hash__(self) -> int: ...

    @property
    def resolution(self) -> int:
        """Of the images."""

    @property
    def channels(self) -> int:
        """1 (grey) or 3 (RGB)."""

    @property
    def resolutions(self) -> tuple[int, ...]:
        """Resolutions that a phase may be at; the full one is the last."""

    @property
    def precision(self) -> str:
        """One of networks.options.PRECISIONS."""

    @property
    def uses_labels(self) -> bool:
        """Does a loss look at the labelled images?"""

    def in_float32(self) -> "Options":
        """The same in float32, as a model is measured and exported."""

    def check_labels(self, fraction: float) -> None:
        """Raises ValueError, naming the field, if labels of this share of the images do not fit the losses."""


class WithNetwork:
    """For Options that have the sizes of Semi-StyleGAN's networks: what these say of the images."""

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
    """For Options of methods that use no labels, at one resolution, in float32."""

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
    """The networks of an export, as functions of tensors. Styles are what images are made of: w [B,W].

    Args:
        mapping: noise [B,Z], codes [B,K] -> styles [B,W]; None if the model makes no images, as the next two.
        synthesis: styles [B,L,W], one for each layer -> images [B,R,R,C].
        truncate: styles [B,W], psi [B,1] -> [B,L,W], moved to their mean unless psi is 1.
        pyramid: images [B,R,R,C] -> features, finest first.
        codes: the last of these -> codes [B,K], in the prior's units.
        realness: likewise -> the discriminator's logit [B]; None if there is none.
        style_size: W; 0 without images.
        style_layers: L.
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
    """What every model has, beside what Keras gives it. `TrainableModel` below has the first half of it."""

    options: Any
    spec: CodeSpec
    """The data set's factors."""
    prior: Prior
    """What its codes are drawn from."""
    exported_weights: str
    """Which weights are measured and exported, in a few words."""
    noise_size: int
    """Z, width of the noise, which is N(0, 1); 0 where codes are all that images are made from."""
    step: tf.Variable
    segment: Segment

    @property
    def phase_label(self) -> str:
        """What is being trained, in a word or two for the progress bar."""

    @property
    def resolution(self) -> int:
        """Of the images at this stage."""

    def set_segment(self, segment: Segment) -> None:
        """Makes the following steps those of `segment`."""

    def compile(self) -> None:
        """Makes the optimizers with all their slots; to be called inside the strategy's scope."""

    def networks(self) -> Mapping[str, tf.keras.Model]:
        """Those that are trained, by name."""

    def checkpoint_items(self) -> Mapping[str, Any]:
        """Everything that a resumed run needs. Random numbers and data are functions of (seed, step)."""

    def encode(self, images: tf.Tensor) -> tf.Tensor:
        """[B,R,R,C] in [-1, 1] -> codes [B,K]."""

    generate: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None
    """noise [B,Z], codes [B,K] -> images [B,R,R,C], full-grown; None if it makes none."""
    sample: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None
    """The same, as large as they are at this stage."""
    realness: Callable[[tf.Tensor], tf.Tensor] | None
    """A discriminator's logits [B] of images; None if there is none."""

    def export_networks(self) -> ExportNetworks:
        """What an export is made of."""


class LossTrackers:
    """Running means of what is logged since the last reset, one `tf.keras.metrics.Mean` for each of `names`."""

    def __init__(self, names: Sequence[str]):
        self.means = {name: tf.keras.metrics.Mean(name) for name in names}

    def update(self, values: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Adds the values of a step, whatever their shape; those that have no name here are left out."""
        for name, mean in self.means.items():
            mean.update_state(values[name])
        return {name: mean.result() for name, mean in self.means.items()}


class TrainableModel(tf.keras.Model):
    """What every model that is trained has: a seed, and where in its schedule it is.

    Args:
        seed: of all that is drawn while training, which is a function of (seed, step).
        resolution: of its images, full-grown.
    """

    trackers: LossTrackers

    def __init__(self, seed: int, resolution: int, name: str):
        super().__init__(name=name)
        self.seed = seed
        self.full_resolution = resolution
        self.step = tf.Variable(
            0, trainable=False, dtype=tf.int64, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA, name="step"
        )
        self.segment = Schedule((Phase(),)).segments[0]

    @property
    def optimizers(self) -> list[tf.keras.optimizers.Optimizer]:
        """All of them, once it is compiled."""
        raise NotImplementedError

    def set_segment(self, segment: Segment) -> None:
        """Makes the following steps those of `segment`, at whose beginning or somewhere in which the model is."""
        if segment != self.segment:
            self.segment = segment
            self.train_function = None  # Keras traces train_step anew
        if segment.phase.fresh_optimizers and int(self.step.numpy()) == segment.phase_start:
            for optimizer in self.optimizers:
                reset_optimizer(optimizer)

    @property
    def resolution(self) -> int:
        """Of the images at this stage."""
        return self.segment.phase.resolution or self.full_resolution

    @property
    def phase_label(self) -> str:
        """What is being trained, in a word or two for the progress bar."""
        return f"{self.resolution}x{self.resolution}" + (" fading in" if self.segment.fading else "")

    @property
    def metrics(self):
        return list(self.trackers.means.values())

    def compile_with(self, optimizer: tf.keras.optimizers.Optimizer) -> None:
        """Ends `compile`. Keras wants to know of an optimizer, and without one would make one of its own."""
        super().compile(optimizer)
        self.distribute_reduction_method = "first"  # trackers are global means already; Keras adds the workers' up


def reset_optimizer(optimizer: tf.keras.optimizers.Optimizer) -> None:
    """Makes the optimizer as it was when it was new: no moments, no steps taken."""
    for variable in optimizer.variables:
        variable.assign(tf.zeros_like(variable))
