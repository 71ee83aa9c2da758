"""An encoder trained on labelled images alone: the oracle that measures generators, where all labels are given."""

import dataclasses

import tensorflow as tf

from ssgan_tf import losses
from ssgan_tf.codes import CodeSpec
from ssgan_tf.models import step as steps
from ssgan_tf.networks.discriminator import Discriminator
from ssgan_tf.networks.options import NetworkOptions


@dataclasses.dataclass(frozen=True)
class EncoderOnlyOptions:
    """The supervised loss (eq. 3) and its optimizer.

    Args:
        network: sizes; the trunk and code head of Semi-StyleGAN's discriminator/encoder.
        learning_rate: Adam's at the start; falls to 0 as a cosine.
        decay_steps: steps until it is 0.

    Raises:
        ValueError: naming the field that is out of range.
    """

    network: NetworkOptions = NetworkOptions()
    learning_rate: float = 0.003
    decay_steps: int = 1000

    def __post_init__(self):
        for name in ("learning_rate", "decay_steps"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected a positive number. Received: {getattr(self, name)}.")


class EncoderOnly(tf.keras.Model):
    """E(x) by labels alone. Batches as SemiStyleGAN's; only their labelled part is used."""

    stage = "encoder"  # for the progress bar

    def __init__(self, options: EncoderOnlyOptions, spec: CodeSpec, name="encoder_only"):
        super().__init__(name=name)
        self.options = options
        self.spec = spec
        self.discriminator = Discriminator(options.network, spec.size)
        self.trackers = steps.LossTrackers(["encoder/supervised"])

    @property
    def metrics(self):
        return list(self.trackers.means.values())

    def compile(self):
        """Makes the optimizer with all its slots; call it inside the strategy's scope."""
        rate = tf.keras.optimizers.schedules.CosineDecay(self.options.learning_rate, self.options.decay_steps)
        optimizer = tf.keras.optimizers.Adam(rate, jit_compile=False)
        optimizer.build(self.discriminator.trainable_variables)
        super().compile(optimizer)

    def encode(self, images: tf.Tensor) -> tf.Tensor:
        """[B,R,R,C] in [-1, 1] -> codes [B,K]."""
        return self.discriminator.encode(images)

    def encode_with_features(self, images: tf.Tensor) -> tf.Tensor:
        """[B,R,R,C] in [-1, 1] -> codes [B,K], followed by the features that they are read from: [B,K + C_2]."""
        features = self.discriminator.code_features(self.discriminator.trunk(images))
        return tf.concat([self.discriminator.code_head(features), features], axis=1)

    def train_step(self, batch):
        with tf.GradientTape() as tape:
            distance = losses.code_distance(
                self.encode(batch["labeled_image"]), batch["labeled_codes"], batch["labeled_mask"]
            )
            terms = {"encoder/supervised": distance}
            loss = steps.total_loss(terms)
        variables = self.discriminator.trainable_variables
        steps.descend(tape.gradient(loss, variables), variables, self.optimizer)
        return self.trackers.update(terms)
