"""Base of the variational autoencoders: everything except the regulariser that disentangles the codes.

    loss = reconstruction + the method's regularisers
    reconstruction = -log p(x|z), Bernoulli: sigmoid cross-entropy with (x + 1) / 2, summed over pixels and channels
    z = mean + exp(log_variance / 2) * noise,  noise ~ N(0, 1)
    KL = sum over latents of (mean^2 + variance - log_variance - 1) / 2

An image's codes are the mean of q(z|x); to generate images, codes are sampled from N(0, 1). There is no other noise:
noise_size is 0. Losses and networks follow google-research/disentanglement_lib (methods/unsupervised/vae.py).
"""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.core.priors import NormalPrior
from ssgan_tf.models import train_step
from ssgan_tf.models.base import ExportNetworks, LossTrackers, TrainableModel, WithoutLabels
from ssgan_tf.networks.conv_vae import ConvDecoder, ConvEncoder, check_sizes
from ssgan_tf.utils import validation


@dataclasses.dataclass(frozen=True)
class VAEOptions(WithoutLabels):
    """Options shared by all VAEs.

    Args:
        resolution: Height and width of the images; a power of two from 16 to 1024.
        channels: 1 (grey) or 3 (RGB).
        latents: Number of codes K.
        beta_1: Decay of Adam's first moment, for encoder and decoder.
        beta_2: Decay of Adam's second moment, for encoder and decoder.
        warmup_images: Number of images over which the method's weight (beta, gamma) rises linearly from 0; 0 for the
            full weight from the start.

    Raises:
        ValueError: A field is out of range; the message names it.
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
    """Posterior q(z|x) of each image in a batch, and one sample z from it, all [B,K]."""

    mean: tf.Tensor
    log_variance: tf.Tensor
    z: tf.Tensor


def kl_to_prior(mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """Computes KL(N(mean, exp(log_variance)) || N(0, 1)), summed over latents. [B,K], [B,K] -> [B]."""
    return 0.5 * tf.reduce_sum(tf.square(mean) + tf.exp(log_variance) - log_variance - 1.0, axis=-1)


def bernoulli_distance(images: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Computes -log p(x|z) of images in [-1, 1], summed over pixels and channels. [B,R,R,C], [B,R,R,C] -> [B]."""
    # Labels in [0, 1].
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=(images + 1.0) / 2.0, logits=logits)
    return tf.reduce_sum(entropy, axis=[1, 2, 3])


def linear_ramp(seen: tf.Tensor, length: int) -> tf.Tensor:
    """Returns a weight that rises linearly from 0 to 1 over the first `length` images; 1 if `length` is 0."""
    return tf.minimum(1.0, seen / length) if length else tf.ones([])


def gather_replicas(x: tf.Tensor) -> tf.Tensor:
    """Concatenates the rows of all replicas, in order: [B,...] -> [N,...].

    The gradient is that of the sum of all replicas' losses, each of which may depend on every row. TensorFlow's own
    all_gather has another gradient: it gathers, instead of summing each row's gradients from all replicas.
    """
    replicas = train_step.replica_count()
    if replicas == 1:
        return x
    rows = x.shape[0]

    @tf.custom_gradient
    def gathered(own):
        # This replica's rows start at `first`.
        context = tf.distribute.get_replica_context()
        first = context.replica_id_in_sync_group * rows

        def gradient(above):
            # Sum over replicas, then take this replica's rows.
            return context.all_reduce(tf.distribute.ReduceOp.SUM, above)[first : first + rows]

        return tf.ensure_shape(context.all_gather(own, axis=0), [rows * replicas, *x.shape[1:]]), gradient

    return gathered(x)


