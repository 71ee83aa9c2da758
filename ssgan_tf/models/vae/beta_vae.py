"""beta-VAE (Higgins et al. 2017), the plain VAE at beta = 1, and AnnealedVAE (Burgess et al. 2018); spec 3.1.

    beta-VAE      reconstruction + beta KL
    AnnealedVAE   reconstruction + gamma |KL - C(t)|,  C from 0 to `capacity` in a straight line
"""

import dataclasses

import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.models import train_step as steps
from ssgan_tf.models.vae.base import VAE, Latent, VAEOptions, kl_to_prior, share_of
from ssgan_tf.utils import validation


@dataclasses.dataclass(frozen=True)
class BetaVAEOptions(VAEOptions):
    """Of beta-VAE, and with a `capacity` of AnnealedVAE.

    Args:
        beta: weight of the KL term. disentanglement_lib's study has 1, 2, 4, 6, 8, 16.
        capacity: C at its end, in nats: the KL is held at C by `gamma`, and `beta` is not used. The study has 5, 10,
            25, 50, 75, 100. 0 for beta-VAE.
        capacity_images: over the first so many images C rises from 0; 0 for all of it from the start.
        gamma: weight of |KL - C|.
    """

    beta: float = 4.0
    capacity: float = 0.0
    capacity_images: int = 6_400_000
    gamma: float = 1000.0

    def __post_init__(self):
        super().__post_init__()
        validation.check_least(self, 0, "beta", "capacity", "capacity_images", "gamma")


class BetaVAE(VAE):
    """The model that `fit` trains.

    Args:
        options: the objective.
        spec: the data set's factors.
        seed: of all that is drawn.
        jit_compile: with XLA.
    """

    options: BetaVAEOptions

    def __init__(
        self, options: BetaVAEOptions, spec: CodeSpec, seed: int = 0, jit_compile: bool = False, name="beta_vae"
    ):
        super().__init__(options, spec, seed, jit_compile, ("vae/kl",), name)

    def regularizers(self, latent: Latent, seen: tf.Tensor) -> dict[str, tf.Tensor]:
        """beta KL. With a capacity gamma s (KL - C), whose mean is gamma |KL - C| of the mean KL, as is its gradient:
        s is that difference's sign, of all replicas together."""
        o = self.options
        kl = kl_to_prior(latent.mean, latent.log_variance)
        warm = share_of(seen, o.warmup_images)
        if not o.capacity:
            return {"vae/kl": warm * o.beta * kl}
        target = o.capacity * share_of(seen, o.capacity_images)
        mean = tf.stop_gradient(tf.reduce_mean(kl))
        if steps.replica_count() > 1:
            mean = steps.global_mean(mean)
        return {"vae/kl": warm * o.gamma * tf.sign(mean - target) * (kl - target)}
