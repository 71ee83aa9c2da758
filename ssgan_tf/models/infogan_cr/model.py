"""InfoGAN and InfoGAN-CR (ICML 2020, arXiv 1906.06034): GANs whose codes can be recovered from their images.

Source: the authors' code (fjxmlzn/InfoGAN-CR). objective.py defines the losses; this module has the networks, the
training step, the moving averages of batch norm, and the events of the schedule.
"""

import functools
import math

import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.core.priors import UniformPrior
from ssgan_tf.models import train_step
from ssgan_tf.models.base import ExportNetworks, LossTrackers, TrainableModel
from ssgan_tf.models.infogan_cr.objective import Objective
from ssgan_tf.models.infogan_cr.options import InfoGANCROptions, Pairs, sample_pairs
from ssgan_tf.networks.conv_gan import ContrastiveDiscriminator, Discriminator, Generator, update_spectral_norm
from ssgan_tf.networks.normalization import BatchNormUpdate, apply_updates


class InfoGANCR(TrainableModel):
    """InfoGAN-CR: a generator G, a discriminator D with a code head Q, and a contrastive discriminator H.

    Batches are dicts, of which only `image` [B,R,R,C] in [-1, 1] is used.

    Each step samples latents, and pairs of latents, once. On these H takes a step, then D and Q take one, then G takes
    `generator_updates` steps. Finally the vectors of all spectral norms are updated once. When the weight or the gap of
    the contrastive loss changes, H's trainable weights and its optimizer are reinitialised.

    G's pass for single images is in training mode. So are its two passes for pairs while alpha is above 0, with
    separate batch norm statistics; while it is 0, they use the moving averages. Each pass in training mode updates the
    moving averages.

    With several replicas, batch norm sees only its replica's part of a batch, so results depend on their number; the
    moving averages are updated by the mean over replicas. Samples, losses and spectral norm are as on one device.

    Args:
        options: Sizes, weights and schedule.
        spec: Factors of the data set, not used.
        seed: Seed of all latents, functions of (seed, step), and of H's new weights, functions of (seed, event).
        jit_compile: Whether to compile the gradients with XLA.
    """

    exported_weights = "the weights of the last step"

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

        # Networks, and the number of schedule events that have taken place.
        self.generator = Generator(o.family, o.resolution, o.channels, o.noise_size + o.codes)
        self.discriminator = Discriminator(o.family, o.resolution, o.channels, o.codes)
        self.contrastive = ContrastiveDiscriminator(o.family, o.resolution, o.channels, o.codes)
        self.events = tf.Variable(
            0, trainable=False, dtype=tf.int64, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA, name="events"
        )
        self.objective = Objective(options, self.generator, self.discriminator, self.contrastive)
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

        # The parts of the step that XLA can compile.
        compiled = functools.partial(train_step.compiled, jit_compile=jit_compile)
        self._contrastive_gradients = compiled(self.objective.contrastive_gradients)
        self._discriminator_gradients = compiled(self.objective.discriminator_gradients)
        self._generator_gradients = compiled(self.objective.generator_gradients)

    def compile(self):
        """Makes the three optimizers with all their slots. Call it inside the strategy's scope."""
        o = self.options

        def adam(network, factor):
            return train_step.make_adam(self, network.trainable_variables, o.beta_1, o.beta_2, factor)

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
        """Generates images with G's moving averages: noise [B,Z] from N(0, 1), codes [B,K] -> [B,R,R,C]."""
        return self.generator(to_latents(noise, codes))

    sample = generate

    def encode(self, images: tf.Tensor) -> tf.Tensor:
        """Encodes images [B,R,R,C] in [-1, 1] to codes [B,K], Q's mean."""
        return self.discriminator(images)[1]

    def realness(self, images: tf.Tensor) -> tf.Tensor:
        """D(x): computes the logits [B] of images [B,R,R,C]."""
        return self.discriminator(images)[0]

    def export_networks(self) -> ExportNetworks:
        """Returns the networks to export. A style is G's input: noise in [-1, 1] followed by codes."""
        encoder = self.discriminator
        return ExportNetworks(
            mapping=to_latents,
            synthesis=lambda styles: self.generator(styles[:, 0]),
            truncate=lambda style, psi: (psi * style)[:, None],
            pyramid=encoder.pyramid,
            codes=encoder.codes,
            realness=encoder.realness,
            style_size=self.noise_size + self.options.codes,
            style_layers=1,
        )

    @tf.autograph.experimental.do_not_convert  # its control flow is TensorFlow's; conversion takes seconds
    def train_step(self, batch):
        train_step.check_batch(batch, ["image"])
        images, o = batch["image"], self.options

        # Schedule: reinitialise H if an event has taken place; find alpha and the gap of this step.
        seen = self.segment.images(self.step)  # before this step
        self._reinitialize(seen)
        alpha = o.schedule.alpha_at(seen)
        # Sample once; all networks train on the same latents.
        latents, codes, pairs = self.sample_inputs(images.shape[0], o.schedule.gap_at(seen))

        # Contrastive discriminator step.
        h_terms, gradients, passes = self._contrastive_gradients(pairs, alpha)
        h_norm = train_step.apply_gradients(gradients, self.contrastive.trainable_variables, self.contrastive_optimizer)
        self._update_moving_averages(passes)

        # Discriminator and Q step.
        d_terms, gradients, passes = self._discriminator_gradients(images, latents, codes)
        variables = self.discriminator.trainable_variables
        d_norm = train_step.apply_gradients(gradients, variables, self.discriminator_optimizer)
        self._update_moving_averages(passes)

        # Generator steps on the same samples; the terms of the last one are logged.
        for _ in range(o.generator_updates):
            g_terms, gradients, passes = self._generator_gradients(latents, codes, pairs, alpha)
            g_norm = train_step.apply_gradients(gradients, self.generator.trainable_variables, self.generator_optimizer)
            self._update_moving_averages(passes)

        # Spectral norm: one power iteration per step, on the new weights.
        update_spectral_norm(self.discriminator)
        update_spectral_norm(self.contrastive)
        self.step.assign_add(1)
        norms = {"contrastive": h_norm, "discriminator": d_norm, "generator": g_norm}
        norms = {f"{name}/gradient_norm": norm for name, norm in norms.items()}
        return self.trackers.update({**h_terms, **d_terms, **g_terms, **norms})

    def sample_inputs(self, size: int, gap: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, Pairs]:
        """Samples this replica's latents [B,Z + K], their codes [B,K], and pairs for this step."""
        o = self.options
        noise_seed, code_seed, pair_seed = train_step.step_seeds(self.seed, self.step, 3)
        noise = train_step.sample_for_replica(
            lambda n: tf.random.stateless_uniform([n, o.noise_size], noise_seed, -1.0, 1.0), size
        )
        codes = train_step.sample_for_replica(lambda n: self.prior.sample(n, code_seed), size)

        # The fields of the pairs are taken one by one: `sample_for_replica` takes the rows of a single tensor.
        def pair_field(i):
            return train_step.sample_for_replica(
                lambda n: sample_pairs(n, o.codes, o.noise_size, gap, pair_seed)[i], size
            )

        return tf.concat([noise, codes], axis=1), codes, Pairs(*map(pair_field, range(len(Pairs._fields))))

    def _update_moving_averages(self, passes: list[BatchNormUpdate]) -> None:
        """Updates G's moving averages with these passes, averaged over replicas."""
        averages = self.generator.moving_averages
        # Each replica has the moments of its part of the batch.
        values = apply_updates(averages, passes)
        train_step.update_each(averages, [train_step.global_mean(value) for value in values], _assign)

    def _reinitialize(self, seen: tf.Tensor) -> None:
        """Reinitialises H's trainable weights and its optimizer if an event has taken place since the last step."""
        schedule = self.options.schedule
        if not schedule.event_images:
            return
        events = schedule.count_events(seen)
        weights, state = self.contrastive.trainable_variables, self.contrastive_optimizer.variables
        variables = [*weights, *state]
        # The new weights are a function of (seed, event).
        seed = tf.random.experimental.stateless_fold_in(tf.constant([self.seed, 1], tf.int32), events)
        values = tf.cond(
            events > self.events,
            lambda: [*self.contrastive.initial_weights(seed), *[tf.zeros_like(v) for v in state]],
            lambda: [tf.identity(v) for v in variables],
        )
        train_step.update_each(variables, values, _assign)
        self.events.assign(events)


def to_latents(noise: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
    """Concatenates noise [B,Z], mapped from N(0, 1) to uniform in [-1, 1], and codes [B,K] to latents [B,Z + K]."""
    # 2 Phi(z) - 1 = erf(z / sqrt(2))
    return tf.concat([tf.math.erf(noise / math.sqrt(2.0)), codes], axis=1)


def _assign(variable: tf.Variable, value: tf.Tensor) -> object:
    return variable.assign(value)
