"""dsprites_scream: dSprites as the negative of a random part of The Scream."""

from __future__ import annotations

import functools

import tensorflow_datasets as tfds

from tfds_builders.shared import sprite_variants

from . import painting


class Builder(sprite_variants.VariantBuilder):
    """TFDS names the data set after this folder."""

    BUILDER_CONFIGS = sprite_variants.configs()
    MANUAL_DOWNLOAD_INSTRUCTIONS = painting.INSTRUCTIONS

    def decoration(self, dl_manager: tfds.download.DownloadManager) -> sprite_variants.Decorate:
        canvas = painting.read(dl_manager.manual_dir, self.builder_config.resolution)
        return functools.partial(painting.embed, canvas)
