"""InfoGAN-CR: options, contrastive pairs, and the schedule of the contrastive loss.

Source: the authors' code (fjxmlzn/InfoGAN-CR: latent.py, infogan_cr.py and config.py).
"""

import dataclasses
from typing import NamedTuple

import tensorflow as tf

from ssgan_tf.models.base import WithoutLabels
from ssgan_tf.networks.conv_gan import FAMILIES
from ssgan_tf.networks.options import MAX_WIDTH
from ssgan_tf.utils import validation

CODE_RANGE = 2.0  # width of [-1, 1]


class Pairs(NamedTuple):
    """Latents of pairs of images that share the noise and one code.

    Args:
        first: Codes [B,K] of the first images.
        second: Codes [B,K] of the second images: equal in one column, at least the gap apart in all others.
        noise: Noise [B,Z] of both images.
        shared: Index of the column that is equal, [B] int32.
    """

    first: tf.Tensor
    second: tf.Tensor
    noise: tf.Tensor
    shared: tf.Tensor


def sample_pairs(count: int, codes: int, noise_size: int, gap: tf.Tensor | float, seed: tf.Tensor) -> Pairs:
    """Samples pairs of latents.

    Args:
        count: Number of pairs B.
        codes: Number of codes K.
        noise_size: Width Z of the noise.
        gap: Minimum difference between codes that are not shared, in [0, 2]; with 0 they are independent.
        seed: [2] int; the same seed gives the same pairs.
    """
    seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 4))
    shared = tf.random.stateless_uniform([count], seeds[0], 0, codes, tf.int32)
    # Sample all codes apart; below, the shared column of each pair is replaced by a common value.
    first, second = sample_apart([count, codes], gap, seeds[1])  # [B,K] each
    # Values of the shared codes, one per pair.
    same = tf.random.stateless_uniform([count, 1], seeds[2], -1.0, 1.0)
    column = tf.one_hot(shared, codes, on_value=True, off_value=False, dtype=tf.bool)
    noise = tf.random.stateless_uniform([count, noise_size], seeds[3], -1.0, 1.0)
    return Pairs(tf.where(column, same, first), tf.where(column, same, second), noise, shared)


