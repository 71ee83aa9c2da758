"""What the variational autoencoders share (spec of InfoGAN-CR 3.1): everything but how codes are kept apart.

    loss = reconstruction + what each method has beside it
    reconstruction = -log p(x|z), Bernoulli: sigmoid cross entropy with (x + 1) / 2, summed over pixels and channels
    z = mean + exp(log_variance / 2) * noise,  noise ~ N(0, 1)
    KL = sum over latents of (mean^2 + variance - log_variance - 1) / 2

Codes are the mean of q(z|x), drawn from N(0, 1) to make images. There is no other noise: noise_size is 0.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import NamedTuple

import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.core.priors import NormalPrior
from ssgan_tf.models import train_step as steps
from ssgan_tf.models.base import ExportNetworks, LossTrackers, TrainableModel, WithoutLabels
from ssgan_tf.networks.conv_vae import ConvDecoder, ConvEncoder, check_sizes
from ssgan_tf.utils import validation


@dataclasses.dataclass(frozen=True)
class VAEOptions(WithoutLabels):
    """Of every VAE.

    Args:
        resolution: of the images; a power of two from 16 on.
        channels: 1 (grey) or 3 (RGB).
        latents: how many codes.
        beta_1: Adam's first-moment decay, of encoder and decoder.
        beta_2: Adam's second-moment decay, likewise.
        warmup_images: over the first so many images the weight that the method is about (beta, gamma) rises from 0 in
            a straight line; 0 for the full weight from the start.

    Raises:
        ValueError: naming the field that is out of range.
    """

    resolution: int = 64
    channels: int = 3
    latents: int = 10
    beta_1: float = 0.9
    beta_2: float = 0.999
    warmup_images: int = 0

    def __post_init__(self):
        check_sizes(self.resolution, self.channels, self.latents)
        validation.check_decays(self, "beta_1", "beta_2")
        validation.check_least(self, 0, "warmup_images")


class Latent(NamedTuple):
    """q(z|x) of a batch, and a z of each: three times [B,K]."""

    mean: tf.Tensor
    log_variance: tf.Tensor
    z: tf.Tensor


def kl_to_prior(mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """KL(N(mean, exp(log_variance)) || N(0, 1)), summed over latents. [B,K], [B,K] -> [B]."""
    return 0.5 * tf.reduce_sum(tf.square(mean) + tf.exp(log_variance) - log_variance - 1.0, axis=-1)


def bernoulli_distance(images: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """-log p(x|z) of images in [-1, 1], summed over pixels and channels. [B,R,R,C], [B,R,R,C] -> [B]."""
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=(images + 1.0) / 2.0, logits=logits)
    return tf.reduce_sum(entropy, axis=[1, 2, 3])


def share_of(seen: tf.Tensor, length: int) -> tf.Tensor:
    """How far `seen` images are on the way to `length`, in [0, 1]; 1 where there is no way."""
    return tf.minimum(1.0, seen / length) if length else tf.ones([])


def gather(x: tf.Tensor) -> tf.Tensor:
    """Rows of all replicas, in their order: [B,...] -> [N,...].

    The gradient is that of the sum of what the replicas make of them. TensorFlow's own all_gather has none that fits:
    it gathers gradients, where the parts of each row's have to be added up.
    """
    replicas = steps.replica_count()
    if replicas == 1:
        return x
    rows = x.shape[0]

    @tf.custom_gradient
    def gathered(own):
        context = tf.distribute.get_replica_context()
        first = context.replica_id_in_sync_group * rows

        def gradient(above):
            return context.all_reduce(tf.distribute.ReduceOp.SUM, above)[first : first + rows]

        return tf.ensure_shape(context.all_gather(own, axis=0), [rows * replicas, *x.shape[1:]]), gradient

    return gathered(x)


class VAE(TrainableModel):
    """Encoder and decoder, and how they are trained. A method says what it adds to the reconstruction: `regularizers`.

    Batches are dicts of which `image` [B,R,R,C] in [-1, 1] is used.

    Args:
        options: of the method.
        spec: the data set's factors, of which nothing is used.
        seed: of all that is drawn, which is a function of (seed, step).
        jit_compile: XLA compiles the gradients; on one replica alone, since it cannot gather codes from several.
        logged: names of the terms, beside reconstruction, and of gradient norms beside that of encoder and decoder.
        name: of the model.
    """

    exported_weights = "those of the last step"
    noise_size = 0
    realness = None

    def __init__(
        self, options: VAEOptions, spec: CodeSpec, seed: int, jit_compile: bool, logged: tuple[str, ...], name: str
    ):
        super().__init__(seed, options.resolution, name)
        self.options = options
        self.spec = spec
        self.prior = NormalPrior(options.latents)
        sizes = (options.resolution, options.channels, options.latents)
        self.encoder = ConvEncoder(*sizes)
        self.decoder = ConvDecoder(*sizes)
        self.trackers = LossTrackers(["vae/reconstruction", *logged, "vae/gradient_norm"])
        compiled = jit_compile and steps.replica_count() == 1
        self._gradients: Callable = tf.function(self.gradients, jit_compile=True) if compiled else self.gradients

    def compile(self):
        """Makes the optimizer with all its slots; call it inside the strategy's scope."""
        o = self.options
        self.vae_optimizer = steps.make_adam(self, self.vae_variables, o.beta_1, o.beta_2)
        self.compile_with(self.vae_optimizer)

    @property
    def optimizers(self):
        return [self.vae_optimizer]

    @property
    def vae_variables(self) -> list[tf.Variable]:
        """Those of encoder and decoder."""
        return [*self.encoder.trainable_variables, *self.decoder.trainable_variables]

    def networks(self) -> dict[str, tf.keras.Model]:
        return {"encoder": self.encoder, "decoder": self.decoder}

    def checkpoint_items(self) -> dict[str, object]:
        return {
            "encoder": self.encoder,
            "decoder": self.decoder,
            "vae_optimizer": self.vae_optimizer,
            "step": self.step,
        }

    def encode(self, images: tf.Tensor) -> tf.Tensor:
        """The mean of q(z|x): [B,R,R,C] in [-1, 1] -> codes [B,K]."""
        return self.encoder(images)[0]

    def generate(self, noise: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
        """The mean of p(x|z): noise [B,0], codes [B,K] -> images [B,R,R,C] in [-1, 1]."""
        return 2.0 * tf.sigmoid(self.decoder(codes)) - 1.0

    sample = generate

    def export_networks(self) -> ExportNetworks:
        """What an export is made of. Styles are codes; their mean is the prior's, 0."""
        return ExportNetworks(
            mapping=lambda noise, codes: codes,
            synthesis=lambda styles: self.generate(styles[:, 0, :0], styles[:, 0]),
            truncate=lambda styles, psi: (psi * styles)[:, None],
            pyramid=self.encoder.pyramid,
            codes=self.encoder.mean,
            realness=None,
            style_size=self.options.latents,
            style_layers=1,
        )

    def train_step(self, batch):
        (noise_seed,) = steps.step_seeds(self.seed, self.step, 1)
        noise = self.draw_noise(batch["image"].shape[0], noise_seed)
        terms, gradients = self._gradients(batch["image"], noise, self.images_seen())
        norm = steps.descend(gradients, self.vae_variables, self.vae_optimizer)
        self.step.assign_add(1)
        return self.trackers.update({**terms, "vae/gradient_norm": norm})

    def gradients(self, images, noise, seen) -> tuple[dict[str, tf.Tensor], list[tf.Tensor]]:
        """The terms of the loss, weighted, and its gradient for each of `vae_variables`."""
        with tf.GradientTape() as tape:
            latent = self.infer(images, noise)
            terms = {"vae/reconstruction": self.reconstruction(images, latent), **self.regularizers(latent, seen)}
            loss = steps.total_loss(terms)
        return terms, tape.gradient(loss, self.vae_variables)

    def regularizers(self, latent: Latent, seen: tf.Tensor) -> Mapping[str, tf.Tensor]:
        """What the method adds to the reconstruction, weighted: {name: [B]}.

        Args:
            latent: of this replica's images.
            seen: images of the run before this step; a number.
        """
        raise NotImplementedError

    def infer(self, images: tf.Tensor, noise: tf.Tensor) -> Latent:
        """q(z|x) and z, from images [B,R,R,C] and noise [B,K]."""
        mean, log_variance = self.encoder(images)
        return Latent(mean, log_variance, mean + tf.exp(0.5 * log_variance) * noise)

    def reconstruction(self, images: tf.Tensor, latent: Latent) -> tf.Tensor:
        """-log p(x|z): [B]."""
        return bernoulli_distance(images, self.decoder(latent.z))

    def draw_noise(self, size: int, seed: tf.Tensor) -> tf.Tensor:
        """What z is drawn with: [B,K]."""
        width = self.options.latents
        return steps.draw_for_replica(lambda n: tf.random.stateless_normal([n, width], seed), size)

    def images_seen(self) -> tf.Tensor:
        """Images of the run before this step."""
        return tf.cast(self.segment.images(self.step), tf.float32)
