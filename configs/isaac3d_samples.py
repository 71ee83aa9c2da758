"""Semi-StyleGAN on 42 real images of Isaac3D, with most labels unknown: too few to learn from, enough for a trial.

At 64x64:
  ssgan data build labeled_folder --data_dir=data \
    --config='{"name": "isaac3d_samples_64", "folder": "../shared/data/isaac3d_samples", "resolution": 64}'
  ssgan train --config=isaac3d_samples:64 --workdir=runs/isaac3d_samples_64 --data_dir=data
At 512x512, with networks narrow enough for two CPU cores:
  ssgan data build labeled_folder --data_dir=data \
    --config='{"name": "isaac3d_samples_512", "folder": "../shared/data/isaac3d_samples", "resolution": 512}'
  ssgan train --config=isaac3d_samples:512 --workdir=runs/isaac3d_samples_512 --data_dir=data

Expected: on two cores, two to three minutes for the 300 steps at 64x64; 2 s for each of the ten steps at 512x512, with
3 GiB of memory; the grids at the end take longer than all of the steps. samples/data.png shows the images as the
networks see them.
"""

from ssgan_tf.config import Config, DataOptions, NetworkOptions, Phase, TrainOptions, small_64
from ssgan_tf.models import SemiStyleGANOptions

VARIANTS = {
    "64": (
        SemiStyleGANOptions(network=small_64(channels=3), r1_interval=4, ema_half_life=200),
        Phase(batch=8, labeled_batch=8),
        TrainOptions(images=2_400, log_every=80, sample_every=800, checkpoint_every=800),
    ),
    "512": (
        SemiStyleGANOptions(
            network=NetworkOptions(512, fmap_base=2048, fmap_max=64, noise_size=64, style_size=64, mapping_layers=4),
            ema_half_life=20,
        ),
        Phase(batch=4, labeled_batch=4),
        TrainOptions(images=40, log_every=4, sample_every=40, checkpoint_every=40),
    ),
}


def get_config(variant: str = "64") -> Config:
    model, phase, train = VARIANTS[variant]
    return Config(
        data=DataOptions(
            dataset=f"labeled_folder/isaac3d_samples_{variant}",
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
        model=model,
        phases=(phase,),
        train=train,
    )
