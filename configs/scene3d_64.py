"""Semi-StyleGAN on the rendered scene at 64x64, grown from 8x8: a short progressive run for two CPU cores.

  ssgan data build scene3d --config=demo_64 --data_dir=data
  ssgan train --config=scene3d_64 --workdir=runs/scene3d_64 --data_dir=data

Expected: 72 min on one thread of a busy machine; MIG 0.951, MIG-gen 0.738 (one seed). docs/schedule.md has the speed,
loss and samples of each phase.
"""

from ssgan_tf.config import Config, DataOptions, NetworkOptions, Phase, TrainOptions
from ssgan_tf.models import SemiStyleGANOptions


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="scene3d/demo_64",
            factors=("shape", "object_hue", "scale", "floor_hue", "wall_hue", "azimuth"),
        ),
        model=SemiStyleGANOptions(
            network=NetworkOptions(
                fmap_base=256,
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
        phases=(
            Phase(8, images=40_000, labeled_batch=16, learning_rate=0.01),
            Phase(16, images=80_000, fade_images=40_000, labeled_batch=16, learning_rate=0.01, fresh_optimizers=True),
            Phase(
                32,
                images=80_000,
                fade_images=40_000,
                batch=16,
                labeled_batch=8,
                learning_rate=0.01,
                fresh_optimizers=True,
            ),
            Phase(
                64,
                fade_images=40_000,
                batch=16,
                labeled_batch=8,
                learning_rate=0.01,
                decay_images=120_000,
                fresh_optimizers=True,
            ),
        ),
        train=TrainOptions(images=320_000, sample_every=20_000, checkpoint_every=20_000),
    )
