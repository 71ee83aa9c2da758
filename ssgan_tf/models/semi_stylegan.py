"""Semi-StyleGAN (ICML 2020): a style generator with codes, and a discriminator that is an encoder too.

L^(G)   =  L_GAN + gamma_G L_unsup + alpha L_sr                      (7)
L^(D,E) = -L_GAN + gamma_E L_unsup + beta L_sup + alpha L_sr
"""

import dataclasses

import tensorflow as tf

from ssgan_tf import losses
from ssgan_tf.codes import CodeSpec
from ssgan_tf.models import step as steps
from ssgan_tf.models.growing import fade_at, shrink
from ssgan_tf.networks.discriminator import Discriminator
from ssgan_tf.networks.options import NetworkOptions
from ssgan_tf.networks.style_generator import StyleGenerator
from ssgan_tf.schedule import Phase, Schedule, Segment


@dataclasses.dataclass(frozen=True)
class SemiStyleGANOptions:
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

    def __post_init__(self):
        for name in ("gamma_g", "gamma_e", "beta", "alpha", "r1", "ema_half_life"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}: expected 0 or more. Received: {getattr(self, name)}.")
        if not self.xi > 0:
            raise ValueError(f"xi: expected a positive number. Received: {self.xi}.")
        for name in ("beta_1", "beta_2"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name}: expected a number in [0, 1). Received: {getattr(self, name)}.")
        if self.r1_interval < 1:
            raise ValueError(f"r1_interval: expected 1 step or more. Received: {self.r1_interval}.")


