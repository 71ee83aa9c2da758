"""Augmentation of what D and E see, for few images: options, and the random numbers of a training step."""

import dataclasses
from collections.abc import Mapping

import tensorflow as tf

from ssgan_tf.core.augment import NUMBERS, TRANSFORMS, augment
from ssgan_tf.models import train_step


@dataclasses.dataclass(frozen=True)
class AugmentOptions:
    """Augmentation of real and generated images before the discriminator.

    Args:
        transforms: Names of the random changes that D sees: flip, translation, colour, cutout. None by default.
        keeps_factors: Those of them that change no factor. The encoder sees these alone, in labelled and in generated
            images: a mirror image has another azimuth, and another colour may be another hue.
        probability: Probability of each change in an image, in (0, 1].

    Raises:
        ValueError: A name is unknown or not among the transforms, or the probability is out of range.
    """

    transforms: tuple[str, ...] = ()
    keeps_factors: tuple[str, ...] = ()
    probability: float = 1.0

    def __post_init__(self):
        for field, known in (("transforms", tuple(TRANSFORMS)), ("keeps_factors", self.transforms)):
            names = getattr(self, field)
            if len(set(names)) < len(names) or not set(names) <= set(known):
                expected = f"different names among {', '.join(known) or 'those in augment.transforms, which has none'}"
                raise ValueError(f"augment.{field}: expected {expected}. Received: {', '.join(map(str, names))}.")
        if not 0 < self.probability <= 1:
            raise ValueError(f"augment.probability: expected a number in (0, 1]. Received: {self.probability}.")

    @property
    def separate(self) -> bool:
        """True if E must not see what D sees, so that generated images pass through the trunk twice."""
        return set(self.transforms) != set(self.keeps_factors)


def augment_real(options: AugmentOptions, batch: Mapping[str, tf.Tensor], seed: tf.Tensor) -> Mapping[str, tf.Tensor]:
    """Augments a batch's real images for D, and its labelled ones for E by what keeps their factors.

    Args:
        options: Transforms; without any, the batch itself is returned.
        batch: `image` [B,r,r,C] and, with labels, `labeled_image` [L,r,r,C].
        seed: [2] int; the changes are a function of it, for any number of replicas.
    """
    if not options.transforms:
        return batch
    result = {**batch, "image": _augment(options, options.transforms, batch["image"], seed, 0)}
    if "labeled_image" in batch:
        result["labeled_image"] = _augment(options, options.keeps_factors, batch["labeled_image"], seed, 1)
    return result


def augment_generated(
    options: AugmentOptions, images: tf.Tensor, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Augments generated images [B,r,r,C] for D, and for E by what keeps their factors; None if both see the same.

    Args:
        options, seed: See `augment_real`; both may have the same seed.
    """
    if not options.transforms:
        return images, None
    encoded = _augment(options, options.keeps_factors, images, seed, 2) if options.separate else None
    return _augment(options, options.transforms, images, seed, 2), encoded


def _augment(
    options: AugmentOptions, transforms: tuple[str, ...], images: tf.Tensor, seed: tf.Tensor, use: int
) -> tf.Tensor:
    """Augments this replica's part of the images; each `use` of the seed has random numbers of its own."""
    seed = tf.random.experimental.stateless_fold_in(seed, use)
    numbers = train_step.sample_for_replica(lambda n: tf.random.stateless_uniform([n, NUMBERS], seed), images.shape[0])
    return augment(images, transforms, numbers, options.probability)
