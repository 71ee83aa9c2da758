"""Info-StyleGAN (no labels) on dSprites at 64x64, with the paper's networks: 47.9 million parameters.

  ssgan data build dsprites --data_dir=data
  ssgan train --config=dsprites --workdir=runs/dsprites --data_dir=data

Not run yet. TFDS downloads dSprites (27 MB); the images take 2.8 GiB of memory.
Without the download: build sprites2d with --config=full instead, and train with --set=data.dataset=sprites2d/full
--set=data.factors=shape,scale,orientation,position_x,position_y

Semi-StyleGAN with 0.5 % of the labels, and the weights that the paper uses on other data sets:
--set=data.labeled_fraction=0.005 --set=model.gamma_g=10 --set=model.gamma_e=0 --set=model.beta=10 --set=model.alpha=1
"""

from ssgan_tf.config import PUBLISHED_LENGTHS, Config, DataOptions, NetworkOptions, TrainOptions, progressive
from ssgan_tf.models import SemiStyleGANOptions


def get_config() -> Config:
    length = PUBLISHED_LENGTHS["dsprites"]
    return Config(
        data=DataOptions(
            dataset="dsprites",
            factors=("shape", "scale", "orientation", "x_position", "y_position"),
            labeled_fraction=0.0,
        ),
        model=SemiStyleGANOptions(
            network=NetworkOptions(channels=1),
            gamma_g=1.0,
            gamma_e=1.0,
            beta=0.0,
            alpha=0.0,
        ),
        phases=progressive(64, length.phase),
        train=TrainOptions(images=length.total, sample_every=200_000, checkpoint_every=200_000),
    )
