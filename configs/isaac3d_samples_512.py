"""42 real pictures of Isaac3D, most of their labels unknown, at 512x512, with a network narrow enough for two cores.

Ten steps of 2 s; drawing the pictures at the end takes longer than they do. 3 GiB of memory.

tfds build tfds_builders/labeled_folder --data_dir=data \
    --config='{"name": "isaac3d_samples_512", "folder": "../shared/data/isaac3d_samples", "resolution": 512}'
python -m ssgan_tf.train --config=configs/isaac3d_samples_512.py --workdir=runs/isaac3d_samples_512 --data_dir=data
"""

from ssgan_tf.config import Config, DataOptions, NetworkOptions, Phase, TrainOptions
from ssgan_tf.models import SemiStyleGANOptions


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="labeled_folder/isaac3d_samples_512",
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
        model=SemiStyleGANOptions(
            network=NetworkOptions(
                resolution=512, fmap_base=2048, fmap_max=64, noise_size=64, style_size=64, mapping_layers=4
            ),
            ema_half_life=20,
        ),
        phases=(Phase(batch=4, labeled_batch=4),),
        train=TrainOptions(images=40, log_every=4, sample_every=40, checkpoint_every=40),
    )
