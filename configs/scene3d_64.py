"""The embedded scene at 64x64, grown from 8x8: a short progressive run for two CPU cores.

  tfds build tfds_builders/scene3d --config=demo_64 --data_dir=data
  python -m ssgan_tf.train --config=configs/scene3d_64.py --workdir=runs/scene3d_64 --data_dir=data

Images: 40,000 at 8x8; 80,000 at 16x16 and at 32x32, half of them fading in; the other 120,000 of 320,000 at 64x64, the
first 40,000 fading in. Time, scores and a picture of each phase: docs/schedule.md.
"""

from ssgan_tf.config import Config, DataOptions, NetworkOptions, Phase, TrainOptions
from ssgan_tf.models import SemiStyleGANOptions


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="scene3d/demo_64",
            factors=("shape", "object_hue", "scale", "floor_hue", "wall_hue", "azimuth"),
            labeled_fraction=0.025,
        ),
        model=SemiStyleGANOptions(
            network=NetworkOptions(
                resolution=64,
                fmap_base=256,
                fmap_max=64,
                noise_size=128,
                style_size=128,
                mapping_layers=4,
                mapping_lrmul=1.0,
            ),
            gamma_g=10.0,
            beta=10.0,
            r1=4.0,
            r1_interval=4,
            ema_half_life=5_000,
        ),
        phases=(
            Phase(8, images=40_000, batch=32, labeled_batch=16, learning_rate=0.01),
            Phase(16, 80_000, 40_000, batch=32, labeled_batch=16, learning_rate=0.01, fresh_optimizers=True),
            Phase(32, 80_000, 40_000, batch=16, labeled_batch=8, learning_rate=0.01, fresh_optimizers=True),
            Phase(64, 0, 40_000, 16, 8, learning_rate=0.01, decay_images=120_000, fresh_optimizers=True),
        ),
        train=TrainOptions(images=320_000, log_every=5_000, sample_every=20_000, checkpoint_every=20_000),
    )
