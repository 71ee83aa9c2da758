"""FactorVAE on dSprites at 64x64, as in disentanglement_lib: 5.71 million parameters.

From disentanglement_lib's study: networks, 10 latents, batches of 64, both optimizers, 300,000 steps. Its program
counts a step for each optimizer, so it may have taken half as many. gamma is one of those that it and InfoGAN-CR's
authors have; what Semi-StyleGAN's table was made with is not known. TFDS downloads dSprites (27 MB). Time and scores
have not been measured yet.

  tfds build dsprites --data_dir=data
  python -m ssgan_tf.train --config=configs/dsprites_factor_vae.py --workdir=runs/dsprites_factor_vae --data_dir=data

Without the download: build tfds_builders/sprites2d --config=full instead, and --set=data.dataset=sprites2d/full
--set=data.factors=shape,scale,orientation,position_x,position_y
"""

from ssgan_tf.config import Config, DataOptions, Phase, TrainOptions
from ssgan_tf.models import FactorVAEOptions


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="dsprites",
            factors=("shape", "scale", "orientation", "x_position", "y_position"),
            labeled_fraction=0.0,
        ),
        model=FactorVAEOptions(resolution=64, channels=1, latents=10, gamma=40.0),
        phases=(Phase(batch=64, learning_rate=0.0001),),
        train=TrainOptions(images=19_200_000, log_every=5_000, sample_every=200_000, checkpoint_every=200_000),
    )
