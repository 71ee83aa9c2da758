"""Semi-StyleGAN on the rendered scene at 32x32 with 1 % of the labels (311).

  ssgan data build scene3d --config=demo --data_dir=data
  ssgan train --config=compare/semi_stylegan --workdir=runs/semi_stylegan --data_dir=data

Expected: 8 min on one CPU core; MIG 0.881, L2 0.142, MIG-gen 0.664 (means of two seeds). See docs/comparison.md.

Networks and learning rate are those of configs/demo.py.
"""

from ssgan_tf.config import Config, DataOptions, NetworkOptions, Phase, TrainOptions
from ssgan_tf.models import SemiStyleGANOptions


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="scene3d/demo",
            factors=("shape", "object_hue", "scale", "floor_hue", "wall_hue", "azimuth"),
            labeled_fraction=0.01,
        ),
        model=SemiStyleGANOptions(
            network=NetworkOptions(
                resolution=32,
                fmap_base=128,
                fmap_max=64,
                noise_size=128,
                style_size=128,
                mapping_layers=4,
                mapping_lrmul=1.0,
            ),
            r1=4.0,
            r1_interval=4,
            ema_half_life=5_000,
        ),
        phases=(Phase(batch=16, labeled_batch=8, learning_rate=0.015, decay_images=200_000),),
        train=TrainOptions(images=200_000, checkpoint_every=25_000),
    )
