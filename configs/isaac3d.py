"""Semi-StyleGAN on Isaac3D at 128x128 with 0.1 % of the labels (737), or at 512x512 with 1 % (7,373).

  ssgan data build isaac3d --config=release128 --data_dir=data --manual_dir=downloads --file_format=array_record
  ssgan train --config=isaac3d:128 --workdir=runs/isaac3d_128 --data_dir=data

  ssgan data build isaac3d --config=full --data_dir=data --manual_dir=downloads --file_format=array_record
  ssgan train --config=isaac3d:512 --workdir=runs/isaac3d_512 --data_dir=data

Not run yet. 49.1 and 49.5 million parameters. The 737,280 images are read from disk: they would take 33.8 GiB of memory
at 128x128 (--set=data.memory_gib=34 keeps them there) and 540 GiB at 512x512. The paper's model for editing fine
factors at 512x512, Semi-StyleGAN-fine, is a different one.

Near-full supervision, according to the paper: --set=data.labeled_fraction=0.0025
Info-StyleGAN (no labels): --set=data.labeled_fraction=0 --set=model.beta=0 --set=model.alpha=0 --set=model.gamma_e=10
"""

from ssgan_tf.config import PUBLISHED_LENGTHS, Config, DataOptions, NetworkOptions, TrainOptions, progressive
from ssgan_tf.models import SemiStyleGANOptions

VARIANTS = {"128": ("isaac3d/release128", 0.001), "512": ("isaac3d/full", 0.01)}


def get_config(variant: str = "128") -> Config:
    dataset, labeled_fraction = VARIANTS[variant]
    resolution = int(variant)
    length = PUBLISHED_LENGTHS["isaac3d"]
    return Config(
        data=DataOptions(
            dataset=dataset,
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
            labeled_fraction=labeled_fraction,
        ),
        model=SemiStyleGANOptions(network=NetworkOptions(resolution)),
        phases=progressive(resolution, length.phase),
        train=TrainOptions(images=length.total, sample_every=200_000, checkpoint_every=200_000),
    )
