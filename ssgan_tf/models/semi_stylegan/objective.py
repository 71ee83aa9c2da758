"""Objective of Semi-StyleGAN (ICML 2020, arXiv 2003.03461): weights, terms and their gradients.

    L^(G)   =  L_GAN + gamma_G L_unsup + alpha L_sr                      (7)
    L^(D,E) = -L_GAN + gamma_E L_unsup + beta L_sup + alpha L_sr

with L_unsup (1), L_sup (3) and L_sr (6). All equation numbers are the paper's.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import NamedTuple

import tensorflow as tf

from ssgan_tf.core import losses
from ssgan_tf.models import train_step
from ssgan_tf.models.augmentation import AugmentOptions
from ssgan_tf.models.base import WithNetwork
from ssgan_tf.networks.discriminator import Discriminator
from ssgan_tf.networks.options import NetworkOptions
from ssgan_tf.utils import validation

MIXUP_PARTNERS = ("generated", "labeled")


@dataclasses.dataclass(frozen=True)
class SemiStyleGANOptions(WithNetwork):
    """Objective and optimizers. Info-StyleGAN (Equation 2) is the case without labels: beta = alpha = 0, gamma_e > 0.

    Args:
        network: Sizes of the networks.
        gamma_g: Weight of the code reconstruction L_unsup (Equation 1) in the generator's loss.
        gamma_e: Weight of L_unsup in the encoder's loss; 0 in the paper.
        beta: Weight of the supervised code loss L_sup (Equation 3).
        alpha: Weight of the smoothness loss L_sr on MixUp pairs (Equation 6).
        xi: Parameter of the Beta distribution of MixUp weights (Equation 5).
        mixup_partner: One of MIXUP_PARTNERS: what each labelled image is mixed with, a generated image (the paper's) or
            another labelled one. Then L_sr concerns E alone: it is no part of the generator's loss.
        r1: Weight of the R1 penalty on real images: r1 / 2 * ||dD/dx||^2.
        r1_interval: Number of steps from one R1 penalty to the next; each penalty is multiplied by it.
        beta_1: Decay of Adam's first moment.
        beta_2: Decay of Adam's second moment.
        ema_half_life: Half-life of the averaged generator's weights, in images.
        augment: Augmentation of what D and E see, for few images; none by default.
        style_mixing: Fraction of the generated images whose finer layers take their style from a second z. All layers
            have the same code, since the encoder could recover neither of two codes in one image.

    Raises:
        ValueError: A field is out of range; the message names it.
    """

    network: NetworkOptions = NetworkOptions()
    # Equation 7.
    gamma_g: float = 10.0
    gamma_e: float = 0.0
    beta: float = 10.0
    alpha: float = 1.0
    xi: float = 0.75
    mixup_partner: str = "generated"
    # R1 penalty, Adam and moving average: official StyleGAN's values.
    r1: float = 10.0
    r1_interval: int = 1
    beta_1: float = 0.0
    beta_2: float = 0.99
    ema_half_life: float = 10_000.0
    style_mixing: float = 0.0
    augment: AugmentOptions = AugmentOptions()

    def __post_init__(self):
        validation.check_least(self, 0, "gamma_g", "gamma_e", "beta", "alpha", "r1", "ema_half_life")
        validation.check_least(self, 1, "r1_interval")
        validation.check_positive(self, "xi")
        validation.choose("mixup_partner", self.mixup_partner, dict.fromkeys(MIXUP_PARTNERS))
        validation.check_decays(self, "beta_1", "beta_2")
        if not 0 <= self.style_mixing <= 1:
            raise ValueError(f"style_mixing: expected a number in [0, 1]. Received: {self.style_mixing}.")

    @property
    def resolutions(self) -> tuple[int, ...]:
        return self.network.resolutions[1:]

    @property
    def uses_labels(self) -> bool:
        return self.beta > 0 or self.alpha > 0

    @property
    def generator_alpha(self) -> float:
        """Weight of L_sr in the generator's loss: alpha, or 0 if mixtures contain no generated image."""
        return self.alpha if self.mixup_partner == "generated" else 0.0

    def in_float32(self) -> "SemiStyleGANOptions":
        return dataclasses.replace(self, network=dataclasses.replace(self.network, precision="float32"))

    def check_labels(self, fraction: float) -> None:
        # Without labels only L_unsup can train the encoder.
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
    """MixUp pairs (Equation 5).

    Args:
        images: x~, [L,r,r,C].
        codes: c~, [L,K].
        mask: 1 where a code is known, else 0, [L,K].
    """

    images: tf.Tensor
    codes: tf.Tensor
    mask: tf.Tensor


class Objective:
    """Equation 7 on one replica's part of a batch: terms, and gradients to be summed over replicas.

    Arguments shared by several methods:
        batch: `image` [B,r,r,C] and, with labels, `labeled_image` [L,r,r,C], `labeled_codes` and `labeled_mask` [L,K].
        fake: Generated images [B,r,r,C], as D sees them.
        codes: Their codes [B,K].
        encoded: Generated images [B,r,r,C] as E sees them; None if it sees those that D sees.
        mixup: MixUp pairs; None if alpha is 0, and for G's loss if they contain no generated image.
        fade: Weight of the networks' newest block; None means 1.
        scale: Factor for the loss before gradients are taken, so that 16 bits can hold them; None means 1.

    Args:
        options: Weights of the terms.
        discriminator: D and E.
    """

    def __init__(self, options: SemiStyleGANOptions, discriminator: Discriminator):
        self.options = options
        self.discriminator = discriminator

    @property
    def names(self) -> list[str]:
        """Names of the logged terms, which are those with a weight above 0."""
        weights = {
            "discriminator/adversarial": 1.0,
            "discriminator/r1": self.options.r1,
            "discriminator/unsupervised": self.options.gamma_e,
            "discriminator/supervised": self.options.beta,
            "discriminator/smoothness": self.options.alpha,
            "generator/adversarial": 1.0,
            "generator/unsupervised": self.options.gamma_g,
            "generator/smoothness": self.options.generator_alpha,
        }
        return [name for name, weight in weights.items() if weight > 0]

    def discriminator_gradients(
        self,
        batch: Mapping[str, tf.Tensor],
        fake: tf.Tensor,
        codes: tf.Tensor,
        mixup: MixUpBatch | None,
        fade: tf.Tensor | None,
        take_r1: tf.Tensor | bool,
        scale: tf.Tensor | None,
        encoded: tf.Tensor | None = None,
    ) -> tuple[dict[str, tf.Tensor], list[tf.Tensor | None]]:
        """Computes L^(D,E)'s weighted terms and its gradient for each trainable variable of D/E (None if unused)."""
        with tf.GradientTape() as tape:
            terms = self.discriminator_losses(batch, fake, codes, mixup, fade, take_r1, encoded)
            # Sum over terms of the mean over the global batch.
            loss = _scaled(train_step.total_loss(terms), scale)
        return terms, tape.gradient(loss, self.discriminator.trainable_variables)

    def generator_gradients(
        self,
        fake: tf.Tensor,
        codes: tf.Tensor,
        mixup: MixUpBatch | None,
        fade: tf.Tensor | None,
        scale: tf.Tensor | None,
        encoded: tf.Tensor | None = None,
    ) -> tuple[dict[str, tf.Tensor], list[tf.Tensor]]:
        """Computes L^(G)'s weighted terms and its gradient with respect to `generated_images`."""
        images = generated_images(fake, mixup, encoded)
        # D/E's variables are constants here: only gradients with respect to the images are needed.
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            terms = self.generator_losses(fake, codes, mixup, fade, encoded)
            loss = _scaled(train_step.total_loss(terms), scale)
        return terms, tape.gradient(loss, images, unconnected_gradients="zero")

    def discriminator_losses(
        self, batch, fake, codes, mixup, fade=None, take_r1=True, encoded=None
    ) -> dict[str, tf.Tensor]:
        """Computes the weighted terms of L^(D,E), Equation 7: {name: [B] or [L]}."""
        o, d = self.options, self.discriminator

        # One pass of the trunk over all images that need no gradient with respect to their pixels.
        parts = {"fake": fake}
        if encoded is not None and o.gamma_e > 0:
            parts["encoded"] = encoded
        if o.beta > 0:
            parts["labeled"] = batch["labeled_image"]
        if mixup is not None:
            parts["mixup"] = mixup.images
        features = self._trunk_features(parts, fade)

        # -L_GAN: softplus(-D(x)) + softplus(D(G(z,c))), plus the R1 penalty
        real_logits, penalty = self._real_logits_and_r1(batch["image"], fade, take_r1)
        result = {
            "discriminator/adversarial": losses.discriminator_adversarial(real_logits, d.realness(features["fake"]))
        }
        if o.r1 > 0:
            result["discriminator/r1"] = penalty

        # gamma_E L_unsup, Equation 1: ||E(G(z,c)) - c||
        if o.gamma_e > 0:
            distance = losses.code_distance(d.codes(features.get("encoded", features["fake"])), codes)
            result["discriminator/unsupervised"] = o.gamma_e * distance

        # beta L_sup, Equation 3: ||E(x) - c|| on labelled images, known factors only
        if o.beta > 0:
            distance = losses.code_distance(d.codes(features["labeled"]), batch["labeled_codes"], batch["labeled_mask"])
            result["discriminator/supervised"] = o.beta * distance

        # alpha L_sr, Equation 6: ||E(x~) - c~||
        if mixup is not None:
            distance = losses.code_distance(d.codes(features["mixup"]), mixup.codes, mixup.mask)
            result["discriminator/smoothness"] = o.alpha * distance
        return result

    def generator_losses(self, fake, codes, mixup, fade=None, encoded=None) -> dict[str, tf.Tensor]:
        """Computes the weighted terms of L^(G), Equation 7: {name: [B] or [L]}."""
        o, d = self.options, self.discriminator
        parts = {"fake": fake} if mixup is None else {"fake": fake, "mixup": mixup.images}
        if encoded is not None and o.gamma_g > 0:
            parts["encoded"] = encoded
        features = self._trunk_features(parts, fade)
        # L_GAN, in its non-saturating form: softplus(-D(G(z,c)))
        result = {"generator/adversarial": losses.generator_adversarial(d.realness(features["fake"]))}
        # gamma_G L_unsup, Equation 1
        if o.gamma_g > 0:
            distance = losses.code_distance(d.codes(features.get("encoded", features["fake"])), codes)
            result["generator/unsupervised"] = o.gamma_g * distance
        # alpha L_sr, Equation 6. It reaches G through the generated member of each MixUp pair.
        if mixup is not None:
            distance = losses.code_distance(d.codes(features["mixup"]), mixup.codes, mixup.mask)
            result["generator/smoothness"] = o.alpha * distance
        return result

    def _trunk_features(self, parts: dict[str, tf.Tensor], fade) -> dict[str, tf.Tensor]:
        """Runs the trunk once over several sets of images, and returns the features of each."""
        features = self.discriminator.trunk(tf.concat(list(parts.values()), axis=0), fade)  # [sum of sizes,4,4,C_4]
        sizes = [images.shape[0] for images in parts.values()]
        return dict(zip(parts, tf.split(features, sizes), strict=True))

    def _real_logits_and_r1(self, images, fade, take_r1):
        """Computes D(x) [B] and the weighted R1 penalty [B] (zeros on steps that skip it)."""
        o, d = self.options, self.discriminator
        # Entries of a gradient with norm 1 over n pixels are about 1 / sqrt(n), close to float16's smallest numbers.
        scale = math.sqrt(math.prod(images.shape[1:])) if o.network.precision == "mixed_float16" else None

        def with_penalty():
            with tf.GradientTape() as tape:
                tape.watch(images)
                logits = d.realness(d.trunk(images, fade))
                scaled = _scaled(logits, scale)
            # dD/dx as the gradient of the summed logits, as in official StyleGAN.
            gradients = tape.gradient(scaled, images)  # [B,r,r,C]
            if scale is not None:
                gradients /= scale
            # r1 / 2 * ||dD/dx||^2, n times as strong if taken at every n-th step only
            return logits, 0.5 * o.r1 * o.r1_interval * losses.r1_penalty(gradients)

        def without_penalty():
            logits = d.realness(d.trunk(images, fade))  # [B]
            return logits, tf.zeros_like(logits)

        # Decide now if possible, else by a branch in the graph.
        if o.r1 == 0:
            return without_penalty()
        if take_r1 is True:
            return with_penalty()
        return tf.cond(take_r1, with_penalty, without_penalty)


def generated_images(fake: tf.Tensor, mixup: MixUpBatch | None, encoded: tf.Tensor | None) -> list[tf.Tensor]:
    """Returns the images through which L^(G) reaches the generator; see `Objective` for the arguments."""
    return [images for images in (fake, None if mixup is None else mixup.images, encoded) if images is not None]


def _scaled(x: tf.Tensor, scale: tf.Tensor | float | None) -> tf.Tensor:
    return x if scale is None else scale * x
