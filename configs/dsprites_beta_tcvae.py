"""beta-TCVAE on dSprites at 64x64, as in disentanglement_lib: 690,517 parameters.

Networks, 10 latents, batches of 64, 300,000 steps and Adam's rate are those of disentanglement_lib's study, beta is one
of its six (1, 2, 4, 6, 8, 10). TFDS downloads dSprites (27 MB). The whole run was not made; docs/select.md has a pool
of ten shorter ones on sprites2d.

  tfds build dsprites --data_dir=data
  python -m ssgan_tf.train --config=configs/dsprites_beta_tcvae.py --workdir=runs/dsprites_beta_tcvae --data_dir=data

Without the download: build tfds_builders/sprites2d --config=full instead, and --set=data.dataset=sprites2d/full
--set=data.factors=shape,scale,orientation,position_x,position_y
"""

from ssgan_tf.config import Config, DataOptions, Phase, TrainOptions
from ssgan_tf.models import BetaTCVAEOptions


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="dsprites",
            factors=("shape", "scale", "orientation", "x_position", "y_position"),
            labeled_fraction=0.0,
        ),
        model=BetaTCVAEOptions(resolution=64, channels=1, latents=10, beta=6.0, dataset_size=737_280),
        phases=(Phase(batch=64, learning_rate=0.0001),),
        train=TrainOptions(images=19_200_000, log_every=5_000, sample_every=200_000, checkpoint_every=200_000),
    )
