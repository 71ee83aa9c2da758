"""Semi-StyleGAN (ICML 2020): a style generator with codes, and a discriminator that is an encoder too.

What the two are trained for is in objective.py; here is how: networks, draws, order, averages.
"""

import dataclasses
import functools

import tensorflow as tf

from ssgan_tf.core import losses
from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.core.priors import GridPrior, unnamed
from ssgan_tf.models import train_step as steps
from ssgan_tf.models.base import ExportNetworks, LossTrackers, TrainableModel
from ssgan_tf.models.progressive import fade_at, shrink
from ssgan_tf.models.semi_stylegan.objective import MixUpBatch, Objective, SemiStyleGANOptions
from ssgan_tf.networks.discriminator import Discriminator
from ssgan_tf.networks.style_generator import W_AVERAGE_DECAY, StyleGenerator, draw_crossovers, mix_styles


class SemiStyleGAN(TrainableModel):
    """The model that `fit` trains.

    Each step draws one generated batch. D/E takes its step on it first; then G, whose forward pass is kept, takes
    its step against the updated D/E.

    Batches are dicts: `image` [B,R,R,C] in [-1, 1]; and, unless both beta and alpha are 0, the separate labelled
    stream `labeled_image` [L,R,R,C], `labeled_codes` [L,K], `labeled_mask` [L,K] (1 where known), L <= B.

    Args:
        options: the objective.
        spec: the factors and their codes.
        seed: of all noise, codes and MixUp weights; they are a function of (seed, step).
        jit_compile: XLA compiles G's forward and backward pass and the gradients of both losses. Not the whole step,
            as Keras would: that fails under MirroredStrategy.
    """

    exported_weights = "the generator's moving average"

    def __init__(
        self,
        options: SemiStyleGANOptions,
        spec: CodeSpec,
        seed: int = 0,
        jit_compile: bool = False,
        name="semi_stylegan",
    ):
        super().__init__(seed, options.resolution, name)
        self.options = options
        self.spec = spec
        self.prior = GridPrior(spec if options.uses_labels else unnamed(spec))
        self.noise_size = options.network.noise_size
        self.generator = StyleGenerator(options.network, spec.size)
        self.ema_generator = StyleGenerator(options.network, spec.size, name="ema_generator")
        self.ema_generator.trainable = False
        self.ema_generator.set_weights(self.generator.get_weights())
        self.discriminator = Discriminator(options.network, spec.size)
        self.objective = Objective(options, self.discriminator)
        self.trackers = LossTrackers(self._logged_names())
        compiled = functools.partial(tf.function, jit_compile=True) if jit_compile else lambda function: function
        self._paint = compiled(self.paint)
        self._discriminator_gradients = compiled(self.objective.discriminator_gradients)
        self._generator_gradients = compiled(self.objective.generator_gradients)

    def _logged_names(self) -> list[str]:
        """The objective's terms, and both gradients' norms, which tell of one that is not finite as it appears.

        In float16 without norms: there such a gradient is part of finding the loss scale, and the step is left out.
        """
        if self.options.network.precision == "mixed_float16":
            return self.objective.names
        return [*self.objective.names, "discriminator/gradient_norm", "generator/gradient_norm"]

    def compile(self):
        """Makes both optimizers with all their slots; call it inside the strategy's scope."""
        o = self.options

        def adam(variables):
            optimizer = steps.make_adam(self, variables, o.beta_1, o.beta_2)
            if o.network.precision == "mixed_float16":
                optimizer = tf.keras.mixed_precision.LossScaleOptimizer(optimizer)
            return optimizer

        self.generator_optimizer = adam(self.generator.trainable_variables)
        self.discriminator_optimizer = adam(self.discriminator.trainable_variables)
        self.compile_with(self.discriminator_optimizer)

    @property
    def optimizers(self):
        return [self.generator_optimizer, self.discriminator_optimizer]

    def networks(self) -> dict[str, tf.keras.Model]:
        return {"generator": self.generator, "discriminator/encoder": self.discriminator}

    def checkpoint_items(self) -> dict[str, object]:
        """Everything that a resumed run needs. Random numbers and data are functions of (seed, step)."""
        return {
            "generator": self.generator,
            "ema_generator": self.ema_generator,
            "discriminator": self.discriminator,
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
            "step": self.step,
        }

    def sample(self, noise: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
        """The averaged generator's images, as large as they are at this stage: [B,Z], [B,K] -> [B,r,r,C]."""
        fade = fade_at(self.segment, self.step)
        return self.ema_generator((noise, codes), resolution=self.resolution, fade=fade)

    def generate(self, noise: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
        """The averaged generator's images, full-grown: [B,Z], [B,K] -> [B,R,R,C]."""
        return self.ema_generator((noise, codes))

    def encode(self, images: tf.Tensor) -> tf.Tensor:
        """E(x): [B,R,R,C] in [-1, 1] -> codes [B,K]."""
        return self.discriminator.encode(images)

    def realness(self, images: tf.Tensor) -> tf.Tensor:
        """D(x): [B,R,R,C] -> logits [B]."""
        return self.discriminator(images)[0]

    def export_networks(self) -> ExportNetworks:
        """What an export is made of: the averaged generator without noise inputs, and D/E as it sees an image alone."""
        network, generator = self.options.network, self.ema_generator
        # Realness shall not depend on the rest of a batch: minibatch stddev over groups of one image.
        judge = Discriminator(dataclasses.replace(network, stddev_group=1), self.spec.size)
        judge.set_weights(self.discriminator.get_weights())
        return ExportNetworks(
            mapping=lambda noise, codes: generator.mapping((noise, codes)),
            synthesis=generator.synthesis.call,
            truncate=generator.truncate,
            pyramid=judge.pyramid,
            codes=judge.codes,
            realness=judge.realness,
            style_size=network.style_size,
            style_layers=network.style_layers,
        )

    def train_step(self, batch):
        fade = fade_at(self.segment, self.step)
        batch = {k: shrink(v, self.resolution, fade) if k.endswith("image") else v for k, v in batch.items()}
        size = batch["image"].shape[0]
        noise_seed, code_seed, mix_seed, pixel_seed = steps.step_seeds(self.seed, self.step, 4)
        noise, codes = self._draw_noise(size, noise_seed), self._draw_codes(size, code_seed)
        second = self._draw_second_styles(size, noise_seed) if self.options.style_mixing > 0 else None
        with tf.GradientTape() as tape:
            fake, style = self._paint(  # [B,r,r,C], [W]
                noise, codes, second, self.resolution, fade, steps.seed_for_replica(pixel_seed)
            )
            mixed = self.mix(batch, fake, codes, mix_seed) if self.options.alpha > 0 else None
        d_terms, gradients = self._discriminator_gradients(
            batch, fake, codes, mixed, fade, self._takes_r1(), steps.loss_scale(self.discriminator_optimizer)
        )
        d_norm = steps.descend(gradients, self.discriminator.trainable_variables, self.discriminator_optimizer)
        # G's gradient in two parts, against the D/E of now: of its loss for its images, and of those for its weights.
        g_terms, gradients = self._generator_gradients(
            fake, codes, mixed, fade, steps.loss_scale(self.generator_optimizer)
        )
        images = [fake] if mixed is None else [fake, mixed.images]
        gradients = tape.gradient(images, self.generator.trainable_variables, output_gradients=gradients)
        g_norm = steps.descend(gradients, self.generator.trainable_variables, self.generator_optimizer)
        steps.update_average([self.generator.w_average], [steps.global_mean(style)], W_AVERAGE_DECAY)
        steps.update_average(
            self.ema_generator.variables, self.generator.variables, self._ema_decay(size * steps.replica_count())
        )
        self.step.assign_add(1)
        norms = {"discriminator/gradient_norm": d_norm, "generator/gradient_norm": g_norm}
        return self.trackers.update({**d_terms, **g_terms, **norms})

    def paint(self, noise, codes, second, resolution, fade, noise_seed) -> tuple[tf.Tensor, tf.Tensor]:
        """G's images [B,r,r,C] and the mean of their styles [W].

        Args:
            noise: z, [B,Z].
            codes: c, [B,K].
            second: for style mixing another z [B,Z], and the layer [B] from which on it gives the style; or None.
            resolution: r.
            fade: weight of the newest block; None is 1.
            noise_seed: of the noise inputs. XLA makes other numbers of it.
        """
        g = self.generator
        styles = w = g.mapping((noise, codes))
        if second is not None:
            styles = mix_styles(w, g.mapping((second[0], codes)), second[1], self.options.network.style_layers)
        return g.synthesis(styles, resolution, fade, noise_seed), tf.reduce_mean(w, axis=0)

    def mix(self, batch, fake, codes, seed) -> MixUpBatch:
        """MixUp of each labelled image with a generated one (eq. 5)."""
        size = batch["labeled_image"].shape[0]
        weights = steps.draw_for_replica(lambda n: losses.mixup_weights(n, self.options.xi, seed), size)
        # Partners from all over the batch: so they are the same however many replicas share it.
        every = fake.shape[0] // size
        fake, codes = fake[::every][:size], codes[::every][:size]
        images = losses.mix(weights, batch["labeled_image"], fake)
        # Where the real image's factor is unknown, so is the mixture's.
        return MixUpBatch(images, losses.mix(weights, batch["labeled_codes"], codes), batch["labeled_mask"])

    def _draw_noise(self, size, seed):
        width = self.options.network.noise_size
        return steps.draw_for_replica(lambda n: tf.random.stateless_normal([n, width], seed), size)

    def _draw_codes(self, size, seed):
        return steps.draw_for_replica(lambda n: self.spec.sample(n, seed), size)

    def _draw_second_styles(self, size, seed):
        """(z [B,Z], layer [B] from which on it is used), with other seeds than `seed` itself."""
        noise_seed, layer_seed = (tf.random.experimental.stateless_fold_in(seed, i) for i in range(2))
        layers_now = 2 * (1 + self.options.network.resolutions.index(self.resolution))
        share = self.options.style_mixing
        layers = steps.draw_for_replica(lambda n: draw_crossovers(n, layers_now, share, layer_seed), size)
        return self._draw_noise(size, noise_seed), layers

    def _takes_r1(self) -> tf.Tensor | bool:
        """Is this a step with the R1 penalty?"""
        return self.options.r1_interval == 1 or self.step % self.options.r1_interval == 0

    def _ema_decay(self, global_batch: int) -> float:
        if self.options.ema_half_life == 0:
            return 0.0
        return 0.5 ** (global_batch / self.options.ema_half_life)
