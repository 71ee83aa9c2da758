"""Images of a generator in groups that share one code: noise and codes to make them from."""

import dataclasses

import numpy as np
import tensorflow as tf

from ssgan_tf.core.priors import Prior


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the scores depend on beside the models.

    Args:
        groups: M, of a generator. In group m code m mod K is held, at a value drawn from the prior.
        size: L, images in a group.
        deviation_images: images more, with nothing held, over which codes' standard deviations are taken. 0 for none:
            they are taken over the groups themselves.
        seed: of noise and codes; all generators have the same.

    Raises:
        ValueError: naming the field that is out of range.
    """

    groups: int = 500
    size: int = 100
    deviation_images: int = 0
    seed: int = 0

    def __post_init__(self):
        for name, least in (("groups", 1), ("size", 2), ("seed", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}: expected {least} or more. Received: {getattr(self, name)}.")
        if self.deviation_images < 0 or self.deviation_images == 1:
            raise ValueError(f"deviation_images: expected 0 for none, or 2 or more. Received: {self.deviation_images}.")

    @property
    def images(self) -> int:
        """Made by each generator, and read by each encoder."""
        return self.groups * self.size + self.deviation_images


def draw(prior: Prior, noise_size: int, settings: Settings) -> tuple[tf.Tensor, tf.Tensor]:
    """Noise [images,Z] and codes [images,K]: the groups one after another, then those with nothing held."""
    count, grouped = settings.images, settings.groups * settings.size
    noise = tf.random.stateless_normal([count, noise_size], [settings.seed, 11])
    codes = prior.sample(count, tf.constant([settings.seed, 12])).numpy()
    values = prior.sample(settings.groups, tf.constant([settings.seed, 13])).numpy()
    group = np.arange(grouped) // settings.size
    held = group % codes.shape[1]
    codes[np.arange(grouped), held] = values[group, held]
    return noise, tf.constant(codes)
