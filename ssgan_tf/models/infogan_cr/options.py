"""What InfoGAN-CR is told: its options, pairs of latents that share one code, and when what begins.

Source: spec of InfoGAN-CR 1.2 and 1.3.
"""

import dataclasses
from typing import NamedTuple

import tensorflow as tf

from ssgan_tf.models.base import WithoutLabels
from ssgan_tf.networks.conv_gan import FAMILIES
from ssgan_tf.utils import validation

RANGE = 2.0  # of codes in [-1, 1]


class Pairs(NamedTuple):
    """Latents of pairs of images.

    Args:
        first: codes [B,K] of the first images.
        second: codes [B,K] of the second ones; equal in one column, at least the gap apart in all others.
        noise: [B,Z] of both.
        shared: that column, [B] int32.
    """

    first: tf.Tensor
    second: tf.Tensor
    noise: tf.Tensor
    shared: tf.Tensor


def draw_pairs(count: int, codes: int, noise_size: int, gap: tf.Tensor | float, seed: tf.Tensor) -> Pairs:
    """Draws `count` pairs; the same `seed` ([2] int) gives the same.

    Args:
        count: B.
        codes: K.
        noise_size: Z.
        gap: least difference of codes that are not shared, in [0, 2]; with 0 they are independent.
        seed: of all of it.
    """
    seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 4))
    shared = tf.random.stateless_uniform([count], seeds[0], 0, codes, tf.int32)
    first, second = draw_apart([count, codes], gap, seeds[1])
    same = tf.random.stateless_uniform([count, 1], seeds[2], -1.0, 1.0)
    column = tf.one_hot(shared, codes, on_value=True, off_value=False, dtype=tf.bool)
    noise = tf.random.stateless_uniform([count, noise_size], seeds[3], -1.0, 1.0)
    return Pairs(tf.where(column, same, first), tf.where(column, same, second), noise, shared)


def draw_apart(shape: list[int], gap: tf.Tensor | float, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Two tensors of numbers in [-1, 1] that differ by `gap` or more.

    Both are drawn from the middle [-1 + gap/2, 1 - gap/2]; the larger then gets gap/2 more, the smaller gap/2 less.
    """
    half = tf.convert_to_tensor(gap, tf.float32) / 2.0
    u, v = tf.unstack((1.0 - half) * tf.random.stateless_uniform([2, *shape], seed, -1.0, 1.0))
    u_larger = u > v
    u, v = tf.where(u_larger, u + half, u - half), tf.where(u_larger, v - half, v + half)
    return tf.clip_by_value(u, -1.0, 1.0), tf.clip_by_value(v, -1.0, 1.0)  # for rounding


class Schedule(NamedTuple):
    """The weight alpha of the contrastive loss and the gap, and the two events at which they change.

    Args:
        alpha: the weight after its event; before, it is 0.
        alpha_after: images of the run at which its event is; 0 for none: the weight is alpha from the start.
        gap: at the start.
        gap_after: images of the run at which the gap becomes 0; 0 for never.
    """

    alpha: float
    alpha_after: int
    gap: float
    gap_after: int

    @property
    def moments(self) -> list[int]:
        """Images at which there is an event: something changes."""
        changes = [(self.alpha, self.alpha_after), (self.gap, self.gap_after)]
        return [after for size, after in changes if size > 0 and after > 0]

    def passed(self, images: tf.Tensor) -> tf.Tensor:
        """How many events there were before a step that begins after so many images: int64."""
        return tf.add_n([tf.zeros([], tf.int64), *[tf.cast(images >= after, tf.int64) for after in self.moments]])

    def alpha_at(self, images: tf.Tensor) -> tf.Tensor:
        return tf.where(images >= self.alpha_after, tf.constant(self.alpha), 0.0)

    def gap_at(self, images: tf.Tensor) -> tf.Tensor:
        over = images >= self.gap_after if self.gap_after else tf.constant(False)
        return tf.where(over, 0.0, tf.constant(self.gap))


@dataclasses.dataclass(frozen=True)
class InfoGANCROptions(WithoutLabels):
    """Networks, objective, optimizers. The defaults are those published for dSprites.

    InfoGAN is the same with cr_alpha=0. "InfoGAN (modified)" of the paper is a run as it is at cr_after_images: train
    it with train.images at that number, copy the workdir (or measure and export it), and go on with the whole
    train.images: that gives the same bits as a run that never stopped.

    Args:
        family: of networks, "dsprites" or "celeba".
        resolution: height and width of the images; "dsprites": a power of two from 8 to 256, published for 64;
            "celeba": 32.
        channels: 1 (grey) or 3 (RGB).
        codes: K.
        noise_size: Z, further numbers that images are made from.
        lambda_g: weight of the codes' reconstruction in the generator's loss.
        lambda_d: in the discriminator's; as large, as published.
        cr_alpha: weight of the contrastive loss in the generator's from its event on. Before it is 0.
        cr_after_images: images of the run, over all devices, at which that event is; 0 for the start.
        gap: least difference of the codes that a pair does not share, at the start; from 0 to 2.
        gap_after_images: images of the run at which the gap becomes 0; 0 for never.
        discriminator_rate: D and Q's learning rate, as a multiple of the phase's, which is the generator's.
        cr_rate: H's, likewise.
        beta_1: Adam's first-moment decay.
        beta_2: Adam's second-moment decay.
        generator_updates: of the generator in each step, on the same draws.

    Raises:
        ValueError: naming the field that is out of range.
    """

    family: str = "dsprites"
    resolution: int = 64
    channels: int = 1
    codes: int = 5
    noise_size: int = 5
    lambda_g: float = 0.05
    lambda_d: float = 0.05
    cr_alpha: float = 2.0
    cr_after_images: int = 18_432_000
    gap: float = 0.0
    gap_after_images: int = 0
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
        weights = ("lambda_g", "lambda_d", "cr_alpha")
        validation.check_least(self, 0, "noise_size", *weights, "cr_after_images", "gap_after_images")
        validation.check_positive(self, "discriminator_rate", "cr_rate")
        if not 0 <= self.gap <= RANGE:
            raise ValueError(f"gap: expected a number in [0, {RANGE:g}]. Received: {self.gap}.")
        validation.check_decays(self, "beta_1", "beta_2")

    @property
    def schedule(self) -> Schedule:
        """When the contrastive loss and its gap change."""
        return Schedule(self.cr_alpha, self.cr_after_images, self.gap, self.gap_after_images)
