"""Isaac3D at 128x128 with 0.1 % of the labels (737 of 737,280), the networks of the paper: 49 million weights.

From the paper: gamma_g = beta = 10, gamma_e = 0, alpha = 1, xi = 0.75, 0.1 % of the labels (its ablation), and the
networks' sizes (49.05M with nine codes). From the authors' earlier program: batch, learning rate (that of the last
resolution), R1, growth from 8x8 and the lengths. Ours, since neither says: the size of the labelled batch, the
averaged generator, the linear output. The paper's lengths are not known; 8 GPUs were used for the earlier program.

The pictures need 33.8 GiB of memory: --set=data.memory_gib=34 where there is as much. Otherwise they
are read from disk.

  tfds build tfds_builders/isaac3d --config=release128 --data_dir=data --manual_dir=downloads \
      --file_format=array_record
  python -m ssgan_tf.train --config=configs/isaac3d_128.py --workdir=runs/isaac3d_128 --data_dir=data

Near-full supervision, as the paper found it: --set=data.labeled_fraction=0.0025. Info-StyleGAN (no labels):
--set=data.labeled_fraction=0 --set=model.beta=0 --set=model.alpha=0 --set=model.gamma_e=10
"""

from ssgan_tf.config import Config, DataOptions, NetworkOptions, SemiStyleGANOptions, TrainOptions


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
            batch=32,
            labeled_batch=32,
        ),
        model=SemiStyleGANOptions(
            network=NetworkOptions(resolution=128),
            gamma_g=10.0,
            gamma_e=0.0,
            beta=10.0,
            alpha=1.0,
            xi=0.75,
            r1=10.0,
            learning_rate=0.0015,
            grow_from=8,
            phase_images=1_480_000,
        ),
        train=TrainOptions(images=29_600_000, log_every=5_000, sample_every=200_000, checkpoint_every=200_000),
    )
