"""InfoGAN-CR on dSprites at 64x64 as published: 763,020 parameters, 322,560 steps of 64 images.

  ssgan data build dsprites --data_dir=data
  ssgan train --config=dsprites_infogan_cr --workdir=runs/dsprites_infogan_cr --data_dir=data

Not run yet. Published, by the authors' own metrics, over 50 runs: FactorVAE 0.88 and MIG 0.37; 0.82 and 0.22 before the
contrastive loss starts. TFDS downloads dSprites (27 MB).
Without the download: build sprites2d with --config=full instead, and train with --set=data.dataset=sprites2d/full
--set=data.factors=shape,scale,orientation,position_x,position_y

All settings are those of the authors' program, which gives two weights for the contrastive loss: 2 (used here) and 1.
That loss starts at image 18,432,000 (step 288,000). "InfoGAN (modified)" is the run up to that point:
--set=train.images=18_432_000 stops it there, with a checkpoint. Copy the workdir, and continue with the command above;
the result has the same bits as without the stop.
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
        model=InfoGANCROptions(),
        phases=(Phase(batch=64),),
        train=TrainOptions(images=20_643_840, log_every=6_400, sample_every=256_000, checkpoint_every=256_000),
    )
