"""InfoGAN-CR with six codes on the rendered scene at 32x32, without labels.

  ssgan data build scene3d --config=demo --data_dir=data
  ssgan train --config=compare/infogan_cr --workdir=runs/infogan_cr --data_dir=data

Expected: 15 min on one CPU core; MIG 0.144, MIG-gen 0.154 (means of two seeds). See docs/comparison.md.

Published: the networks (here with one stride-2 layer fewer than at 64x64), the optimizers, two generator updates per
step, and the weights 0.2 and 3 of the authors' run on teapots, which are rendered images too. Our choices: the length,
the start of the contrastive loss at three quarters of it, no gap between contrastive pairs (the teapots start with
1.9), and the contrastive network of dSprites.

InfoGAN: --set=model.cr_alpha=0
"InfoGAN (modified)": --set=train.images=150_000. Copy its workdir before you continue the run.
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
            lambda_g=0.2,
            lambda_d=0.2,
            cr_alpha=3.0,
            cr_after_images=150_000,
        ),
        phases=(Phase(),),
        train=TrainOptions(images=200_000, checkpoint_every=25_000),
    )
