"""dsprites_color: dSprites, every sprite in one random colour on black."""

from __future__ import annotations

import numpy as np
import tensorflow_datasets as tfds

from tfds_builders.shared import sprite_variants


def colour(sprite: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sprite [R, R, 1] times a number from [0.5, 1) for each channel: [R, R, 3]."""
    return sprite * rng.uniform(0.5, 1, 3).astype(np.float32)


class Builder(sprite_variants.VariantBuilder):
    """TFDS names the data set after this folder."""

    BUILDER_CONFIGS = sprite_variants.configs()

    def decoration(self, dl_manager: tfds.download.DownloadManager) -> sprite_variants.Decorate:
        return colour
