"""Semi-StyleGAN (ICML 2020, arXiv 2003.03461): a style generator with codes, and a discriminator that also encodes.

objective.py defines the losses; this module has the networks, the training step and the moving averages.
"""

import dataclasses
import functools

import tensorflow as tf

from ssgan_tf.core import losses
from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.core.priors import GridPrior, latent_spec
from ssgan_tf.models import train_step
from ssgan_tf.models.augmentation import augment_generated, augment_real
from ssgan_tf.models.base import ExportNetworks, LossTrackers, TrainableModel
from ssgan_tf.models.mixup import mix_neighbours
from ssgan_tf.models.progressive import fade_at, shrink
from ssgan_tf.models.semi_stylegan.objective import MixUpBatch, Objective, SemiStyleGANOptions, generated_images
from ssgan_tf.networks.discriminator import Discriminator
from ssgan_tf.networks.style_generator import W_AVERAGE_DECAY, StyleGenerator, mix_styles, sample_crossovers


class SemiStyleGAN(TrainableModel):
    """Semi-StyleGAN as a Keras model: call `compile()`, then `fit` on batches.

    Each step generates one batch of images. D/E takes its step on them first. Then G takes its step against the updated
    D/E, reusing its forward pass.

    Batches are dicts of float32: `image` [B,R,R,C] in [-1, 1] and, unless both beta and alpha are 0, a separate stream
    of labelled images: `labeled_image` [L,R,R,C], `labeled_codes` [L,K] and `labeled_mask` [L,K] (1 where known), with
    L <= B. All batches have the same size.

    Args:
        options: Networks, objective and optimizers.
        spec: Factors and their codes.
        seed: Seed of all noise, codes and MixUp weights, which are functions of (seed, step).
        jit_compile: Whether to compile G's forward and backward pass and the gradients of both losses with XLA. The
            whole step, which Keras would compile, fails under MirroredStrategy.

    Example (complete in docs/python.md):

        spec = CodeSpec((FactorSpec("hue", 10), FactorSpec("angle", 15)))
        model = SemiStyleGAN(SemiStyleGANOptions(), spec)
        model.compile()
        model.fit(batches, steps_per_epoch=1000, epochs=10)
        codes = model.encode(images)
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
        self.prior = GridPrior(spec if options.uses_labels else latent_spec(spec))
        self.noise_size = options.network.noise_size

        # Networks. The averaged generator starts from the generator's weights.
        self.generator = StyleGenerator(options.network, spec.size)
        self.ema_generator = StyleGenerator(options.network, spec.size, name="ema_generator")
        self.ema_generator.trainable = False
        self.ema_generator.set_weights(self.generator.get_weights())
        self.discriminator = Discriminator(options.network, spec.size)
        self.objective = Objective(options, self.discriminator)
        self.trackers = LossTrackers(self._logged_names())

        # The parts of the step that XLA can compile: no sampling and no optimizer.
        compiled = functools.partial(train_step.compiled, jit_compile=jit_compile)
        self._generate_batch = compiled(self.generate_batch)
        self._discriminator_gradients = compiled(self.objective.discriminator_gradients)
        self._generator_gradients = compiled(self.objective.generator_gradients)

    def _logged_names(self) -> list[str]:
        """Returns the names of the objective's terms and of both gradient norms, which show when one is not finite."""
        # In float16 such gradients occur while the loss scale is found, and their steps are skipped: log no norms.
        if self.options.network.precision == "mixed_float16":
            return self.objective.names
        return [*self.objective.names, "discriminator/gradient_norm", "generator/gradient_norm"]

    def compile(self):
        """Makes both optimizers with all their slots. Call it inside the strategy's scope."""
        o = self.options

        def adam(variables):
            optimizer = train_step.make_adam(self, variables, o.beta_1, o.beta_2)
            # Only float16 needs loss scaling: bfloat16 has the range of float32.
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
        """Returns everything that a resumed run needs. Random numbers and data are functions of (seed, step)."""
        return {
            "generator": self.generator,
            "ema_generator": self.ema_generator,
            "discriminator": self.discriminator,
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
            "step": self.step,
        }

    def sample(self, noise: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
        """Generates images with the averaged generator at the current resolution: [B,Z], [B,K] -> [B,r,r,C]."""
        fade = fade_at(self.segment, self.step)
        return self.ema_generator((noise, codes), resolution=self.resolution, fade=fade)

    def generate(self, noise: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
        """Generates images with the averaged generator at full resolution: [B,Z], [B,K] -> [B,R,R,C]."""
        return self.ema_generator((noise, codes))

    def encode(self, images: tf.Tensor) -> tf.Tensor:
        """E(x): encodes images [B,R,R,C] in [-1, 1] to codes [B,K]."""
        return self.discriminator.encode(images)

    def trunk_features(self, images: tf.Tensor) -> tf.Tensor:
        """Returns the input of the code head's last layer, [B,C_2], for images [B,R,R,C] in [-1, 1]."""
        return self.discriminator.code_features(self.discriminator.trunk(images))

    def realness(self, images: tf.Tensor) -> tf.Tensor:
        """D(x): computes the logits [B] of images [B,R,R,C]."""
        return self.discriminator(images)[0]

    def export_networks(self) -> ExportNetworks:
        """Returns the averaged generator without noise inputs, and a D/E that treats each image alone."""
        network, generator = self.options.network, self.ema_generator
        # Minibatch stddev over groups of one image, so that realness does not depend on the rest of the batch.
        encoder = Discriminator(dataclasses.replace(network, stddev_group=1), self.spec.size)
        encoder.set_weights(self.discriminator.get_weights())
        return ExportNetworks(
            mapping=lambda noise, codes: generator.mapping((noise, codes)),
            synthesis=generator.synthesis.call,
            truncate=generator.truncate,
            pyramid=encoder.pyramid,
            codes=encoder.codes,
            realness=encoder.realness,
            style_size=network.style_size,
            style_layers=network.style_layers,
        )

    @tf.autograph.experimental.do_not_convert  # its control flow is TensorFlow's; conversion takes seconds
    def train_step(self, batch):
        # Reduce real images to the current resolution, faded in as far as generated ones.
        train_step.check_batch(batch, ("image", *train_step.LABELED) if self.options.uses_labels else ("image",))
        fade = fade_at(self.segment, self.step)
        batch = {k: shrink(v, self.resolution, fade) if k.endswith("image") else v for k, v in batch.items()}
        size = batch["image"].shape[0]  # B of this replica

        # Sample z and c, and a second z for style mixing.
        noise_seed, code_seed, mixup_seed, pixel_seed = train_step.step_seeds(self.seed, self.step, 4)
        noise, codes = self._sample_noise(size, noise_seed), self._sample_codes(size, code_seed)  # [B,Z], [B,K]
        second = self._sample_second_styles(size, noise_seed) if self.options.style_mixing > 0 else None

        # Generate once, and augment what D and E see; the tape keeps the forward pass for G's step.
        batch = augment_real(self.options.augment, batch, code_seed)
        with tf.GradientTape() as tape:
            fake, style = self._generate_batch(  # [B,r,r,C], [W]
                noise, codes, second, self.resolution, fade, train_step.seed_for_replica(pixel_seed)
            )
            fake, encoded = augment_generated(self.options.augment, fake, code_seed)
            known = fake if encoded is None else encoded
            mixup = self.mixup(batch, known, codes, mixup_seed) if self.options.alpha > 0 else None
        generated_mixup = mixup if self.options.generator_alpha > 0 else None

        # Discriminator/encoder step: minimise L^(D,E) of Equation 7.
        d_terms, gradients = self._discriminator_gradients(
            batch, fake, codes, mixup, fade, self._takes_r1(),
            train_step.loss_scale(self.discriminator_optimizer), encoded,
        )  # fmt: skip
        variables = self.discriminator.trainable_variables
        d_norm = train_step.apply_gradients(gradients, variables, self.discriminator_optimizer)

        # Generator step: minimise L^(G) of Equation 7 against the updated D/E. First the gradient of the loss with
        # respect to the images, then, by the chain rule, with respect to G's weights.
        g_terms, gradients = self._generator_gradients(
            fake, codes, generated_mixup, fade, train_step.loss_scale(self.generator_optimizer), encoded
        )
        images = generated_images(fake, generated_mixup, encoded)
        gradients = tape.gradient(images, self.generator.trainable_variables, output_gradients=gradients)
        g_norm = train_step.apply_gradients(gradients, self.generator.trainable_variables, self.generator_optimizer)

        self._update_moving_averages(style, size * train_step.replica_count())
        self.step.assign_add(1)
        norms = {"discriminator/gradient_norm": d_norm, "generator/gradient_norm": g_norm}
        return self.trackers.update({**d_terms, **g_terms, **norms})

    def generate_batch(self, noise, codes, second, resolution, fade, noise_seed) -> tuple[tf.Tensor, tf.Tensor]:
        """Generates images [B,r,r,C] with G; also returns the mean of their styles [W].

        Args:
            noise: z, [B,Z].
            codes: c, [B,K].
            second: For style mixing, another z [B,Z] and the first layer [B] that it styles; None without mixing.
            resolution: Resolution r.
            fade: Weight of the newest block; None means 1.
            noise_seed: Seed of the noise inputs. XLA generates different numbers from the same seed.
        """
        g = self.generator
        styles = w = g.mapping((noise, codes))  # [B,W]
        # Both styles have the same code: the encoder could recover neither of two codes in one image.
        if second is not None:
            styles = mix_styles(w, g.mapping((second[0], codes)), second[1], self.options.network.style_layers)
        return g.synthesis(styles, resolution, fade, noise_seed), tf.reduce_mean(w, axis=0)

    def mixup(self, batch, fake, codes, seed) -> MixUpBatch:
        """Mixes each labelled image (x, c) with a generated or with another labelled one (x', c'), Equation 5."""
        if self.options.mixup_partner == "labeled":
            images, codes, mask = (batch[name] for name in train_step.LABELED)
            return MixUpBatch(*mix_neighbours(images, codes, mask, self.options.xi, seed))
        size = batch["labeled_image"].shape[0]
        if size > fake.shape[0]:
            raise ValueError(f"labeled_image: expected at most {fake.shape[0]} rows, as in `image`. Received: {size}.")
        # lambda' = max(lambda, 1 - lambda), lambda ~ Beta(xi, xi)
        weights = train_step.sample_for_replica(lambda n: losses.mixup_weights(n, self.options.xi, seed), size)
        # Partners are evenly spaced in the batch, so that they are the same for any number of replicas.
        stride = fake.shape[0] // size
        fake, codes = fake[::stride][:size], codes[::stride][:size]  # [L,r,r,C], [L,K]
        # x~ = lambda' x + (1 - lambda') x',  c~ = lambda' c + (1 - lambda') c'
        images = losses.mixup(weights, batch["labeled_image"], fake)
        # A factor that is unknown in the real image is unknown in the mixture.
        return MixUpBatch(images, losses.mixup(weights, batch["labeled_codes"], codes), batch["labeled_mask"])

    def _sample_noise(self, size, seed):
        width = self.options.network.noise_size
        return train_step.sample_for_replica(lambda n: tf.random.stateless_normal([n, width], seed), size)

    def _sample_codes(self, size, seed):
        return train_step.sample_for_replica(lambda n: self.spec.sample(n, seed), size)

    def _sample_second_styles(self, size, seed):
        """Samples z [B,Z] and the first layer [B] that uses it, with seeds other than `seed` itself."""
        noise_seed, layer_seed = (tf.random.experimental.stateless_fold_in(seed, i) for i in range(2))
        # Crossovers lie within the layers of the current resolution.
        layers_now = 2 * (1 + self.options.network.resolutions.index(self.resolution))
        probability = self.options.style_mixing
        layers = train_step.sample_for_replica(
            lambda n: sample_crossovers(n, layers_now, probability, layer_seed), size
        )
        return self._sample_noise(size, noise_seed), layers

    def _takes_r1(self) -> tf.Tensor | bool:
        """Returns True on steps with the R1 penalty; a Python bool if that is every step."""
        return self.options.r1_interval == 1 or self.step % self.options.r1_interval == 0

    def _update_moving_averages(self, style: tf.Tensor, global_batch: int) -> None:
        """Updates the mean style, which truncation uses, then the averaged generator, which holds a copy of it."""
        train_step.update_moving_average([self.generator.w_average], [train_step.global_mean(style)], W_AVERAGE_DECAY)
        # The share of old weights halves every `ema_half_life` images.
        half_life = self.options.ema_half_life
        decay = 0.5 ** (global_batch / half_life) if half_life else 0.0
        train_step.update_moving_average(self.ema_generator.variables, self.generator.variables, decay)
