"""Encoder trained on labelled images alone, with or without MixUp: a baseline of Semi-StyleGAN.

Source: "Encoder-only" in table 3 of arXiv 2003.03461. Trained with the labels of all images, it is the oracle that
evaluates generators.
"""

import dataclasses

import tensorflow as tf

from ssgan_tf.core import losses
from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.core.priors import GridPrior
from ssgan_tf.models import train_step
from ssgan_tf.models.base import ExportNetworks, LossTrackers, TrainableModel, WithNetwork
from ssgan_tf.models.mixup import mix_neighbours
from ssgan_tf.networks.discriminator import Discriminator
from ssgan_tf.networks.options import NetworkOptions
from ssgan_tf.utils import validation


@dataclasses.dataclass(frozen=True)
class EncoderOnlyOptions(WithNetwork):
    """Options of the supervised loss (Equation 3) and its optimizer.

    Args:
        network: Sizes; the encoder is the trunk and code head of Semi-StyleGAN's discriminator/encoder.
        mixup: Whether to train on mixtures of two labelled images and of their codes instead of single images.
        xi: Parameter of the Beta distribution of MixUp weights (Equation 5), as in Semi-StyleGAN.
        beta_1: Decay of Adam's first moment.
        beta_2: Decay of Adam's second moment.

    Raises:
        ValueError: A field is out of range; the message names it.
    """

    network: NetworkOptions = NetworkOptions()
    mixup: bool = False
    xi: float = 0.75
    beta_1: float = 0.9
    beta_2: float = 0.999

    def __post_init__(self):
        validation.check_positive(self, "xi")
        validation.check_decays(self, "beta_1", "beta_2")
        # No loss scaling here.
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
            raise ValueError(
                "data.labeled_fraction: expected more than 0 for a model trained on labels alone. Received: 0."
            )


class EncoderOnly(TrainableModel):
    """E(x) trained on labels alone. Batches are those of SemiStyleGAN; only their labelled entries are used.

    Args:
        options: Network, loss and optimizer.
        spec: Factors and their codes.
        seed: Seed of the MixUp weights.
        jit_compile: Whether to compile the gradients with XLA.
    """

    exported_weights = "the weights of the last step"
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
        # The realness head exists but is not trained.
        self.discriminator = Discriminator(options.network, spec.size)
        self.trackers = LossTrackers(["encoder/supervised", "encoder/gradient_norm"])
        self._gradients = train_step.compiled(self.gradients, jit_compile)

    def compile(self):
        """Makes the optimizer with all its slots. Call it inside the strategy's scope."""
        self.encoder_optimizer = train_step.make_adam(
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
        """Encodes images [B,R,R,C] in [-1, 1] to codes [B,K]."""
        return self.discriminator.encode(images)

    def trunk_features(self, images: tf.Tensor) -> tf.Tensor:
        """Returns the input of the code head's last layer, [B,C_2], for images [B,R,R,C] in [-1, 1]."""
        return self.discriminator.code_features(self.discriminator.trunk(images))

    def encode_with_features(self, images: tf.Tensor) -> tf.Tensor:
        """Encodes images [B,R,R,C] in [-1, 1] to codes and the input of the code head, concatenated: [B,K + C_2]."""
        features = self.trunk_features(images)
        return tf.concat([self.discriminator.code_head(features), features], axis=1)

    def export_networks(self) -> ExportNetworks:
        """Returns the encoder, without a generator or a realness head."""
        encoder = self.discriminator
        return ExportNetworks(None, None, None, encoder.pyramid, encoder.codes, None, style_size=0, style_layers=0)

    @tf.autograph.experimental.do_not_convert  # its control flow is TensorFlow's; conversion takes seconds
    def train_step(self, batch):
        train_step.check_batch(batch, train_step.LABELED)
        images, codes, mask = (batch[name] for name in train_step.LABELED)  # [L,R,R,C], [L,K], [L,K]
        if self.options.mixup:
            images, codes, mask = self.mixup(images, codes, mask)
        distance, gradients = self._gradients(images, codes, mask)  # [L]
        norm = train_step.apply_gradients(gradients, self.discriminator.trainable_variables, self.encoder_optimizer)
        self.step.assign_add(1)
        return self.trackers.update({"encoder/supervised": distance, "encoder/gradient_norm": norm})

    def gradients(self, images, codes, mask) -> tuple[tf.Tensor, list[tf.Tensor | None]]:
        """Computes L_sup [L], and the gradient of its mean over the global batch with respect to each variable."""
        with tf.GradientTape() as tape:
            # ||E(x) - c||_2, Equation 3.
            distance = losses.code_distance(self.encode(images), codes, mask)
            loss = train_step.total_loss({"encoder/supervised": distance})
        return distance, tape.gradient(loss, self.discriminator.trainable_variables)

    def mixup(self, images, codes, mask) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Mixes each labelled image with its neighbour in the batch, see `mix_neighbours`.

        Raises:
            ValueError: If the number of images is odd.
        """
        if images.shape[0] % 2:
            raise ValueError(
                f"phases.labeled_batch: expected an even number per device for MixUp. Received: {images.shape[0]}."
            )
        (seed,) = train_step.step_seeds(self.seed, self.step, 1)
        return mix_neighbours(images, codes, mask, self.options.xi, seed)
