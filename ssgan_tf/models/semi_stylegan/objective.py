"""The objective of Semi-StyleGAN (ICML 2020): its weights, its terms, their gradients.

L^(G)   =  L_GAN + gamma_G L_unsup + alpha L_sr                      (7)
L^(D,E) = -L_GAN + gamma_E L_unsup + beta L_sup + alpha L_sr
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import NamedTuple

import tensorflow as tf

from ssgan_tf.core import losses
from ssgan_tf.models import train_step as steps
from ssgan_tf.models.base import WithNetwork
from ssgan_tf.networks.discriminator import Discriminator
from ssgan_tf.networks.options import NetworkOptions
from ssgan_tf.utils import validation


@dataclasses.dataclass(frozen=True)
class SemiStyleGANOptions(WithNetwork):
    """The objective and its optimizers. Info-StyleGAN is the same with no labels: beta = alpha = 0, gamma_e > 0.

    Args:
        network: sizes of the networks.
        gamma_g: weight of the code reconstruction L_unsup (eq. 1) in the generator's loss.
        gamma_e: weight of the same in the encoder's loss; 0 in the paper.
        beta: weight of the supervised code loss L_sup (eq. 3).
        alpha: weight of the smoothness loss L_sr on MixUp pairs (eq. 6).
        xi: parameter of the MixUp Beta distribution (eq. 5).
        r1: weight of the R1 penalty on real images: r1 / 2 * ||dD/dx||^2.
        r1_interval: the penalty is taken every n-th step, n times as strong.
        beta_1: Adam's first-moment decay.
        beta_2: Adam's second-moment decay.
        ema_half_life: of the averaged generator, in images.
        style_mixing: share of the generated images whose finer layers take their style from a second z. The code is
            the same for all layers: of an image made from two the encoder could recover neither.

    Raises:
        ValueError: naming the field that is out of range.
    """

    network: NetworkOptions = NetworkOptions()
    gamma_g: float = 10.0
    gamma_e: float = 0.0
    beta: float = 10.0
    alpha: float = 1.0
    xi: float = 0.75
    r1: float = 10.0
    r1_interval: int = 1
    beta_1: float = 0.0
    beta_2: float = 0.99
    ema_half_life: float = 10_000.0
    style_mixing: float = 0.0

    def __post_init__(self):
        validation.check_least(self, 0, "gamma_g", "gamma_e", "beta", "alpha", "r1", "ema_half_life")
        validation.check_least(self, 1, "r1_interval")
        validation.check_positive(self, "xi")
        validation.check_decays(self, "beta_1", "beta_2")
        if not 0 <= self.style_mixing <= 1:
            raise ValueError(f"style_mixing: expected a number in [0, 1]. Received: {self.style_mixing}.")

    @property
    def resolutions(self) -> tuple[int, ...]:
        return self.network.resolutions[1:]

    @property
    def uses_labels(self) -> bool:
        return self.beta > 0 or self.alpha > 0

    def in_float32(self) -> "SemiStyleGANOptions":
        return dataclasses.replace(self, network=dataclasses.replace(self.network, precision="float32"))

    def check_labels(self, fraction: float) -> None:
        if fraction == 0 and (self.beta or self.alpha or not self.gamma_e):
            raise ValueError(
                "data.labeled_fraction: 0 is Info-StyleGAN, which has no label losses; expected model.beta=0, "
                f"model.alpha=0 and model.gamma_e above 0. Received: beta={self.beta}, alpha={self.alpha}, "
                f"gamma_e={self.gamma_e}."
            )
        if fraction > 0 and not (self.beta or self.alpha):
            raise ValueError(
                f"data.labeled_fraction: {fraction} asks for labels that no loss uses; expected model.beta or "
                "model.alpha above 0, or a labeled_fraction of 0."
            )


class MixUpBatch(NamedTuple):
    """MixUp pairs (eq. 5): images [L,r,r,C], their codes [L,K], and where those are known, [L,K]."""

    images: tf.Tensor
    codes: tf.Tensor
    mask: tf.Tensor


class Objective:
    """Equation 7 on one replica's part of a batch: terms, and gradients that replicas add up.

    Arguments that several methods have:
        batch: `image` [B,r,r,C] and, with labels, `labeled_image` [L,r,r,C], `labeled_codes` and `labeled_mask` [L,K].
        fake: generated images [B,r,r,C].
        codes: those that they were made from, [B,K].
        mixed: MixUp pairs; None where alpha is 0.
        fade: weight of the networks' newest block; None is 1.
        scale: what the loss is multiplied by before gradients are taken, so that 16 bits can hold them; None is 1.

    Args:
        options: the weights.
        discriminator: D and E.
    """

    def __init__(self, options: SemiStyleGANOptions, discriminator: Discriminator):
        self.options = options
        self.discriminator = discriminator

    @property
    def names(self) -> list[str]:
        """Every term that has a weight, as it is logged."""
        weights = {
            "discriminator/adversarial": 1.0,
            "discriminator/r1": self.options.r1,
            "discriminator/unsupervised": self.options.gamma_e,
            "discriminator/supervised": self.options.beta,
            "discriminator/smoothness": self.options.alpha,
            "generator/adversarial": 1.0,
            "generator/unsupervised": self.options.gamma_g,
            "generator/smoothness": self.options.alpha,
        }
        return [name for name, weight in weights.items() if weight > 0]

    def discriminator_gradients(
        self,
        batch: Mapping[str, tf.Tensor],
        fake: tf.Tensor,
        codes: tf.Tensor,
        mixed: MixUpBatch | None,
        fade: tf.Tensor | None,
        take_r1: tf.Tensor | bool,
        scale: tf.Tensor | None,
    ) -> tuple[dict[str, tf.Tensor], list[tf.Tensor | None]]:
        """L^(D,E)'s terms, weighted, and its gradient for each trainable variable of D/E (None: no part in it)."""
        with tf.GradientTape() as tape:
            terms = self.discriminator_losses(batch, fake, codes, mixed, fade, take_r1)
            loss = _scaled(steps.total_loss(terms), scale)
        return terms, tape.gradient(loss, self.discriminator.trainable_variables)

    def generator_gradients(
        self,
        fake: tf.Tensor,
        codes: tf.Tensor,
        mixed: MixUpBatch | None,
        fade: tf.Tensor | None,
        scale: tf.Tensor | None,
    ) -> tuple[dict[str, tf.Tensor], list[tf.Tensor]]:
        """L^(G)'s terms, weighted, and its gradient with respect to the fake images and, if any, the mixed ones."""
        images = [fake] if mixed is None else [fake, mixed.images]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            terms = self.generator_losses(fake, codes, mixed, fade)
            loss = _scaled(steps.total_loss(terms), scale)
        return terms, tape.gradient(loss, images)

    def discriminator_losses(self, batch, fake, codes, mixed, fade=None, take_r1=True) -> dict[str, tf.Tensor]:
        """The terms of L^(D,E) in eq. 7, weighted: {name: [B] or [L]}."""
        o, d = self.options, self.discriminator
        images = batch["image"]
        # One pass of the trunk over everything that needs no gradient with respect to the image.
        parts = {"fake": fake}
        if o.beta > 0:
            parts["labeled"] = batch["labeled_image"]
        if mixed is not None:
            parts["mixed"] = mixed.images
        features = self._trunk_of_all(parts, fade)
        real_logits, penalty = self._real_logits_and_r1(images, fade, take_r1)
        result = {
            "discriminator/adversarial": losses.discriminator_adversarial(real_logits, d.realness(features["fake"]))
        }
        if o.r1 > 0:
            result["discriminator/r1"] = penalty
        if o.gamma_e > 0:
            distance = losses.code_distance(d.codes(features["fake"]), codes)
            result["discriminator/unsupervised"] = o.gamma_e * distance
        if o.beta > 0:
            distance = losses.code_distance(d.codes(features["labeled"]), batch["labeled_codes"], batch["labeled_mask"])
            result["discriminator/supervised"] = o.beta * distance
        if mixed is not None:
            distance = losses.code_distance(d.codes(features["mixed"]), mixed.codes, mixed.mask)
            result["discriminator/smoothness"] = o.alpha * distance
        return result

    def generator_losses(self, fake, codes, mixed, fade=None) -> dict[str, tf.Tensor]:
        """The terms of L^(G) in eq. 7, weighted: {name: [B] or [L]}."""
        o, d = self.options, self.discriminator
        parts = {"fake": fake} if mixed is None else {"fake": fake, "mixed": mixed.images}
        features = self._trunk_of_all(parts, fade)
        result = {"generator/adversarial": losses.generator_adversarial(d.realness(features["fake"]))}
        if o.gamma_g > 0:
            result["generator/unsupervised"] = o.gamma_g * losses.code_distance(d.codes(features["fake"]), codes)
        if mixed is not None:
            distance = losses.code_distance(d.codes(features["mixed"]), mixed.codes, mixed.mask)
            result["generator/smoothness"] = o.alpha * distance
        return result

    def _trunk_of_all(self, parts: dict[str, tf.Tensor], fade) -> dict[str, tf.Tensor]:
        features = self.discriminator.trunk(tf.concat(list(parts.values()), axis=0), fade)
        sizes = [images.shape[0] for images in parts.values()]
        return dict(zip(parts, tf.split(features, sizes), strict=True))

    def _real_logits_and_r1(self, images, fade, take_r1):
        """D(x) [B] and the weighted R1 penalty [B] (zeros on the steps that skip it)."""
        o, d = self.options, self.discriminator
        # A slope of norm 1 over n numbers has numbers of 1 / sqrt(n), near the smallest that float16 can hold.
        scale = math.sqrt(math.prod(images.shape[1:])) if o.network.precision == "mixed_float16" else None

        def with_penalty():
            with tf.GradientTape() as tape:
                tape.watch(images)
                logits = d.realness(d.trunk(images, fade))
                scaled = _scaled(logits, scale)
            gradients = tape.gradient(scaled, images)  # of the sum of logits
            if scale is not None:
                gradients /= scale
            return logits, 0.5 * o.r1 * o.r1_interval * losses.r1_penalty(gradients)

        def without_penalty():
            logits = d.realness(d.trunk(images, fade))
            return logits, tf.zeros_like(logits)

        if o.r1 == 0:
            return without_penalty()
        if take_r1 is True:
            return with_penalty()
        return tf.cond(take_r1, with_penalty, without_penalty)


def _scaled(x: tf.Tensor, scale: tf.Tensor | float | None) -> tf.Tensor:
    return x if scale is None else scale * x
