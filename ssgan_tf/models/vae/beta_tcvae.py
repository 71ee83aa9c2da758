"""beta-TCVAE (Chen et al., NeurIPS 2018, arXiv 1802.04942): the KL term's total correlation has its own weight.

The loss is

    reconstruction + KL + (beta - 1) TC
    TC = E log q(z) - sum over latents of E log q(z_d),  q(z) = E over images x of q(z|x)
"""

import dataclasses
import math

import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.models.vae.base import VAE, Latent, VAEOptions, gather_replicas, kl_to_prior, linear_ramp
from ssgan_tf.utils import validation


@dataclasses.dataclass(frozen=True)
class BetaTCVAEOptions(VAEOptions):
    """Options of beta-TCVAE.

    Args:
        beta: Weight of the total correlation, including the 1 within the KL term. disentanglement_lib's study uses 1,
            2, 4, 6, 8 and 10.
        dataset_size: Number of images, for the constant that minibatch-weighted sampling adds to the logged value; 0
            omits it, as disentanglement_lib does; gradients are the same.
    """

    beta: float = 6.0
    dataset_size: int = 0

    def __post_init__(self):
        super().__post_init__()
        validation.check_least(self, 0, "beta", "dataset_size")


def total_correlation(latent: Latent, batch: Latent, dataset_size: int = 0) -> tf.Tensor:
    """Estimates the total correlation at each z from a batch: [B].

        TC_j = LSE_i sum_d L[j,i,d] - sum_d LSE_i L[j,i,d],  L[j,i,d] = log N(z_jd; mean_id, variance_id)

    Minibatch-weighted sampling estimates q(z) as 1 / (N M) times the sum over a batch of M out of N images, which adds
    (K - 1) log(N M). If posteriors overlap, so that the mean over the batch is close to q(z), this is too high by
    (K - 1) log N; N = 1 gives the mean over the batch.

    Args:
        latent: [B,K]; the estimate is taken at its z.
        batch: [M,K], posteriors of the whole batch.
        dataset_size: Number of images N; 0 omits the constant.
    """
    z, mean, log_variance = latent.z[:, None], batch.mean[None], batch.log_variance[None]  # [B,1,K], [1,M,K]
    # L[j,i,d] = log N(z_jd; mean_id, variance_id)
    square = tf.square(z - mean) * tf.exp(-log_variance)
    log_density = -0.5 * (math.log(2.0 * math.pi) + log_variance + square)  # [B,M,K]
    # log q(z) and sum over latents of log q(z_d), both without the constant
    joint = tf.reduce_logsumexp(tf.reduce_sum(log_density, axis=2), axis=1)  # [B]
    marginals = tf.reduce_sum(tf.reduce_logsumexp(log_density, axis=1), axis=1)  # [B]
    constant = 0.0
    if dataset_size:
        # q(z) and each of the K q(z_d) are divided by N M.
        constant = (log_density.shape[2] - 1) * math.log(dataset_size * log_density.shape[1])
    return joint - marginals + constant


class BetaTCVAE(VAE):
    """beta-TCVAE. The codes of all replicas are gathered, so the result does not depend on the number of replicas.

    Args:
        options: Networks, objective and optimizer.
        spec: Factors of the data set, not used.
        seed: Seed of everything sampled.
        jit_compile: Whether to compile the gradients with XLA.
    """

    options: BetaTCVAEOptions

    def __init__(
        self, options: BetaTCVAEOptions, spec: CodeSpec, seed: int = 0, jit_compile: bool = False, name="beta_tcvae"
    ):
        super().__init__(options, spec, seed, jit_compile, ("vae/kl", "vae/total_correlation"), name)

    def regularizers(self, latent: Latent, seen: tf.Tensor) -> dict[str, tf.Tensor]:
        """Computes KL and (beta - 1) TC."""
        o = self.options
        weight = (o.beta - 1.0) * linear_ramp(seen, o.warmup_images)
        batch = Latent(gather_replicas(latent.mean), gather_replicas(latent.log_variance), latent.z)
        return {
            "vae/kl": kl_to_prior(latent.mean, latent.log_variance),
            "vae/total_correlation": weight * total_correlation(latent, batch, o.dataset_size),
        }
