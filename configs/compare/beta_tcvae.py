"""beta-TCVAE on the embedded data set at 32x32: no labels, six latents.

The networks of disentanglement_lib with one layer less (656,655 parameters). Smaller batches and a higher rate than
its 64 and 0.0001, since a run has 12,500 steps in place of 300,000. beta is one of those that its study has.

  tfds build tfds_builders/scene3d --config=demo --data_dir=data
  python -m ssgan_tf.train --config=configs/compare/beta_tcvae.py --workdir=runs/beta_tcvae --data_dir=data

One of the methods of tools/compare_methods; docs/comparison.md has the result beside the others.
"""

from ssgan_tf.config import Config, DataOptions, Phase, TrainOptions
from ssgan_tf.models import BetaTCVAEOptions


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="scene3d/demo",
            factors=("shape", "object_hue", "scale", "floor_hue", "wall_hue", "azimuth"),
            labeled_fraction=0.0,
        ),
        model=BetaTCVAEOptions(resolution=32, channels=3, latents=6, beta=6.0, dataset_size=31_104),
        phases=(Phase(batch=16, labeled_batch=16, learning_rate=0.001),),
        train=TrainOptions(images=200_000, log_every=5_000, sample_every=50_000, checkpoint_every=25_000),
    )
