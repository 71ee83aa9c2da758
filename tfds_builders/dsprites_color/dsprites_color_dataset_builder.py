"""dsprites_color: dSprites with every sprite in a random colour on black."""

from __future__ import annotations

import numpy as np
import tensorflow_datasets as tfds

from tfds_builders.shared import sprite_variants


def colour(sprite: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Multiplies a sprite [R, R, 1] by a random number from [0.5, 1) per channel: [R, R, 3]."""
    return sprite * rng.uniform(0.5, 1, 3).astype(np.float32)


class Builder(sprite_variants.VariantBuilder):
    """Builder of the variant. TFDS names the data set after the folder of this file."""

    BUILDER_CONFIGS = sprite_variants.configs()

    def decoration(self, dl_manager: tfds.download.DownloadManager) -> sprite_variants.Decorate:
        return colour
