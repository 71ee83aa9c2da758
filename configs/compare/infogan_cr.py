"""InfoGAN-CR on the embedded data set at 32x32: no labels, six codes.

Published: networks (with a stride-2 layer less than at 64x64), optimizers, two generator updates a step, and for the
teapots, which are rendered pictures too: the weights 0.2 and 3. Ours: the length, that the contrastive loss has the
last quarter of it, no gap (the teapots begin with 1.9), and dSprites' contrastive network. InfoGAN is the same with
--set=model.cr_alpha=0; "InfoGAN (modified)" is this run stopped by --set=train.images=150_000, whose workdir can be
copied before it goes on.

  tfds build tfds_builders/scene3d --config=demo --data_dir=data
  python -m ssgan_tf.train --config=configs/compare/infogan_cr.py --workdir=runs/infogan_cr --data_dir=data

One of the methods of tools/compare_methods; docs/comparison.md has the result beside the others.
"""

from ssgan_tf.config import Config, DataOptions, Phase, TrainOptions
from ssgan_tf.models import InfoGANCROptions


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="scene3d/demo",
            factors=("shape", "object_hue", "scale", "floor_hue", "wall_hue", "azimuth"),
            labeled_fraction=0.0,
        ),
        model=InfoGANCROptions(
            resolution=32,
            channels=3,
            codes=6,
            noise_size=5,
            lambda_g=0.2,
            lambda_d=0.2,
            cr_alpha=3.0,
            cr_after_images=150_000,
        ),
        phases=(Phase(batch=32, learning_rate=0.001),),
        train=TrainOptions(images=200_000, log_every=5_000, sample_every=50_000, checkpoint_every=25_000),
    )
