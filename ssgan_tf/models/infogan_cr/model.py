"""InfoGAN and InfoGAN-CR (Lin et al., ICML 2020): a GAN whose codes are read back, and told apart in pairs.

Source: spec of InfoGAN-CR 1. With c in [-1, 1]^K and noise z, both uniform:

G:    softplus(-D(G(z,c))) + lambda_G 0.5 ||Q(G(z,c)) - c||^2 + alpha CE(H(x1, x2), I)
D, Q: softplus(-D(x)) + softplus(D(G(z,c))) + lambda_D 0.5 ||Q(G(z,c)) - c||^2
H:    CE(H(x1, x2), I)

where x1 and x2 share z and code I. The published program takes log(sigmoid(D) + 1e-8); softplus is the same to 1e-4 for
logits within [-9, 9], and keeps its slope beyond.
"""

import functools
import math

import tensorflow as tf

from ssgan_tf.core import losses
from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.core.priors import UniformPrior
from ssgan_tf.models import train_step as steps
from ssgan_tf.models.base import ExportNetworks, LossTrackers, TrainableModel
from ssgan_tf.models.infogan_cr.options import InfoGANCROptions, Pairs, draw_pairs
from ssgan_tf.networks.conv_gan import ContrastiveDiscriminator, Discriminator, Generator, update_spectral_norm
from ssgan_tf.networks.normalization import BatchNormUpdate, apply_updates


