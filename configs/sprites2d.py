"""Semi-StyleGAN on grey sprites at 32x32 with 2.5 % of the labels (192 of 7,680): small networks for two CPU cores.

  ssgan data build sprites2d --config=demo --data_dir=data
  ssgan train --config=sprites2d --workdir=runs/sprites2d --data_dir=data

Not run yet. Nothing is downloaded. The settings are those of configs/demo.py and are not tuned for these images.
"""

from ssgan_tf.config import Config, DataOptions, NetworkOptions, Phase, TrainOptions
from ssgan_tf.models import SemiStyleGANOptions


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="sprites2d/demo",
            factors=("shape", "scale", "orientation", "position_x", "position_y"),
        ),
        model=SemiStyleGANOptions(
            network=NetworkOptions(
                resolution=32,
                channels=1,
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
        phases=(Phase(batch=16, labeled_batch=8, learning_rate=0.015, decay_images=420_000),),
        train=TrainOptions(images=420_000, checkpoint_every=25_000),
    )
