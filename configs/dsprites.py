"""Info-StyleGAN on dSprites at 64x64: no labels, the networks of the paper, 47.9 million weights.

From the paper: no labels (its table for dSprites has none), and the networks' sizes (47.89M with five codes). From its
authors' earlier program: gamma 1 (the paper's value for this data set is not known), batches of 8 GPUs, learning rate,
R1, growth from 8x8 and the lengths. Ours, since neither says: gamma_e = gamma_g, the averaged generator, the linear
output. The pictures need 2.8 GiB of memory. TFDS downloads dSprites (27 MB).

Images: 1,110,000 at 8x8; 2,220,000 at each of 16x16, 32x32, half of them fading in; the other 38,850,000 of 44,400,000
at 64x64, the first 1,110,000 fading in.

  tfds build dsprites --data_dir=data
  python -m ssgan_tf.train --config=configs/dsprites.py --workdir=runs/dsprites --data_dir=data

Semi-StyleGAN with 0.5 % of the labels, at the weights that the paper has for other data sets:
--set=data.labeled_fraction=0.005 --set=model.gamma_g=10 --set=model.gamma_e=0 --set=model.beta=10 --set=model.alpha=1
Without the download: build tfds_builders/sprites2d --config=full instead, and --set=data.dataset=sprites2d/full
--set=data.factors=shape,scale,orientation,position_x,position_y
"""

from ssgan_tf.config import Config, DataOptions, NetworkOptions, TrainOptions, progressive
from ssgan_tf.models import SemiStyleGANOptions


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="dsprites",
            factors=("shape", "scale", "orientation", "x_position", "y_position"),
            labeled_fraction=0.0,
        ),
        model=SemiStyleGANOptions(
            network=NetworkOptions(resolution=64, channels=1),
            gamma_g=1.0,
            gamma_e=1.0,
            beta=0.0,
            alpha=0.0,
            r1=10.0,
        ),
        phases=progressive(resolution=64, phase_images=2_220_000),
        train=TrainOptions(images=44_400_000, log_every=5_000, sample_every=200_000, checkpoint_every=200_000),
    )
