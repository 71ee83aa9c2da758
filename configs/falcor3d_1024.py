"""Falcor3D at its own 1024x1024 with 1 % of the labels (2,333 of 233,280).

From the paper: gamma_g = beta = 10, gamma_e = 0, alpha = 1, xi = 0.75, 1 % of the labels (its figure of traversals),
and the networks' sizes. From the authors' earlier program: batches of 8 GPUs, learning rates, R1, growth from 8x8 and
the lengths. Ours, since neither says: the size of the labelled batches, the averaged generator, the linear output. The
paper's lengths are not known.

The pictures would need 683 GiB of memory; they are read from disk.

Images: 640,000 at 8x8; 1,280,000 at each of 16x16, 32x32, 64x64, 128x128, 256x256, 512x512, half of them fading in;
the other 17,280,000 of 25,600,000 at 1024x1024, the first 640,000 fading in.

  tfds build tfds_builders/falcor3d --config=full --data_dir=data --manual_dir=downloads \
      --file_format=array_record
  python -m ssgan_tf.train --config=configs/falcor3d_1024.py --workdir=runs/falcor3d_1024 --data_dir=data
"""

from ssgan_tf.config import Config, DataOptions, NetworkOptions, TrainOptions, progressive
from ssgan_tf.models import SemiStyleGANOptions


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="falcor3d/full",
            factors=(
                "lighting_intensity",
                "lighting_x_dir",
                "lighting_y_dir",
                "lighting_z_dir",
                "camera_x_pos",
                "camera_y_pos",
                "camera_z_pos",
            ),
            labeled_fraction=0.01,
        ),
        model=SemiStyleGANOptions(
            network=NetworkOptions(resolution=1024),
            gamma_g=10.0,
            gamma_e=0.0,
            beta=10.0,
            alpha=1.0,
            xi=0.75,
            r1=10.0,
        ),
        phases=progressive(resolution=1024, phase_images=1_280_000),
        train=TrainOptions(images=25_600_000, log_every=5_000, sample_every=200_000, checkpoint_every=200_000),
    )
