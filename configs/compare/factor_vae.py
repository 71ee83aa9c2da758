"""FactorVAE with six latents on the rendered scene at 32x32, without labels.

  ssgan data build scene3d --config=demo --data_dir=data
  ssgan train --config=compare/factor_vae --workdir=runs/factor_vae --data_dir=data

Expected: 11 min on one CPU core; MIG 0.159 (mean of two seeds). See docs/comparison.md.

The networks are those of disentanglement_lib with one layer fewer (656,655 parameters), and a discriminator of
5,014,002 parameters. The batches are smaller and the learning rates are higher than its 64 and 0.0001, since a run has
12,500 steps instead of 300,000. gamma is one of the values in its study.
"""

from ssgan_tf.config import Config, DataOptions, Phase, TrainOptions
from ssgan_tf.models import FactorVAEOptions


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="scene3d/demo",
            factors=("shape", "object_hue", "scale", "floor_hue", "wall_hue", "azimuth"),
            labeled_fraction=0.0,
        ),
        model=FactorVAEOptions(resolution=32, latents=6),
        phases=(Phase(batch=16, labeled_batch=16, learning_rate=0.0005),),
        train=TrainOptions(images=200_000, checkpoint_every=25_000),
    )
