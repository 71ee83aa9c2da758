"""beta-VAE (Higgins et al., ICLR 2017), the plain VAE at beta = 1, and AnnealedVAE (Burgess et al., arXiv 1804.03599).

With C(t) rising linearly from 0 to `capacity`, the losses are

    beta-VAE      reconstruction + beta KL
    AnnealedVAE   reconstruction + gamma |KL - C(t)|
"""

import dataclasses

import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.models import train_step
from ssgan_tf.models.vae.base import VAE, Latent, VAEOptions, kl_to_prior, linear_ramp
from ssgan_tf.utils import validation


@dataclasses.dataclass(frozen=True)
class BetaVAEOptions(VAEOptions):
    """Options of beta-VAE or, with a `capacity`, of AnnealedVAE.

    Args:
        beta: Weight of the KL term. disentanglement_lib's study uses 1, 2, 4, 6, 8 and 16.
        capacity: Final value of C in nats; 0 for beta-VAE. With a capacity, `gamma` holds the KL at C and `beta` is not
            used. The study uses 5, 10, 25, 50, 75 and 100.
        capacity_images: Number of images over which C rises from 0; 0 for the full capacity from the start.
        gamma: Weight of |KL - C|.
    """

    beta: float = 4.0
    capacity: float = 0.0
    capacity_images: int = 6_400_000
    gamma: float = 1000.0

    def __post_init__(self):
        super().__post_init__()
        validation.check_least(self, 0, "beta", "capacity", "capacity_images", "gamma")


class BetaVAE(VAE):
    """beta-VAE and AnnealedVAE.

    Args:
        options: Networks, objective and optimizer.
        spec: Factors of the data set, not used.
        seed: Seed of everything sampled.
        jit_compile: Whether to compile the gradients with XLA.
    """

    options: BetaVAEOptions

    def __init__(
        self, options: BetaVAEOptions, spec: CodeSpec, seed: int = 0, jit_compile: bool = False, name="beta_vae"
    ):
        super().__init__(options, spec, seed, jit_compile, ("vae/kl",), name)

    def regularizers(self, latent: Latent, seen: tf.Tensor) -> dict[str, tf.Tensor]:
        """Computes beta * KL, or with a capacity C: gamma * |mean(KL) - C|.

        The latter is returned per example as gamma * sign(mean(KL) - C) * (KL - C), which has the same mean and
        gradient; the mean is over all replicas.
        """
        o = self.options
        kl = kl_to_prior(latent.mean, latent.log_variance)  # [B]
        warm = linear_ramp(seen, o.warmup_images)
        # beta-VAE: beta KL
        if not o.capacity:
            return {"vae/kl": warm * o.beta * kl}
        # AnnealedVAE: gamma |KL - C|
        target = o.capacity * linear_ramp(seen, o.capacity_images)
        # The sign is that of the mean over all replicas; no gradient flows through it.
        mean = tf.stop_gradient(tf.reduce_mean(kl))
        if train_step.replica_count() > 1:
            mean = train_step.global_mean(mean)
        return {"vae/kl": warm * o.gamma * tf.sign(mean - target) * (kl - target)}
