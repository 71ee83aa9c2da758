"""beta-TCVAE (Chen et al. 2018): of the KL term, the total correlation of the codes has a weight of its own; spec 3.1.

    reconstruction + KL + (beta - 1) TC
    TC = E log q(z) - sum over latents of E log q(z_d),  q(z) = E over images x of q(z|x)
"""

import dataclasses
import math

import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.models.vae.base import VAE, Latent, VAEOptions, gather, kl_to_prior, share_of
from ssgan_tf.utils import validation


@dataclasses.dataclass(frozen=True)
class BetaTCVAEOptions(VAEOptions):
    """Of beta-TCVAE.

    Args:
        beta: weight of the total correlation, 1 of which is in the KL term. disentanglement_lib's study has 1, 2, 4,
            6, 8, 10.
        dataset_size: number of images, for the constant of minibatch-weighted sampling in what is logged. 0 leaves
            the constant away, as disentanglement_lib does; gradients are the same.
    """

    beta: float = 6.0
    dataset_size: int = 0

    def __post_init__(self):
        super().__post_init__()
        validation.check_least(self, 0, "beta", "dataset_size")


def total_correlation(latent: Latent, every: Latent, dataset_size: int = 0) -> tf.Tensor:
    """An estimate of the total correlation, from a batch, at each of some z: [B].

        TC_j = LSE_i sum_d L[j,i,d] - sum_d LSE_i L[j,i,d],  L[j,i,d] = log N(z_jd; mean_id, variance_id)

    Minibatch-weighted sampling, which puts q(z) at 1 / (N M) times the sum over a batch of M of N images, has another
    (K - 1) log(N M). Where posteriors overlap, so that the mean over the batch is near q(z), that is (K - 1) log N
    too much; N = 1 gives the mean over the batch.

    Args:
        latent: [B,K]; its z are looked at.
        every: [M,K], of the whole batch.
        dataset_size: N; 0 leaves the constant away.
    """
    z, mean, log_variance = latent.z[:, None], every.mean[None], every.log_variance[None]  # [B,1,K], [1,M,K]
    square = tf.square(z - mean) * tf.exp(-log_variance)
    density = -0.5 * (math.log(2.0 * math.pi) + log_variance + square)  # [B,M,K]
    joint = tf.reduce_logsumexp(tf.reduce_sum(density, axis=2), axis=1)
    apart = tf.reduce_sum(tf.reduce_logsumexp(density, axis=1), axis=1)
    constant = 0.0
    if dataset_size:
        constant = (density.shape[2] - 1) * math.log(dataset_size * density.shape[1])
    return joint - apart + constant


class BetaTCVAE(VAE):
    """The model that `fit` trains. On several replicas the codes of all are gathered, as if there were one.

    Args:
        options: the objective.
        spec: the data set's factors.
        seed: of all that is drawn.
        jit_compile: with XLA.
    """

    options: BetaTCVAEOptions

    def __init__(
        self, options: BetaTCVAEOptions, spec: CodeSpec, seed: int = 0, jit_compile: bool = False, name="beta_tcvae"
    ):
        super().__init__(options, spec, seed, jit_compile, ("vae/kl", "vae/total_correlation"), name)

    def regularizers(self, latent: Latent, seen: tf.Tensor) -> dict[str, tf.Tensor]:
        """KL, and (beta - 1) TC."""
        o = self.options
        weight = (o.beta - 1.0) * share_of(seen, o.warmup_images)
        every = Latent(gather(latent.mean), gather(latent.log_variance), latent.z)
        return {
            "vae/kl": kl_to_prior(latent.mean, latent.log_variance),
            "vae/total_correlation": weight * total_correlation(latent, every, o.dataset_size),
        }
