"""42 real pictures of Isaac3D, most of their labels unknown, at 64x64: too few to learn from, enough to try it.

300 steps in two to three minutes on two cores. samples/data.png shows the pictures as the networks see them.

tfds build tfds_builders/labeled_folder --data_dir=data \
    --config='{"name": "isaac3d_samples_64", "folder": "../shared/data/isaac3d_samples", "resolution": 64}'
python -m ssgan_tf.train --config=configs/isaac3d_samples_64.py --workdir=runs/isaac3d_samples_64 --data_dir=data
"""

from ssgan_tf.config import Config, DataOptions, Phase, TrainOptions, small_64
from ssgan_tf.models import SemiStyleGANOptions


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="labeled_folder/isaac3d_samples_64",
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
            labeled_fraction=1.0,
        ),
        model=SemiStyleGANOptions(network=small_64(channels=3), r1_interval=4, ema_half_life=200),
        phases=(Phase(batch=8, labeled_batch=8),),
        train=TrainOptions(images=2_400, log_every=80, sample_every=800, checkpoint_every=800),
    )
