"""A minimal new model, a linear autoencoder: the interface of models/base.py and nothing else.

tests/test_new_model.py copies it into a copy of the package, as models/linear.py.
"""

import dataclasses

import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.core.priors import NormalPrior
from ssgan_tf.models import train_step
from ssgan_tf.models.base import ExportNetworks, LossTrackers, TrainableModel, WithoutLabels


@dataclasses.dataclass(frozen=True)
class LinearOptions(WithoutLabels):
    """Sizes, as in every Options, and the number of codes."""

    resolution: int = 8
    channels: int = 3
    codes: int = 4


class Linear(TrainableModel):
    """Codes are a linear function of the pixels, and images one of the codes; trained by the squared error."""

    exported_weights = "the weights of the last step"
    noise_size = 0
    realness = None

    def __init__(self, options: LinearOptions, spec: CodeSpec, seed: int = 0, jit_compile: bool = False, name="linear"):
        super().__init__(seed, options.resolution, name)
        self.options, self.spec, self.prior = options, spec, NormalPrior(options.codes)
        pixels = options.resolution**2 * options.channels
        self.encoder, self.decoder = (
            tf.keras.Sequential([tf.keras.layers.Dense(after, input_shape=[before])])
            for before, after in ((pixels, options.codes), (options.codes, pixels))
        )
        self.trackers = LossTrackers(["linear/error"])

    def compile(self):
        self.adam = train_step.make_adam(self, self.variables_trained, 0.9, 0.999)
        self.compile_with(self.adam)

    @property
    def optimizers(self):
        return [self.adam]

    @property
    def variables_trained(self) -> list[tf.Variable]:
        return [*self.encoder.trainable_variables, *self.decoder.trainable_variables]

    def networks(self):
        return {"encoder": self.encoder, "decoder": self.decoder}

    def checkpoint_items(self):
        return {"encoder": self.encoder, "decoder": self.decoder, "adam": self.adam, "step": self.step}

    def encode(self, images):
        return self.encoder(self.flat(images))

    def flat(self, images):
        return tf.reshape(images, [-1, self.decoder.output_shape[1]])

    def generate(self, noise, codes):
        size = self.options.resolution
        return tf.reshape(self.decoder(codes), [-1, size, size, self.options.channels])

    sample = generate

    def export_networks(self) -> ExportNetworks:
        return ExportNetworks(
            mapping=lambda noise, codes: codes,
            synthesis=lambda styles: self.generate(styles[:, 0, :0], styles[:, 0]),
            truncate=lambda styles, psi: (psi * styles)[:, None],
            pyramid=lambda images: [images],
            codes=self.encode,
            realness=None,
            style_size=self.options.codes,
            style_layers=1,
        )

    def train_step(self, batch):
        with tf.GradientTape() as tape:
            made = self.generate(None, self.encode(batch["image"]))
            error = tf.reduce_mean(tf.square(made - batch["image"]), axis=[1, 2, 3])
            loss = train_step.total_loss({"linear/error": error})
        train_step.apply_gradients(tape.gradient(loss, self.variables_trained), self.variables_trained, self.adam)
        self.step.assign_add(1)
        return self.trackers.update({"linear/error": error})
