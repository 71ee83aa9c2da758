"""The encoder of Semi-StyleGAN alone, trained with MixUp on 1 % of the labels (311) of the rendered scene at 32x32.

  ssgan data build scene3d --config=demo --data_dir=data
  ssgan train --config=compare/encoder_mixup --workdir=runs/encoder_mixup --data_dir=data

Expected: 2 min on one CPU core; MIG 0.779, L2 0.228 (means of two seeds). See docs/comparison.md.
"""

from ssgan_tf.config import Config, DataOptions, NetworkOptions, Phase, TrainOptions
from ssgan_tf.models import EncoderOnlyOptions


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="scene3d/demo",
            factors=("shape", "object_hue", "scale", "floor_hue", "wall_hue", "azimuth"),
            labeled_fraction=0.01,
        ),
        model=EncoderOnlyOptions(network=NetworkOptions(resolution=32, fmap_base=128, fmap_max=64), mixup=True),
        phases=(Phase(learning_rate=0.004, decay_images=200_000),),
        train=TrainOptions(images=200_000, checkpoint_every=25_000),
    )
