"""dsprites_scream: dSprites with every sprite as the negative of a random part of The Scream."""

from __future__ import annotations

import functools

import tensorflow_datasets as tfds

from tfds_builders.shared import sprite_variants

from . import painting


class Builder(sprite_variants.VariantBuilder):
    """Builder of the variant. TFDS names the data set after the folder of this file."""

    BUILDER_CONFIGS = sprite_variants.configs()
    MANUAL_DOWNLOAD_INSTRUCTIONS = painting.INSTRUCTIONS

    def decoration(self, dl_manager: tfds.download.DownloadManager) -> sprite_variants.Decorate:
        canvas = painting.read(dl_manager.manual_dir, self.builder_config.resolution)
        return functools.partial(painting.embed, canvas)
