"""FactorVAE (Kim and Mnih, ICML 2018, arXiv 1802.05983): a discriminator estimates the codes' total correlation.

    encoder, decoder   reconstruction + KL + gamma (logit_0 - logit_1)(z)
    discriminator      -(log p_0(z) + log p_1(z')) / 2

Class 0 has samples z from q(z); class 1 has z', in which each code comes from a random image of the batch.
logit_0 - logit_1 estimates log q(z) - sum of log q(z_d), whose mean is the total correlation.
"""

import dataclasses

import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.models import train_step
from ssgan_tf.models.vae.base import VAE, VAEOptions, gather_replicas, kl_to_prior, linear_ramp
from ssgan_tf.networks.conv_vae import TotalCorrelationDiscriminator
from ssgan_tf.utils import validation

_MIN_PROBABILITY = 1e-6  # inside logarithms, as in disentanglement_lib


@dataclasses.dataclass(frozen=True)
class FactorVAEOptions(VAEOptions):
    """Options of FactorVAE.

    Args:
        gamma: Weight of the total correlation. disentanglement_lib's study uses 10, 20, 30, 40, 50 and 100.
        discriminator_rate: Learning rate of the discriminator as a multiple of the phase's.
        discriminator_beta_1: Decay of the first moment of the discriminator's Adam.
        discriminator_beta_2: Decay of the second moment of the discriminator's Adam.
    """

    gamma: float = 10.0
    discriminator_rate: float = 1.0
    discriminator_beta_1: float = 0.5
    discriminator_beta_2: float = 0.9

    def __post_init__(self):
        super().__post_init__()
        validation.check_least(self, 0, "gamma")
        validation.check_positive(self, "discriminator_rate")
        validation.check_decays(self, "discriminator_beta_1", "discriminator_beta_2")


def sample_permutations(batch: int, latents: int, seed: tf.Tensor) -> tf.Tensor:
    """Samples one permutation of the batch per latent: [B,K] int32; the same seed gives the same permutations."""
    # The order of independent uniform numbers is a uniform permutation.
    return tf.argsort(tf.random.stateless_uniform([batch, latents], seed), axis=0)


def permute(codes: tf.Tensor, order: tf.Tensor) -> tf.Tensor:
    """Takes latent k of row b from row order[b,k] of `codes`: [M,K], [B,K] -> [B,K]."""
    return tf.transpose(tf.gather(tf.transpose(codes), tf.transpose(order), batch_dims=1))


def total_correlation(logits: tf.Tensor) -> tf.Tensor:
    """Computes the discriminator's estimate of the total correlation at each z: [B,2] -> [B]."""
    return logits[:, 0] - logits[:, 1]


def discriminator_loss(joint: tf.Tensor, permuted: tf.Tensor) -> tf.Tensor:
    """Computes -(log p_0(z) + log p_1(z')) / 2 from the logits of joint and permuted codes: [B,2], [B,2] -> [B]."""

    def log_probability(logits, label):
        probability = tf.nn.softmax(logits)[:, label]
        return tf.math.log(tf.clip_by_value(probability, _MIN_PROBABILITY, 1.0 - _MIN_PROBABILITY))

    return -0.5 * (log_probability(joint, 0) + log_probability(permuted, 1))


class FactorVAE(VAE):
    """FactorVAE. Both losses are computed from the weights before the step, and from the same z.

    Codes are permuted across the global batch, for any number of replicas.

    In disentanglement_lib both optimizers increment the global step, so its "300,000 steps" are probably 150,000 steps
    here.

    Args:
        options: Networks, objective and optimizers.
        spec: Factors of the data set, not used.
        seed: Seed of everything sampled.
        jit_compile: Whether to compile the gradients with XLA.
    """

    options: FactorVAEOptions

    def __init__(
        self, options: FactorVAEOptions, spec: CodeSpec, seed: int = 0, jit_compile: bool = False, name="factor_vae"
    ):
        logged = ("vae/kl", "vae/total_correlation", "discriminator/permuted", "discriminator/gradient_norm")
        super().__init__(options, spec, seed, jit_compile, logged, name)
        self.discriminator = TotalCorrelationDiscriminator(options.latents)

    def compile(self):
        """Makes both optimizers with all their slots; call it inside the strategy's scope."""
        o = self.options
        self.discriminator_optimizer = train_step.make_adam(
            self,
            self.discriminator.trainable_variables,
            o.discriminator_beta_1,
            o.discriminator_beta_2,
            o.discriminator_rate,
        )
        super().compile()

    @property
    def optimizers(self):
        return [self.vae_optimizer, self.discriminator_optimizer]

    def networks(self) -> dict[str, tf.keras.Model]:
        return {**super().networks(), "discriminator": self.discriminator}

    def checkpoint_items(self) -> dict[str, object]:
        return {
            **super().checkpoint_items(),
            "discriminator": self.discriminator,
            "discriminator_optimizer": self.discriminator_optimizer,
        }

    @tf.autograph.experimental.do_not_convert  # its control flow is TensorFlow's; conversion takes seconds
    def train_step(self, batch):
        train_step.check_batch(batch, ["image"])
        size, width = batch["image"].shape[0], self.options.latents
        noise_seed, order_seed = train_step.step_seeds(self.seed, self.step, 2)
        # One permutation of the global batch per latent.
        order = train_step.sample_for_replica(lambda n: sample_permutations(n, width, order_seed), size)
        terms, vae_gradients, d_gradients = self._gradients(
            batch["image"], self.sample_noise(size, noise_seed), order, self.images_seen()
        )
        # Take both steps after both gradients are computed.
        norms = {
            "vae/gradient_norm": train_step.apply_gradients(vae_gradients, self.vae_variables, self.vae_optimizer),
            "discriminator/gradient_norm": train_step.apply_gradients(
                d_gradients, self.discriminator.trainable_variables, self.discriminator_optimizer
            ),
        }
        self.step.assign_add(1)
        return self.trackers.update({**terms, **norms})

    def gradients(self, images, noise, order, seen):
        """Computes the weighted terms of both losses, and the gradients of each loss for its own networks.

        Args:
            images: [B,R,R,C].
            noise: Noise of the reparameterised z, [B,K].
            order: Row of the global batch that each latent of the permuted codes comes from, [B,K].
            seen: Number of images in the run before this step.

        Returns:
            {name: [B]}, gradients for `vae_variables`, gradients for the discriminator's variables.
        """
        # gamma, after warm-up
        weight = self.options.gamma * linear_ramp(seen, self.options.warmup_images)
        with tf.GradientTape(persistent=True) as tape:
            latent = self.infer(images, noise)
            joint = self.discriminator(latent.z)  # [B,2]
            # Permuted codes z' train the discriminator only.
            permuted = self.discriminator(permute(gather_replicas(tf.stop_gradient(latent.z)), order))  # [B,2]
            # reconstruction + KL + gamma (logit_0 - logit_1)(z)
            vae_terms = {
                "vae/reconstruction": self.reconstruction(images, latent),
                "vae/kl": kl_to_prior(latent.mean, latent.log_variance),
                "vae/total_correlation": weight * total_correlation(joint),
            }
            # -(log p_0(z) + log p_1(z')) / 2
            d_terms = {"discriminator/permuted": discriminator_loss(joint, permuted)}
            vae_loss, d_loss = train_step.total_loss(vae_terms), train_step.total_loss(d_terms)
        return (
            {**vae_terms, **d_terms},
            tape.gradient(vae_loss, self.vae_variables),
            tape.gradient(d_loss, self.discriminator.trainable_variables),
        )
