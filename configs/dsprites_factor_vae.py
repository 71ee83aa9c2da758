"""FactorVAE on dSprites at 64x64, as in disentanglement_lib: 5.71 million parameters, 300,000 steps of 64 images.

  ssgan data build dsprites --data_dir=data
  ssgan train --config=dsprites_factor_vae --workdir=runs/dsprites_factor_vae --data_dir=data

Not run yet. TFDS downloads dSprites (27 MB).
Without the download: build sprites2d with --config=full instead, and train with --set=data.dataset=sprites2d/full
--set=data.factors=shape,scale,orientation,position_x,position_y

Networks, the 10 latents, batches, length and both optimizers are those of disentanglement_lib's study. Its program
counts a step for each optimizer, so its runs may have half this length. gamma is one of the values in that study and in
InfoGAN-CR's; the value behind the table in the Semi-StyleGAN paper is not known.
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
        model=FactorVAEOptions(channels=1, gamma=40.0),
        phases=(Phase(batch=64, learning_rate=0.0001),),
        train=TrainOptions(images=19_200_000, sample_every=200_000, checkpoint_every=200_000),
    )
