"""dsprites_noisy: dSprites in front of uniform noise in three channels."""

from __future__ import annotations

import numpy as np
import tensorflow_datasets as tfds

from tfds_builders.shared import sprite_variants


def add_noise(sprite: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Adds a random number from [0, 1) per pixel and channel to a sprite [R, R, 1], clipped at 1: [R, R, 3]."""
    noise = rng.random((*sprite.shape[:2], 3), np.float32)
    return np.minimum(sprite + noise, 1)


class Builder(sprite_variants.VariantBuilder):
    """Builder of the variant. TFDS names the data set after the folder of this file."""

    BUILDER_CONFIGS = sprite_variants.configs()

    def decoration(self, dl_manager: tfds.download.DownloadManager) -> sprite_variants.Decorate:
        return add_noise