def sample_apart(shape: list[int], gap: tf.Tensor | float, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Samples two tensors in [-1, 1] whose elements differ by `gap` or more.

    Both are uniform in [-1 + gap/2, 1 - gap/2]; then gap/2 is added to the larger and subtracted from the smaller.
    """
    # |u - v| grows by the gap, and both values stay in [-1, 1].
    half = tf.convert_to_tensor(gap, tf.float32) / 2.0
    u, v = tf.unstack((1.0 - half) * tf.random.stateless_uniform([2, *shape], seed, -1.0, 1.0))
    u_larger = u > v
    u, v = tf.where(u_larger, u + half, u - half), tf.where(u_larger, v - half, v + half)
    # Rounding can push values out of [-1, 1].
    return tf.clip_by_value(u, -1.0, 1.0), tf.clip_by_value(v, -1.0, 1.0)


class ContrastiveSchedule(NamedTuple):
    """Weight alpha of the contrastive loss, the gap, and the two events that change them ("progressive training").

    Args:
        alpha: Weight after its event; 0 before.
        alpha_after: Number of images in the run before the weight becomes alpha; 0 for alpha from the start.
        gap: Gap at the start.
        gap_after: Number of images in the run before the gap becomes 0; 0 for never.
    """

    alpha: float
    alpha_after: int
    gap: float
    gap_after: int

    @property
    def event_images(self) -> list[int]:
        """Numbers of images in the run before each event takes place."""
        changes = [(self.alpha, self.alpha_after), (self.gap, self.gap_after)]
        return [after for size, after in changes if size > 0 and after > 0]

    def count_events(self, images: tf.Tensor) -> tf.Tensor:
        """Returns the number of past events, int64, at a step that begins after this many images of the run."""
        # An event counts from its number of images on, whether or not a step begins exactly there.
        passed = [tf.cast(images >= after, tf.int64) for after in self.event_images]
        return tf.add_n([tf.zeros([], tf.int64), *passed])

    def alpha_at(self, images: tf.Tensor) -> tf.Tensor:
        """Returns the weight of the contrastive loss in a step that begins after this many images."""
        return tf.where(images >= self.alpha_after, tf.constant(self.alpha), 0.0)

    def gap_at(self, images: tf.Tensor) -> tf.Tensor:
        """Returns the gap in a step that begins after this many images."""
        over = images >= self.gap_after if self.gap_after else tf.constant(False)
        return tf.where(over, 0.0, tf.constant(self.gap))


@dataclasses.dataclass(frozen=True)
class InfoGANCROptions(WithoutLabels):
    """Networks, objective and optimizers. The defaults are the published ones for dSprites.

    InfoGAN is the case cr_alpha=0. The paper's "InfoGAN (modified)" is a run stopped at cr_after_images: set
    train.images to that number, copy the workdir (or evaluate and export it), and resume with the full train.images.
    The result is bit-identical to that of a run that never stopped.

    Args:
        family: Family of networks, "dsprites" or "celeba".
        resolution: Height and width of the images. "dsprites": a power of two from 8 to 256, published for 64;
            "celeba": 32.
        channels: 1 (grey) or 3 (RGB).
        codes: Number of codes K.
        noise_size: Width Z of the noise.
        lambda_g: Weight of the reconstruction of codes in the generator's loss.
        lambda_d: Weight of the reconstruction of codes in the discriminator's loss; published as equal to lambda_g.
        cr_alpha: Weight of the contrastive loss in the generator's loss after cr_after_images; 0 before.
        cr_after_images: Number of images, over all devices, before this weight takes effect; 0 for the start.
        gap: Minimum difference, at the start, between the codes that a pair does not share; from 0 to 2.
        gap_after_images: Number of images before the gap becomes 0; 0 for never.
        discriminator_rate: Learning rate of D and Q as a multiple of the phase's, which is the generator's.
        cr_rate: Learning rate of H as a multiple of the phase's.
        beta_1: Decay of Adam's first moment.
        beta_2: Decay of Adam's second moment.
        generator_updates: Number of generator updates in each step, all on the same samples.

    Raises:
        ValueError: A field is out of range; the message names it.
    """

    # Networks.
    family: str = "dsprites"
    resolution: int = 64
    channels: int = 1
    codes: int = 5
    noise_size: int = 5
    # Objective and its schedule.
    lambda_g: float = 0.05
    lambda_d: float = 0.05
    cr_alpha: float = 2.0
    cr_after_images: int = 18_432_000
    gap: float = 0.0
    gap_after_images: int = 0
    # Optimizers.
    discriminator_rate: float = 2.0
    cr_rate: float = 2.0
    beta_1: float = 0.5
    beta_2: float = 0.999
    generator_updates: int = 2

    def __post_init__(self):
        if self.family not in FAMILIES:
            raise ValueError(f"family: expected one of {list(FAMILIES)}. Received: {self.family!r}.")
        possible = FAMILIES[self.family].resolutions
        if self.resolution not in possible:
            raise ValueError(
                f"resolution: expected one of {possible} for the family {self.family!r}. Received: {self.resolution}."
            )
        if self.channels not in (1, 3):
            raise ValueError(f"channels: expected 1 (grey) or 3 (RGB). Received: {self.channels}.")
        validation.check_least(self, 2, "codes")
        validation.check_least(self, 1, "generator_updates")
        validation.check_most(self, MAX_WIDTH, "codes", "noise_size")
        validation.check_most(self, 100, "generator_updates")
        weights = ("lambda_g", "lambda_d", "cr_alpha")
        validation.check_least(self, 0, "noise_size", *weights, "cr_after_images", "gap_after_images")
        validation.check_positive(self, "discriminator_rate", "cr_rate")
        if not 0 <= self.gap <= CODE_RANGE:
            raise ValueError(f"gap: expected a number in [0, {CODE_RANGE:g}]. Received: {self.gap}.")
        validation.check_decays(self, "beta_1", "beta_2")

    @property
    def schedule(self) -> ContrastiveSchedule:
        """Schedule of the contrastive loss and its gap."""
        return ContrastiveSchedule(self.cr_alpha, self.cr_after_images, self.gap, self.gap_after_images)