class VAE(TrainableModel):
    """Encoder, decoder and their training step. A method overrides `regularizers`, the terms besides reconstruction.

    Batches are dicts, of which only `image` [B,R,R,C] in [-1, 1] is used.

    Args:
        options: Options of the method.
        spec: Factors of the data set, not used.
        seed: Seed of everything sampled, which is a function of (seed, step).
        jit_compile: Whether to compile the gradients with XLA; ignored on several replicas: XLA has no all_gather.
        logged: Names of the terms besides reconstruction, and of gradient norms besides that of encoder and decoder.
        name: Name of the Keras model.
    """

    exported_weights = "the weights of the last step"
    noise_size = 0
    realness = None

    def __init__(
        self, options: VAEOptions, spec: CodeSpec, seed: int, jit_compile: bool, logged: tuple[str, ...], name: str
    ):
        super().__init__(seed, options.resolution, name)
        self.options = options
        self.spec = spec
        self.prior = NormalPrior(options.latents)
        # Networks.
        sizes = (options.resolution, options.channels, options.latents)
        self.encoder = ConvEncoder(*sizes)
        self.decoder = ConvDecoder(*sizes)
        self.trackers = LossTrackers(["vae/reconstruction", *logged, "vae/gradient_norm"])
        # XLA has no all_gather.
        self._gradients = train_step.compiled(self.gradients, jit_compile and train_step.replica_count() == 1)

    def compile(self):
        """Makes the optimizer with all its slots. Call it inside the strategy's scope."""
        o = self.options
        self.vae_optimizer = train_step.make_adam(self, self.vae_variables, o.beta_1, o.beta_2)
        self.compile_with(self.vae_optimizer)

    @property
    def optimizers(self):
        return [self.vae_optimizer]

    @property
    def vae_variables(self) -> list[tf.Variable]:
        """Trainable variables of encoder and decoder."""
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
        """Encodes images [B,R,R,C] in [-1, 1] to codes [B,K], the mean of q(z|x)."""
        return self.encoder(images)[0]  # without the log-variance

    def generate(self, noise: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
        """Generates images [B,R,R,C] in [-1, 1], the mean of p(x|z): noise [B,0] is unused, codes are [B,K]."""
        return 2.0 * tf.sigmoid(self.decoder(codes)) - 1.0

    sample = generate

    def export_networks(self) -> ExportNetworks:
        """Returns the networks to export. Styles are codes, and their mean is that of the prior, 0."""
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

    @tf.autograph.experimental.do_not_convert  # its control flow is TensorFlow's; conversion takes seconds
    def train_step(self, batch):
        train_step.check_batch(batch, ["image"])
        (noise_seed,) = train_step.step_seeds(self.seed, self.step, 1)
        noise = self.sample_noise(batch["image"].shape[0], noise_seed)
        terms, gradients = self._gradients(batch["image"], noise, self.images_seen())
        norm = train_step.apply_gradients(gradients, self.vae_variables, self.vae_optimizer)
        self.step.assign_add(1)
        return self.trackers.update({**terms, "vae/gradient_norm": norm})

    def gradients(self, images, noise, seen) -> tuple[dict[str, tf.Tensor], list[tf.Tensor]]:
        """Computes the weighted terms of the loss, and its gradient for each of `vae_variables`."""
        with tf.GradientTape() as tape:
            latent = self.infer(images, noise)
            # -log p(x|z) + regularisers
            terms = {"vae/reconstruction": self.reconstruction(images, latent), **self.regularizers(latent, seen)}
            loss = train_step.total_loss(terms)
        return terms, tape.gradient(loss, self.vae_variables)

    def regularizers(self, latent: Latent, seen: tf.Tensor) -> Mapping[str, tf.Tensor]:
        """Computes the method's weighted terms besides reconstruction: {name: [B]}.

        Args:
            latent: Posterior and sample of this replica's images.
            seen: Number of images in the run before this step.
        """
        raise NotImplementedError

    def infer(self, images: tf.Tensor, noise: tf.Tensor) -> Latent:
        """Computes q(z|x) and a sample z from images [B,R,R,C] and noise [B,K]."""
        mean, log_variance = self.encoder(images)  # [B,K] each
        # Reparameterisation: z = mean + stddev * noise
        return Latent(mean, log_variance, mean + tf.exp(0.5 * log_variance) * noise)

    def reconstruction(self, images: tf.Tensor, latent: Latent) -> tf.Tensor:
        """Computes -log p(x|z), [B]."""
        return bernoulli_distance(images, self.decoder(latent.z))

    def sample_noise(self, size: int, seed: tf.Tensor) -> tf.Tensor:
        """Samples the noise of the reparameterised z, [B,K]."""
        width = self.options.latents
        return train_step.sample_for_replica(lambda n: tf.random.stateless_normal([n, width], seed), size)

    def images_seen(self) -> tf.Tensor:
        """Returns the number of images in the run before this step."""
        return tf.cast(self.segment.images(self.step), tf.float32)