class SemiStyleGAN(tf.keras.Model):
    """The model that `fit` trains.

    Each step draws one generated batch. D/E takes its step on it first; then G, whose forward pass is kept, takes
    its step against the updated D/E.

    Batches are dicts: `image` [B,R,R,C] in [-1, 1]; and, unless both beta and alpha are 0, the separate labelled
    stream `labeled_image` [L,R,R,C], `labeled_codes` [L,K], `labeled_mask` [L,K] (1 where known), L <= B.

    Args:
        options: the objective.
        spec: the factors and their codes.
        seed: of all noise, codes and MixUp weights; they are a function of (seed, step).
    """

    def __init__(self, options: SemiStyleGANOptions, spec: CodeSpec, seed: int = 0, name="semi_stylegan"):
        super().__init__(name=name)
        self.options = options
        self.spec = spec
        self.seed = seed
        self.generator = StyleGenerator(options.network, spec.size)
        self.ema_generator = StyleGenerator(options.network, spec.size, name="ema_generator")
        self.ema_generator.trainable = False
        self.ema_generator.set_weights(self.generator.get_weights())
        self.discriminator = Discriminator(options.network, spec.size)
        self.step = tf.Variable(
            0, trainable=False, dtype=tf.int64, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA, name="step"
        )
        self.trackers = steps.LossTrackers(self.loss_names)
        self.segment = Schedule((Phase(),)).segments[0]

    def enter(self, segment: Segment) -> None:
        """Makes the following steps those of `segment`, at whose beginning or somewhere in which the model is."""
        if segment != self.segment:
            self.segment = segment
            self.train_function = None  # Keras traces train_step anew
        if segment.phase.fresh_optimizers and int(self.step) == segment.phase_start:
            steps.forget(self.generator_optimizer)
            steps.forget(self.discriminator_optimizer)

    @property
    def resolution(self) -> int:
        """Of the images at this stage."""
        return self.segment.phase.resolution or self.options.network.resolution

    @property
    def uses_labels(self) -> bool:
        return self.options.beta > 0 or self.options.alpha > 0

    @property
    def loss_names(self) -> list[str]:
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

    @property
    def metrics(self):
        return list(self.trackers.means.values())

    def compile(self):
        """Makes both optimizers with all their slots; call it inside the strategy's scope."""
        o, rate = self.options, steps.PhaseRate(self)

        def adam(variables):
            optimizer = tf.keras.optimizers.Adam(rate, o.beta_1, o.beta_2, epsilon=1e-8, jit_compile=False)
            optimizer.build(variables)
            return optimizer

        self.generator_optimizer = adam(self.generator.trainable_variables)
        self.discriminator_optimizer = adam(self.discriminator.trainable_variables)
        super().compile(self.discriminator_optimizer)  # without an argument Keras would make a third one
        self.distribute_reduction_method = "first"  # trackers are global means already; Keras adds the workers' up

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

    @property
    def stage(self) -> str:
        """What is being trained, in a word or two for the progress bar."""
        return f"{self.resolution}x{self.resolution}" + (" fading in" if self.segment.fading else "")

    def sample(self, noise: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
        """The averaged generator's images, as large as they are at this stage: [B,Z], [B,K] -> [B,r,r,C]."""
        fade = fade_at(self.segment, self.step)
        return self.ema_generator((noise, codes), resolution=self.resolution, fade=fade)

    def train_step(self, batch):
        fade = fade_at(self.segment, self.step)
        batch = {k: self._shrink(v, fade) if k.endswith("image") else v for k, v in batch.items()}
        size = batch["image"].shape[0]
        noise_seed, code_seed, mix_seed, pixel_seed = steps.step_seeds(self.seed, self.step, 4)
        width = self.options.network.noise_size
        noise = steps.draw_for_replica(lambda n: tf.random.stateless_normal([n, width], noise_seed), size)
        codes = steps.draw_for_replica(lambda n: self.spec.sample(n, code_seed), size)
        with tf.GradientTape() as generator_tape:
            fake = self.generator(  # [B,r,r,C]
                (noise, codes),
                resolution=self.resolution,
                fade=fade,
                noise_seed=steps.seed_for_replica(pixel_seed),
            )
            mixed = self.mix(batch, fake, codes, mix_seed) if self.options.alpha > 0 else None

            with generator_tape.stop_recording(), tf.GradientTape() as discriminator_tape:
                d_losses = self.discriminator_losses(batch, fake, codes, mixed, fade)
                d_loss = steps.total_loss(d_losses)
            with generator_tape.stop_recording():
                steps.descend(
                    discriminator_tape, d_loss, self.discriminator.trainable_variables, self.discriminator_optimizer
                )
            g_losses = self.generator_losses(fake, codes, mixed, fade)
            g_loss = steps.total_loss(g_losses)
        steps.descend(generator_tape, g_loss, self.generator.trainable_variables, self.generator_optimizer)
        steps.update_average(
            self.ema_generator.variables, self.generator.variables, self._ema_decay(size * steps.replica_count())
        )
        self.step.assign_add(1)
        return self.trackers.update({**d_losses, **g_losses})

    def mix(self, batch, fake, codes, seed):
        """MixUp of each labelled image with a generated one (eq. 5): (images [L,..], codes [L,K], mask [L,K])."""
        size = batch["labeled_image"].shape[0]
        weights = steps.draw_for_replica(lambda n: losses.mixup_weights(n, self.options.xi, seed), size)
        # Partners from all over the batch: so they are the same however many replicas share it.
        every = fake.shape[0] // size
        fake, codes = fake[::every][:size], codes[::every][:size]
        images = losses.mix(weights, batch["labeled_image"], fake)
        # Where the real image's factor is unknown, so is the mixture's.
        return images, losses.mix(weights, batch["labeled_codes"], codes), batch["labeled_mask"]

    def discriminator_losses(self, batch, fake, codes, mixed, fade=None) -> dict[str, tf.Tensor]:
        """The terms of L^(D,E) in eq. 7, weighted: {name: [B] or [L]}."""
        o, d = self.options, self.discriminator
        images = batch["image"]
        # One pass of the trunk over everything that needs no gradient with respect to the image.
        parts = {"fake": fake}
        if o.beta > 0:
            parts["labeled"] = batch["labeled_image"]
        if mixed is not None:
            parts["mixed"] = mixed[0]
        features = self._trunk_of_all(parts, fade)
        real_logits, penalty = self._real_logits_and_r1(images, fade)
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
            distance = losses.code_distance(d.codes(features["mixed"]), mixed[1], mixed[2])
            result["discriminator/smoothness"] = o.alpha * distance
        return result

    def generator_losses(self, fake, codes, mixed, fade=None) -> dict[str, tf.Tensor]:
        """The terms of L^(G) in eq. 7, weighted: {name: [B] or [L]}."""
        o, d = self.options, self.discriminator
        parts = {"fake": fake} if mixed is None else {"fake": fake, "mixed": mixed[0]}
        features = self._trunk_of_all(parts, fade)
        result = {"generator/adversarial": losses.generator_adversarial(d.realness(features["fake"]))}
        if o.gamma_g > 0:
            result["generator/unsupervised"] = o.gamma_g * losses.code_distance(d.codes(features["fake"]), codes)
        if mixed is not None:
            distance = losses.code_distance(d.codes(features["mixed"]), mixed[1], mixed[2])
            result["generator/smoothness"] = o.alpha * distance
        return result

    def _shrink(self, images, fade):
        return shrink(images, self.resolution, fade)

    def _trunk_of_all(self, parts: dict[str, tf.Tensor], fade) -> dict[str, tf.Tensor]:
        features = self.discriminator.trunk(tf.concat(list(parts.values()), axis=0), fade)
        sizes = [images.shape[0] for images in parts.values()]
        return dict(zip(parts, tf.split(features, sizes), strict=True))

    def _real_logits_and_r1(self, images, fade):
        """D(x) [B] and the weighted R1 penalty [B] (zeros on the steps that skip it)."""
        o, d = self.options, self.discriminator

        def with_penalty():
            with tf.GradientTape() as tape:
                tape.watch(images)
                logits = d.realness(d.trunk(images, fade))
            gradients = tape.gradient(logits, images)  # of the sum of logits
            return logits, 0.5 * o.r1 * o.r1_interval * losses.r1_penalty(gradients)

        def without_penalty():
            logits = d.realness(d.trunk(images, fade))
            return logits, tf.zeros_like(logits)

        if o.r1 == 0:
            return without_penalty()
        if o.r1_interval == 1:
            return with_penalty()
        return tf.cond(self.step % o.r1_interval == 0, with_penalty, without_penalty)

    def _ema_decay(self, global_batch: int) -> float:
        if self.options.ema_half_life == 0:
            return 0.0
        return 0.5 ** (global_batch / self.options.ema_half_life)