class InfoGANCR(TrainableModel):
    """G, D with Q, and H. Of a batch only `image` [B,R,R,C] in [-1, 1] is used.

    Each step draws latents and pairs of them once. On these H takes a step, then D and Q, then G as often as
    generator_updates says, and at last the vectors of all spectral norms are renewed, once. Where the weight or the
    gap changes, H's trainable weights and its optimizer begin anew, as a function of (seed, event).

    G's pass for z is in training mode; so are the two for a pair while alpha is above 0, each a batch of its own to
    batch norm; before, they take the moving averages. Every pass in training mode moves these.

    On several replicas batch norm sees its replica's part of a batch, so that the result depends on how many there
    are; the moving averages are moved by the mean over replicas, once. All else is as on one device: draws, losses,
    spectral norm.

    Args:
        options: sizes, weights, schedule.
        spec: the data set's factors, which it learns nothing about.
        seed: of all latents and of H's later beginnings; they are a function of (seed, step).
        jit_compile: XLA compiles the gradients.
    """

    exported_weights = "those of the last step"

    def __init__(
        self,
        options: InfoGANCROptions,
        spec: CodeSpec,
        seed: int = 0,
        jit_compile: bool = False,
        name="infogan_cr",
    ):
        super().__init__(seed, options.resolution, name)
        o = self.options = options
        self.spec = spec
        self.prior = UniformPrior(o.codes)
        self.noise_size = o.noise_size
        self.generator = Generator(o.family, o.resolution, o.channels, o.noise_size + o.codes)
        self.discriminator = Discriminator(o.family, o.resolution, o.channels, o.codes)
        self.contrastive = ContrastiveDiscriminator(o.family, o.resolution, o.channels, o.codes)
        self.events = tf.Variable(
            0, trainable=False, dtype=tf.int64, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA, name="events"
        )
        self.trackers = LossTrackers(
            [
                "contrastive/cross_entropy",
                "contrastive/accuracy",
                "discriminator/adversarial",
                "discriminator/information",
                "generator/adversarial",
                "generator/information",
                "generator/contrastive",
                *[f"{network}/gradient_norm" for network in ("contrastive", "discriminator", "generator")],
            ]
        )
        compiled = functools.partial(tf.function, jit_compile=True) if jit_compile else lambda function: function
        self._contrastive_gradients = compiled(self.contrastive_gradients)
        self._discriminator_gradients = compiled(self.discriminator_gradients)
        self._generator_gradients = compiled(self.generator_gradients)

    def compile(self):
        """Makes the three optimizers with all their slots; call it inside the strategy's scope."""
        o = self.options

        def adam(network, factor):
            return steps.make_adam(self, network.trainable_variables, o.beta_1, o.beta_2, factor)

        self.generator_optimizer = adam(self.generator, 1.0)
        self.discriminator_optimizer = adam(self.discriminator, o.discriminator_rate)
        self.contrastive_optimizer = adam(self.contrastive, o.cr_rate)
        self.compile_with(self.generator_optimizer)

    @property
    def optimizers(self):
        return [self.generator_optimizer, self.discriminator_optimizer, self.contrastive_optimizer]

    def networks(self) -> dict[str, tf.keras.Model]:
        return {
            "generator": self.generator,
            "discriminator/encoder": self.discriminator,
            "contrastive": self.contrastive,
        }

    def checkpoint_items(self) -> dict[str, object]:
        return {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "contrastive": self.contrastive,
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
            "contrastive_optimizer": self.contrastive_optimizer,
            "step": self.step,
            "events": self.events,
        }

    def generate(self, noise: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
        """G's images by its moving averages: noise [B,Z] of N(0, 1), codes [B,K] -> [B,R,R,C]."""
        return self.generator(to_latents(noise, codes))

    sample = generate

    def encode(self, images: tf.Tensor) -> tf.Tensor:
        """Q's mean: [B,R,R,C] in [-1, 1] -> codes [B,K]."""
        return self.discriminator(images)[1]

    def realness(self, images: tf.Tensor) -> tf.Tensor:
        """D(x): [B,R,R,C] -> logits [B]."""
        return self.discriminator(images)[0]

    def export_networks(self) -> ExportNetworks:
        """What an export is made of. A style is what enters G: noise in [-1, 1], then codes."""
        judge = self.discriminator
        return ExportNetworks(
            mapping=to_latents,
            synthesis=lambda styles: self.generator(styles[:, 0]),
            truncate=lambda style, psi: (psi * style)[:, None],
            pyramid=judge.pyramid,
            codes=judge.codes,
            realness=judge.realness,
            style_size=self.noise_size + self.options.codes,
            style_layers=1,
        )

    def train_step(self, batch):
        images, o = batch["image"], self.options
        seen = self.segment.images(self.step)  # before this step
        self._reinitialize(seen)
        alpha = o.schedule.alpha_at(seen)
        latents, codes, pairs = self.draw(images.shape[0], o.schedule.gap_at(seen))

        h_terms, gradients, passes = self._contrastive_gradients(pairs, alpha)
        h_norm = steps.descend(gradients, self.contrastive.trainable_variables, self.contrastive_optimizer)
        self._move_averages(passes)
        d_terms, gradients, passes = self._discriminator_gradients(images, latents, codes)
        d_norm = steps.descend(gradients, self.discriminator.trainable_variables, self.discriminator_optimizer)
        self._move_averages(passes)
        for _ in range(o.generator_updates):  # the last one's terms are logged
            g_terms, gradients, passes = self._generator_gradients(latents, codes, pairs, alpha)
            g_norm = steps.descend(gradients, self.generator.trainable_variables, self.generator_optimizer)
            self._move_averages(passes)
        update_spectral_norm(self.discriminator)
        update_spectral_norm(self.contrastive)
        self.step.assign_add(1)
        norms = {"contrastive": h_norm, "discriminator": d_norm, "generator": g_norm}
        norms = {f"{name}/gradient_norm": norm for name, norm in norms.items()}
        return self.trackers.update({**h_terms, **d_terms, **g_terms, **norms})

    def draw(self, size: int, gap: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, Pairs]:
        """What this step is made of: latents [B,Z + K], their codes [B,K], and pairs; this replica's rows of each."""
        o = self.options
        noise_seed, code_seed, pair_seed = steps.step_seeds(self.seed, self.step, 3)
        noise = steps.draw_for_replica(
            lambda n: tf.random.stateless_uniform([n, o.noise_size], noise_seed, -1.0, 1.0), size
        )
        codes = steps.draw_for_replica(lambda n: self.prior.sample(n, code_seed), size)

        def part(i):
            return steps.draw_for_replica(lambda n: draw_pairs(n, o.codes, o.noise_size, gap, pair_seed)[i], size)

        return tf.concat([noise, codes], axis=1), codes, Pairs(*map(part, range(len(Pairs._fields))))

    def contrastive_gradients(
        self, pairs: Pairs, alpha: tf.Tensor
    ) -> tuple[dict, list[tf.Tensor], list[BatchNormUpdate]]:
        """H's terms [B], the gradient for its trainable variables, and the moments of G's passes."""
        images, passes = tf.cond(alpha > 1e-8, lambda: self.paint_pairs(pairs), lambda: self.paint_pairs(pairs, False))
        with tf.GradientTape() as tape:
            logits = self.contrastive(images)
            entropy = _cross_entropy(logits, pairs.shared)
            loss = steps.total_loss({"contrastive/cross_entropy": entropy})
        hits = tf.cast(tf.argmax(logits, axis=1, output_type=tf.int32) == pairs.shared, tf.float32)
        terms = {"contrastive/cross_entropy": entropy, "contrastive/accuracy": hits}
        return terms, tape.gradient(loss, self.contrastive.trainable_variables), passes

    def discriminator_gradients(self, images, latents, codes) -> tuple[dict, list[tf.Tensor], list[BatchNormUpdate]]:
        """D and Q's weighted terms [B], the gradient for their trainable variables, and the moments of G's pass."""
        fake, own = self.paint(latents)
        with tf.GradientTape() as tape:
            logits, found = self.discriminator(tf.concat([images, fake], axis=0))
            real, generated = tf.split(logits, 2)
            terms = {
                "discriminator/adversarial": losses.discriminator_adversarial(real, generated),
                "discriminator/information": self.options.lambda_d * information(tf.split(found, 2)[1], codes),
            }
            loss = steps.total_loss(terms)
        return terms, tape.gradient(loss, self.discriminator.trainable_variables), [own]

    def generator_gradients(self, latents, codes, pairs, alpha) -> tuple[dict, list[tf.Tensor], list[BatchNormUpdate]]:
        """G's weighted terms [B], the gradient for its trainable variables, and the moments of its passes."""

        def contrast():
            images, passes = self.paint_pairs(pairs)
            return _cross_entropy(self.contrastive(images), pairs.shared), passes

        def nothing():
            still = BatchNormUpdate([tf.identity(average) for average in self.generator.averages], tf.constant(0.0))
            return tf.zeros_like(latents[:, 0]), [still, still]

        with tf.GradientTape() as tape:
            fake, own = self.paint(latents)
            logits, found = self.discriminator(fake)
            entropy, passes = tf.cond(alpha > 1e-8, contrast, nothing)
            terms = {
                "generator/adversarial": losses.generator_adversarial(logits),
                "generator/information": self.options.lambda_g * information(found, codes),
                "generator/contrastive": alpha * entropy,
            }
            loss = steps.total_loss(terms)
        return terms, tape.gradient(loss, self.generator.trainable_variables), [own, *passes]

    def paint(self, latents: tf.Tensor, training: bool = True) -> tuple[tf.Tensor, BatchNormUpdate]:
        """Images [B,R,R,C] of latents [B,Z + K], and what batch norm saw."""
        images, moments = self.generator.paint(latents, training)
        return images, BatchNormUpdate(moments, tf.constant(float(training)))

    def paint_pairs(self, pairs: Pairs, training: bool = True) -> tuple[tf.Tensor, list[BatchNormUpdate]]:
        """Both images of each pair, one behind the other [B,R,R,2C], and the two passes."""
        first, second = (
            self.paint(tf.concat([pairs.noise, codes], axis=1), training) for codes in (pairs.first, pairs.second)
        )
        return tf.concat([first[0], second[0]], axis=-1), [first[1], second[1]]

    def _move_averages(self, passes: list[BatchNormUpdate]) -> None:
        """Moves G's moving averages as these passes do; by the mean over replicas, once."""
        averages = self.generator.averages
        values = apply_updates(averages, passes)
        steps.update_each(averages, [steps.global_mean(value) for value in values], _assign)

    def _reinitialize(self, seen: tf.Tensor) -> None:
        """At an event that was not met yet H's trainable weights and optimizer are as if it had just been made."""
        schedule = self.options.schedule
        if not schedule.moments:
            return
        passed = schedule.passed(seen)
        weights, state = self.contrastive.trainable_variables, self.contrastive_optimizer.variables
        variables = [*weights, *state]
        seed = tf.random.experimental.stateless_fold_in(tf.constant([self.seed, 1], tf.int32), passed)
        values = tf.cond(
            passed > self.events,
            lambda: [*self.contrastive.initial_weights(seed), *[tf.zeros_like(v) for v in state]],
            lambda: [tf.identity(v) for v in variables],
        )
        steps.update_each(variables, values, _assign)
        self.events.assign(passed)


def to_latents(noise: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
    """Noise [B,Z] of N(0, 1), which becomes uniform in [-1, 1] (2 Phi - 1), and codes [B,K] -> [B,Z + K]."""
    return tf.concat([tf.math.erf(noise / math.sqrt(2.0)), codes], axis=1)


def information(found: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
    """-log N(c; Q(x), 1) without its constant: 0.5 ||Q(x) - c||^2. [B,K], [B,K] -> [B]."""
    return 0.5 * tf.reduce_sum(tf.square(found - codes), axis=1)


def _cross_entropy(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def _assign(variable: tf.Variable, value: tf.Tensor) -> object:
    return variable.assign(value)
