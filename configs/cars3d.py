"""Cars3D at 64x64 with 10 % of the labels (1,757 of 17,568).

The paper trains on no Cars3D. Its settings for others: gamma_g = beta = 10, gamma_e = 0, alpha = 1, xi = 0.75, the
networks' sizes. From its authors' earlier program: batches of 8 GPUs, learning rate, R1, growth from 8x8. Ours: the
share of labels, the size of the labelled batches, the lengths.

The pictures need 0.2 GiB of memory.

Images: 250,000 at 8x8; 500,000 at each of 16x16, 32x32, half of them fading in; the other 8,750,000 of 10,000,000 at
64x64, the first 250,000 fading in.

  tfds build tfds_builders/cars3d --config=64 --data_dir=data --manual_dir=downloads
  python -m ssgan_tf.train --config=configs/cars3d.py --workdir=runs/cars3d --data_dir=data
"""

from ssgan_tf.config import Config, DataOptions, NetworkOptions, TrainOptions, progressive
from ssgan_tf.models import SemiStyleGANOptions


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="cars3d/64",
            factors=("elevation", "azimuth", "object_type"),
            labeled_fraction=0.1,
        ),
        model=SemiStyleGANOptions(
            network=NetworkOptions(resolution=64),
            gamma_g=10.0,
            gamma_e=0.0,
            beta=10.0,
            alpha=1.0,
            xi=0.75,
            r1=10.0,
        ),
        phases=progressive(resolution=64, phase_images=500_000),
        train=TrainOptions(images=10_000_000, log_every=5_000, sample_every=200_000, checkpoint_every=200_000),
    )
