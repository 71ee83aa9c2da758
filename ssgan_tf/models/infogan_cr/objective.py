"""Objective of InfoGAN-CR (Lin et al., ICML 2020, arXiv 1906.06034): terms and their gradients.

With c in [-1, 1]^K and noise z, both uniform, each network minimises

    G:    softplus(-D(G(z,c))) + lambda_G 0.5 ||Q(G(z,c)) - c||^2 + alpha CE(H(x1, x2), I)
    D, Q: softplus(-D(x)) + softplus(D(G(z,c))) + lambda_D 0.5 ||Q(G(z,c)) - c||^2
    H:    CE(H(x1, x2), I)

where x1 and x2 share z and code I, and CE is the cross-entropy. The authors' code (fjxmlzn/InfoGAN-CR) has
-log(sigmoid(D) + 1e-8) instead of softplus(-D). Both agree to 1e-4 for logits within [-9, 9]; beyond, softplus keeps
its slope.
"""

import tensorflow as tf

from ssgan_tf.core import losses
from ssgan_tf.models import train_step
from ssgan_tf.models.infogan_cr.options import InfoGANCROptions, Pairs
from ssgan_tf.networks.conv_gan import ContrastiveDiscriminator, Discriminator, Generator
from ssgan_tf.networks.normalization import BatchNormUpdate


class Objective:
    """The losses on one replica's part of a batch: terms, and gradients to be summed over replicas.

    Arguments shared by several methods:
        latents: Noise and codes [B,Z + K].
        codes: The codes in `latents`, [B,K].
        pairs: Latents of pairs of images.
        alpha: Weight of the contrastive loss in G's loss.

    Args:
        options: Weights of the terms.
        generator: G.
        discriminator: D and Q.
        contrastive: H.
    """

    def __init__(
        self,
        options: InfoGANCROptions,
        generator: Generator,
        discriminator: Discriminator,
        contrastive: ContrastiveDiscriminator,
    ):
        self.options = options
        self.generator = generator
        self.discriminator = discriminator
        self.contrastive = contrastive

    def contrastive_gradients(
        self, pairs: Pairs, alpha: tf.Tensor
    ) -> tuple[dict, list[tf.Tensor], list[BatchNormUpdate]]:
        """Computes H's terms [B], the gradients of its trainable variables, and the moments of G's passes."""
        # While alpha is 0, G does not train on pairs, and its batch norm uses the moving averages for them.
        images, passes = tf.cond(
            alpha > 1e-8,
            lambda: self.generate_pairs(pairs, training=True),
            lambda: self.generate_pairs(pairs, training=False),
        )
        with tf.GradientTape() as tape:
            # CE(H(x1, x2), I)
            logits = self.contrastive(images)  # [B,K]
            entropy = _cross_entropy(logits, pairs.shared)
            loss = train_step.total_loss({"contrastive/cross_entropy": entropy})
        correct = tf.cast(tf.argmax(logits, axis=1, output_type=tf.int32) == pairs.shared, tf.float32)
        terms = {"contrastive/cross_entropy": entropy, "contrastive/accuracy": correct}
        return terms, tape.gradient(loss, self.contrastive.trainable_variables), passes

    def discriminator_gradients(self, images, latents, codes) -> tuple[dict, list[tf.Tensor], list[BatchNormUpdate]]:
        """Computes D and Q's weighted terms [B], the gradients of their variables, and the moments of G's pass."""
        fake, update = self.generate_batch(latents)
        with tf.GradientTape() as tape:
            # One pass over real and generated images; Q's loss is on the generated ones.
            logits, predicted = self.discriminator(tf.concat([images, fake], axis=0))  # [2B], [2B,K]
            real_logits, fake_logits = tf.split(logits, 2)
            terms = {
                # softplus(-D(x)) + softplus(D(G(z,c)))
                "discriminator/adversarial": losses.discriminator_adversarial(real_logits, fake_logits),
                # lambda_D 0.5 ||Q(G(z,c)) - c||^2
                "discriminator/information": self.options.lambda_d * information_loss(tf.split(predicted, 2)[1], codes),
            }
            loss = train_step.total_loss(terms)
        return terms, tape.gradient(loss, self.discriminator.trainable_variables), [update]

    def generator_gradients(self, latents, codes, pairs, alpha) -> tuple[dict, list[tf.Tensor], list[BatchNormUpdate]]:
        """Computes G's weighted terms [B], the gradients of its trainable variables, and the moments of its passes."""

        def contrast():
            images, passes = self.generate_pairs(pairs)
            return _cross_entropy(self.contrastive(images), pairs.shared), passes

        # Without a contrastive loss: zeros, and two passes that leave the moving averages unchanged.
        def nothing():
            averages = [tf.identity(average) for average in self.generator.moving_averages]
            unchanged = BatchNormUpdate(averages, tf.constant(0.0))
            return tf.zeros_like(latents[:, 0]), [unchanged, unchanged]

        with tf.GradientTape() as tape:
            fake, update = self.generate_batch(latents)
            logits, predicted = self.discriminator(fake)  # [B], [B,K]
            entropy, passes = tf.cond(alpha > 1e-8, contrast, nothing)
            terms = {
                # softplus(-D(G(z,c)))
                "generator/adversarial": losses.generator_adversarial(logits),
                # lambda_G 0.5 ||Q(G(z,c)) - c||^2
                "generator/information": self.options.lambda_g * information_loss(predicted, codes),
                # alpha CE(H(x1, x2), I): G and H cooperate, both minimise it.
                "generator/contrastive": alpha * entropy,
            }
            loss = train_step.total_loss(terms)
        return terms, tape.gradient(loss, self.generator.trainable_variables), [update, *passes]

    def generate_batch(self, latents: tf.Tensor, training: bool = True) -> tuple[tf.Tensor, BatchNormUpdate]:
        """Generates images [B,R,R,C] from latents [B,Z + K], and returns the moments that batch norm used."""
        images, moments = self.generator.generate(latents, training)
        return images, BatchNormUpdate(moments, tf.constant(float(training)))

    def generate_pairs(self, pairs: Pairs, training: bool = True) -> tuple[tf.Tensor, list[BatchNormUpdate]]:
        """Generates both images of each pair, concatenated along channels [B,R,R,2C]; returns both passes' moments."""
        # Batch norm treats each half as a separate batch.
        first, second = (
            self.generate_batch(tf.concat([pairs.noise, codes], axis=1), training)
            for codes in (pairs.first, pairs.second)
        )
        return tf.concat([first[0], second[0]], axis=-1), [first[1], second[1]]


def information_loss(predicted: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
    """Negative log-likelihood -log N(c; Q(x), 1) without its constant: 0.5 ||Q(x) - c||^2. [B,K], [B,K] -> [B]."""
    return 0.5 * tf.reduce_sum(tf.square(predicted - codes), axis=1)


def _cross_entropy(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
