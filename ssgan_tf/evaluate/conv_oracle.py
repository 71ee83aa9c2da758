"""The oracle's network: plain convolutions, so that no model that it judges has the same network.

It shares nothing with the networks of the models but the labels: no blur, no equalized learning rates, no leaky ReLU,
no minibatch standard deviation.
"""

import tensorflow as tf

from ssgan_tf.core import losses
from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.core.priors import GridPrior
from ssgan_tf.models import train_step
from ssgan_tf.models.base import LossTrackers, TrainableModel
from ssgan_tf.models.encoder_only import EncoderOnlyOptions
from ssgan_tf.models.mixup import mix_neighbours

_MAPS = 32  # feature maps of the first layer; they double at every layer
_MAX_MAPS = 128
_UNITS = 256  # of the dense layer


def make_network(resolution: int, channels: int, codes: int) -> tf.keras.Sequential:
    """Returns a network from images [B,R,R,C] to codes [B,K]: 3x3 convolutions with stride 2 to 4x4, a dense layer."""
    layers = tf.keras.layers
    depth = max(1, resolution.bit_length() - 3)
    return tf.keras.Sequential(
        [
            layers.InputLayer([resolution, resolution, channels]),
            *(
                layers.Conv2D(min(_MAPS * 2**i, _MAX_MAPS), 3, 2, "same", activation="relu", name=f"conv{i}")
                for i in range(depth)
            ),
            layers.Flatten(),
            layers.Dense(_UNITS, "relu", name="dense"),
            layers.Dense(codes, name="codes"),
        ],
        name="network",
    )


class ConvOracle(TrainableModel):
    """Encoder of plain convolutions, trained on labels alone. Batches are those of EncoderOnly.

    Args:
        resolution: Resolution R of the images.
        channels: Channels C.
        spec: Factors and their codes.
        mixup: Whether to train on mixtures of pairs of images.
        seed: Seed of the mixtures.
    """

    def __init__(self, resolution: int, channels: int, spec: CodeSpec, mixup: bool = False, seed: int = 0):
        super().__init__(seed, resolution, "conv_oracle")
        self.spec = spec
        self.mixup = mixup
        self.prior = GridPrior(spec)
        self.network = make_network(resolution, channels, spec.size)
        self.trackers = LossTrackers(["encoder/supervised"])

    def compile(self):
        """Makes the optimizer with all its slots."""
        self.optimizer_ = train_step.make_adam(self, self.network.trainable_variables, 0.9, 0.999)
        self.compile_with(self.optimizer_)

    @property
    def optimizers(self):
        return [self.optimizer_]

    def encode(self, images: tf.Tensor) -> tf.Tensor:
        """Encodes images [B,R,R,C] in [-1, 1] to codes [B,K]."""
        return self.network(images)

    def encode_with_features(self, images: tf.Tensor) -> tf.Tensor:
        """Encodes images [B,R,R,C] in [-1, 1] to codes and the input of the last layer, concatenated: [B,K + 256]."""
        features = images
        for layer in self.network.layers[:-1]:
            features = layer(features)
        return tf.concat([self.network.layers[-1](features), features], axis=1)

    @tf.autograph.experimental.do_not_convert  # its control flow is TensorFlow's; conversion takes seconds
    def train_step(self, batch):
        train_step.check_batch(batch, train_step.LABELED)
        images, codes, mask = (batch[name] for name in train_step.LABELED)  # [L,R,R,C], [L,K], [L,K]
        if self.mixup:
            (seed,) = train_step.step_seeds(self.seed, self.step, 1)
            images, codes, mask = mix_neighbours(images, codes, mask, EncoderOnlyOptions.xi, seed)
        variables = self.network.trainable_variables
        with tf.GradientTape() as tape:
            # ||E(x) - c||_2, Equation 3 of arXiv 2003.03461.
            distance = losses.code_distance(self.encode(images), codes, mask)
            loss = train_step.total_loss({"encoder/supervised": distance})
        train_step.apply_gradients(tape.gradient(loss, variables), variables, self.optimizer_)
        self.step.assign_add(1)
        return self.trackers.update({"encoder/supervised": distance})
