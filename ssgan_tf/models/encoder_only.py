"""An encoder trained on labelled images alone (spec of Semi-StyleGAN 5, table 3), with MixUp or without.

With the labels of all images it is the oracle that measures generators.
"""

import dataclasses

import tensorflow as tf

from ssgan_tf.core import losses
from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.core.priors import GridPrior
from ssgan_tf.models import train_step as steps
from ssgan_tf.models.base import ExportNetworks, LossTrackers, TrainableModel, WithNetwork
from ssgan_tf.networks.discriminator import Discriminator
from ssgan_tf.networks.options import NetworkOptions
from ssgan_tf.utils import validation


@dataclasses.dataclass(frozen=True)
class EncoderOnlyOptions(WithNetwork):
    """The supervised loss (eq. 3) and its optimizer.

    Args:
        network: sizes; the trunk and code head of Semi-StyleGAN's discriminator/encoder.
        mixup: train on mixtures of two labelled images and of their codes, in place of the images.
        xi: parameter of the MixUp Beta distribution (eq. 5), as Semi-StyleGAN's.
        beta_1: Adam's first-moment decay.
        beta_2: Adam's second-moment decay.

    Raises:
        ValueError: naming the field that is out of range.
    """

    network: NetworkOptions = NetworkOptions()
    mixup: bool = False
    xi: float = 0.75
    beta_1: float = 0.9
    beta_2: float = 0.999

    def __post_init__(self):
        validation.check_positive(self, "xi")
        validation.check_decays(self, "beta_1", "beta_2")
        if self.network.precision != "float32":
            raise ValueError(f"network.precision: expected float32 for this model. Received: {self.network.precision}.")

    @property
    def resolutions(self) -> tuple[int, ...]:
        return (self.network.resolution,)

    @property
    def uses_labels(self) -> bool:
        return True

    def in_float32(self) -> "EncoderOnlyOptions":
        return self

    def check_labels(self, fraction: float) -> None:
        if fraction == 0:
            raise ValueError("data.labeled_fraction: expected more than 0 where labels are all there is. Received: 0.")


class EncoderOnly(TrainableModel):
    """E(x) by labels alone. Batches as SemiStyleGAN's; only their labelled part is used.

    Args:
        options: the loss.
        spec: the factors and their codes.
        seed: of the MixUp weights and partners.
        jit_compile: XLA compiles the gradients.
    """

    exported_weights = "those of the last step"
    noise_size = 0
    generate = sample = realness = None

    def __init__(
        self,
        options: EncoderOnlyOptions,
        spec: CodeSpec,
        seed: int = 0,
        jit_compile: bool = False,
        name="encoder_only",
    ):
        super().__init__(seed, options.resolution, name)
        self.options = options
        self.spec = spec
        self.prior = GridPrior(spec)
        self.discriminator = Discriminator(options.network, spec.size)
        self.trackers = LossTrackers(["encoder/supervised", "encoder/gradient_norm"])
        self._gradients = tf.function(self.gradients, jit_compile=True) if jit_compile else self.gradients

    def compile(self):
        """Makes the optimizer with all its slots; call it inside the strategy's scope."""
        self.encoder_optimizer = steps.make_adam(
            self, self.discriminator.trainable_variables, self.options.beta_1, self.options.beta_2
        )
        self.compile_with(self.encoder_optimizer)

    @property
    def optimizers(self):
        return [self.encoder_optimizer]

    def networks(self) -> dict[str, tf.keras.Model]:
        return {"encoder": self.discriminator}

    def checkpoint_items(self) -> dict[str, object]:
        return {"encoder": self.discriminator, "encoder_optimizer": self.encoder_optimizer, "step": self.step}

    def encode(self, images: tf.Tensor) -> tf.Tensor:
        """[B,R,R,C] in [-1, 1] -> codes [B,K]."""
        return self.discriminator.encode(images)

    def encode_with_features(self, images: tf.Tensor) -> tf.Tensor:
        """[B,R,R,C] in [-1, 1] -> codes [B,K], followed by the features that they are read from: [B,K + C_2]."""
        features = self.discriminator.code_features(self.discriminator.trunk(images))
        return tf.concat([self.discriminator.code_head(features), features], axis=1)

    def export_networks(self) -> ExportNetworks:
        """What an export is made of: the encoder."""
        judge = self.discriminator
        return ExportNetworks(None, None, None, judge.pyramid, judge.codes, None, style_size=0, style_layers=0)

    def train_step(self, batch):
        images, codes, mask = (batch[name] for name in ("labeled_image", "labeled_codes", "labeled_mask"))
        if self.options.mixup:
            images, codes, mask = self.mix(images, codes, mask)
        distance, gradients = self._gradients(images, codes, mask)
        norm = steps.descend(gradients, self.discriminator.trainable_variables, self.encoder_optimizer)
        self.step.assign_add(1)
        return self.trackers.update({"encoder/supervised": distance, "encoder/gradient_norm": norm})

    def gradients(self, images, codes, mask) -> tuple[tf.Tensor, list[tf.Tensor | None]]:
        """L_sup [L], and the gradient of its mean over the global batch for each trainable variable."""
        with tf.GradientTape() as tape:
            distance = losses.code_distance(self.encode(images), codes, mask)
            loss = steps.total_loss({"encoder/supervised": distance})
        return distance, tape.gradient(loss, self.discriminator.trainable_variables)

    def mix(self, images, codes, mask) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """MixUp of each labelled image with its neighbour in the batch: images [L,R,R,C], codes and mask [L,K].

        A factor is known of a mixture where it is known of both. Neighbours are two and two, so that they are the same
        however many replicas share the batch.

        Raises:
            ValueError: one is left over.
        """
        size = images.shape[0]
        if size % 2:
            raise ValueError(f"phases.labeled_batch: expected an even number per device for MixUp. Received: {size}.")
        pairs = tf.range(size) + tf.tile([1, -1], [size // 2])  # [L]: 1, 0, 3, 2, ...; batches are in random order
        (seed,) = steps.step_seeds(self.seed, self.step, 1)
        weights = steps.draw_for_replica(lambda n: losses.mixup_weights(n, self.options.xi, seed), size)
        partners = [tf.gather(x, pairs) for x in (images, codes, mask)]
        return (
            losses.mix(weights, images, partners[0]),
            losses.mix(weights, codes, partners[1]),
            mask * partners[2],
        )
