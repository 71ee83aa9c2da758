"""dSprites in front of noise (737,280 pictures) at 64x64 with 0.5 % of the labels (3,686).

From the paper, which trains on other data sets: gamma_g = beta = 10, gamma_e = 0, alpha = 1, xi = 0.75, the networks'
sizes. From its authors' earlier program: batches of 8 GPUs, learning rate, R1, growth from 8x8, and the lengths that
it has for dSprites. Ours: the share of labels, the size of the labelled batches, the averaged generator, the linear
output. The pictures need 8.4 GiB of memory, and as much on the disk.

Images: 1,110,000 at 8x8; 2,220,000 at each of 16x16, 32x32, half of them fading in; the other 38,850,000 of 44,400,000
at 64x64, the first 1,110,000 fading in.

  tfds build tfds_builders/dsprites_noisy --config=dsprites --data_dir=data
  python -m ssgan_tf.train --config=configs/dsprites_noisy.py --workdir=runs/dsprites_noisy --data_dir=data

Without the download: --config=sprites2d when building, and --set=data.dataset=dsprites_noisy/sprites2d
"""

from ssgan_tf.config import Config, DataOptions, NetworkOptions, TrainOptions, progressive
from ssgan_tf.models import SemiStyleGANOptions


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="dsprites_noisy/dsprites",
            factors=("shape", "scale", "orientation", "position_x", "position_y"),
            labeled_fraction=0.005,
        ),
        model=SemiStyleGANOptions(
            network=NetworkOptions(resolution=64, channels=3),
            gamma_g=10.0,
            gamma_e=0.0,
            beta=10.0,
            alpha=1.0,
            xi=0.75,
            r1=10.0,
        ),
        phases=progressive(resolution=64, phase_images=2_220_000),
        train=TrainOptions(images=44_400_000, log_every=5_000, sample_every=200_000, checkpoint_every=200_000),
    )
