"""Isaac3D at 128x128 with 0.1 % of the labels (737 of 737,280), the networks of the paper: 49 million weights.

From the paper: gamma_g = beta = 10, gamma_e = 0, alpha = 1, xi = 0.75, 0.1 % of the labels (its ablation), and the
networks' sizes (49.05M with nine codes). From the authors' earlier program: batches of 8 GPUs, learning rates, R1,
growth from 8x8 and the lengths. Ours, since neither says: the size of the labelled batches, the averaged generator,
the linear output. The paper's lengths are not known.

The pictures need 33.8 GiB of memory: --set=data.memory_gib=34 where there is as much. Otherwise they
are read from disk.

Images: 740,000 at 8x8; 1,480,000 at each of 16x16, 32x32, 64x64, half of them fading in; the other 24,420,000 of
29,600,000 at 128x128, the first 740,000 fading in.

  tfds build tfds_builders/isaac3d --config=release128 --data_dir=data --manual_dir=downloads \
      --file_format=array_record
  python -m ssgan_tf.train --config=configs/isaac3d_128.py --workdir=runs/isaac3d_128 --data_dir=data

Near-full supervision, as the paper found it: --set=data.labeled_fraction=0.0025. Info-StyleGAN (no labels):
--set=data.labeled_fraction=0 --set=model.beta=0 --set=model.alpha=0 --set=model.gamma_e=10
"""

from ssgan_tf.config import Config, DataOptions, NetworkOptions, TrainOptions, progressive
from ssgan_tf.models import SemiStyleGANOptions


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="isaac3d/release128",
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
            labeled_fraction=0.001,
        ),
        model=SemiStyleGANOptions(
            network=NetworkOptions(resolution=128),
            gamma_g=10.0,
            gamma_e=0.0,
            beta=10.0,
            alpha=1.0,
            xi=0.75,
            r1=10.0,
        ),
        phases=progressive(resolution=128, phase_images=1_480_000),
        train=TrainOptions(images=29_600_000, log_every=5_000, sample_every=200_000, checkpoint_every=200_000),
    )
