"""Isaac3D at its own 512x512 with 1 % of the labels (7,373 of 737,280).

From the paper: gamma_g = beta = 10, gamma_e = 0, alpha = 1, xi = 0.75, 1 % of the labels (its fine editing at 512),
and the networks' sizes. From the authors' earlier program: batches of 8 GPUs, learning rates, R1, growth from 8x8 and
the lengths. Ours, since neither says: the size of the labelled batches, the averaged generator, the linear output and
doing without the paper's fine model, which this is not. The paper's lengths are not known.

The pictures would need 540 GiB of memory; they are read from disk.

Images: 740,000 at 8x8; 1,480,000 at each of 16x16, 32x32, 64x64, 128x128, 256x256, half of them fading in; the other
21,460,000 of 29,600,000 at 512x512, the first 740,000 fading in.

  tfds build tfds_builders/isaac3d --config=full --data_dir=data --manual_dir=downloads \
      --file_format=array_record
  python -m ssgan_tf.train --config=configs/isaac3d_512.py --workdir=runs/isaac3d_512 --data_dir=data
"""

from ssgan_tf.config import Config, DataOptions, NetworkOptions, TrainOptions, progressive
from ssgan_tf.models import SemiStyleGANOptions


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="isaac3d/full",
            factors=(
                "object_shape",
                "robot_x_move",
                "robot_y_move",
                "camera_height",
                "object_scale",
                "lighting_intensity",
                "lighting_y_dir",
                "object_color",
                "wall_color",
            ),
            labeled_fraction=0.01,
        ),
        model=SemiStyleGANOptions(
            network=NetworkOptions(resolution=512),
            gamma_g=10.0,
            gamma_e=0.0,
            beta=10.0,
            alpha=1.0,
            xi=0.75,
            r1=10.0,
        ),
        phases=progressive(resolution=512, phase_images=1_480_000),
        train=TrainOptions(images=29_600_000, log_every=5_000, sample_every=200_000, checkpoint_every=200_000),
    )
