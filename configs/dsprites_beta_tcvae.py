"""beta-TCVAE on dSprites at 64x64, as in disentanglement_lib: 690,517 parameters, 300,000 steps of 64 images.

  ssgan data build dsprites --data_dir=data
  ssgan train --config=dsprites_beta_tcvae --workdir=runs/dsprites_beta_tcvae --data_dir=data

Not run yet at this length; docs/select.md has ten shorter runs, on sprites2d. TFDS downloads dSprites (27 MB).
Without the download: build sprites2d with --config=full instead, and train with --set=data.dataset=sprites2d/full
--set=data.factors=shape,scale,orientation,position_x,position_y

Networks, the 10 latents, batches, length and learning rate are those of disentanglement_lib's study, whose values of
beta are 1, 2, 4, 6 (here), 8 and 10.
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
        model=BetaTCVAEOptions(channels=1, dataset_size=737_280),
        phases=(Phase(batch=64, learning_rate=0.0001),),
        train=TrainOptions(images=19_200_000, sample_every=200_000, checkpoint_every=200_000),
    )
