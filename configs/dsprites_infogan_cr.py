"""InfoGAN-CR on dSprites as published: 64x64, 763,020 weights, 322,560 steps of 64 images.

All numbers are those of the authors' program; its two settings of the contrastive weight are 2 (here) and 1. From
image 18,432,000 on, step 288,000, the contrastive loss has its weight. Until there the run is what the paper calls
"InfoGAN (modified)": --set=train.images=18_432_000 stops it at that very step, with a checkpoint; copy the workdir, and
the command as it is goes on, to the same bits as without the stop. TFDS downloads dSprites (27 MB).

Published scores, 50 runs, by the authors' own metrics: FactorVAE 0.82 and MIG 0.22 before, 0.88 and 0.37 at the end.
Measured here: nothing yet.

  tfds build dsprites --data_dir=data
  python -m ssgan_tf.train --config=configs/dsprites_infogan_cr.py --workdir=runs/dsprites_infogan_cr --data_dir=data

Without the download: build tfds_builders/sprites2d --config=full instead, and --set=data.dataset=sprites2d/full
--set=data.factors=shape,scale,orientation,position_x,position_y
"""

from ssgan_tf.config import Config, DataOptions, Phase, TrainOptions
from ssgan_tf.models import InfoGANCROptions


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="dsprites",
            factors=("shape", "scale", "orientation", "x_position", "y_position"),
            labeled_fraction=0.0,
        ),
        model=InfoGANCROptions(
            resolution=64,
            channels=1,
            codes=5,
            noise_size=5,
            lambda_g=0.05,
            lambda_d=0.05,
            cr_alpha=2.0,
            cr_after_images=18_432_000,
        ),
        phases=(Phase(batch=64, learning_rate=0.001),),
        train=TrainOptions(images=20_643_840, log_every=6_400, sample_every=256_000, checkpoint_every=256_000),
    )
