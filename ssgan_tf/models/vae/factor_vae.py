"""FactorVAE (Kim and Mnih 2018): a discriminator tells how far codes are from independent; spec of InfoGAN-CR 3.1.

    encoder, decoder   reconstruction + KL + gamma (logit_0 - logit_1)(z)
    discriminator      -(log p_0(z) + log p_1(z')) / 2

Class 0 are z as they are drawn from q(z), class 1 z' whose codes each come from another image of the batch.
logit_0 - logit_1 estimates log q(z) - sum of log q(z_d), whose mean is the total correlation.
"""

import dataclasses

import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.models import train_step as steps
from ssgan_tf.models.vae.base import VAE, VAEOptions, gather, kl_to_prior, share_of
from ssgan_tf.networks.conv_vae import TotalCorrelationDiscriminator
from ssgan_tf.utils import validation

_LEAST = 1e-6  # of a probability inside a logarithm


@dataclasses.dataclass(frozen=True)
class FactorVAEOptions(VAEOptions):
    """Of FactorVAE.

    Args:
        gamma: weight of the total correlation. disentanglement_lib's study has 10, 20, 30, 40, 50, 100.
        discriminator_rate: the discriminator's learning rate as a multiple of the phase's.
        discriminator_beta_1: its Adam's first-moment decay.
        discriminator_beta_2: its Adam's second-moment decay.
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


def draw_order(batch: int, latents: int, seed: tf.Tensor) -> tf.Tensor:
    """A permutation of the batch for each latent by itself: [B,K] int32; the same seed gives the same."""
    return tf.argsort(tf.random.stateless_uniform([batch, latents], seed), axis=0)


def permute(codes: tf.Tensor, order: tf.Tensor) -> tf.Tensor:
    """Latent k of row b from row order[b,k]: [M,K], [B,K] -> [B,K]."""
    return tf.transpose(tf.gather(tf.transpose(codes), tf.transpose(order), batch_dims=1))


def total_correlation(logits: tf.Tensor) -> tf.Tensor:
    """The discriminator's estimate at each z: [B,2] -> [B]."""
    return logits[:, 0] - logits[:, 1]


def discriminator_loss(together: tf.Tensor, permuted: tf.Tensor) -> tf.Tensor:
    """-(log p_0 of z + log p_1 of permuted z) / 2, of the logits of both: [B,2], [B,2] -> [B]."""

    def log_probability(logits, of):
        return tf.math.log(tf.clip_by_value(tf.nn.softmax(logits)[:, of], _LEAST, 1.0 - _LEAST))

    return -0.5 * (log_probability(together, 0) + log_probability(permuted, 1))


class FactorVAE(VAE):
    """The model that `fit` trains. Both losses are of the networks as a step finds them, and of the same z.

    Codes are permuted across the whole batch, however many replicas share it.

    disentanglement_lib counts a step for each of the two optimizers, so that its "300,000 steps" may be 150,000 of
    these (spec 3.1).

    Args:
        options: the objective.
        spec: the data set's factors.
        seed: of all that is drawn.
        jit_compile: with XLA.
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
        self.discriminator_optimizer = steps.make_adam(
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

    def train_step(self, batch):
        size, width = batch["image"].shape[0], self.options.latents
        noise_seed, order_seed = steps.step_seeds(self.seed, self.step, 2)
        order = steps.draw_for_replica(lambda n: draw_order(n, width, order_seed), size)
        terms, vae_gradients, d_gradients = self._gradients(
            batch["image"], self.draw_noise(size, noise_seed), order, self.images_seen()
        )
        norms = {
            "vae/gradient_norm": steps.descend(vae_gradients, self.vae_variables, self.vae_optimizer),
            "discriminator/gradient_norm": steps.descend(
                d_gradients, self.discriminator.trainable_variables, self.discriminator_optimizer
            ),
        }
        self.step.assign_add(1)
        return self.trackers.update({**terms, **norms})

    def gradients(self, images, noise, order, seen):
        """The terms of both losses, weighted; the gradients of the first for encoder and decoder, of the second for
        the discriminator.

        Args:
            images: [B,R,R,C].
            noise: that z is drawn with, [B,K].
            order: from which row of the whole batch each latent of permuted codes comes, [B,K].
            seen: images of the run before this step; a number.
        """
        weight = self.options.gamma * share_of(seen, self.options.warmup_images)
        with tf.GradientTape(persistent=True) as tape:
            latent = self.infer(images, noise)
            together = self.discriminator(latent.z)
            permuted = self.discriminator(permute(gather(tf.stop_gradient(latent.z)), order))
            vae_terms = {
                "vae/reconstruction": self.reconstruction(images, latent),
                "vae/kl": kl_to_prior(latent.mean, latent.log_variance),
                "vae/total_correlation": weight * total_correlation(together),
            }
            d_terms = {"discriminator/permuted": discriminator_loss(together, permuted)}
            vae_loss, d_loss = steps.total_loss(vae_terms), steps.total_loss(d_terms)
        return (
            {**vae_terms, **d_terms},
            tape.gradient(vae_loss, self.vae_variables),
            tape.gradient(d_loss, self.discriminator.trainable_variables),
        )
