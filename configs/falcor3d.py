"""Semi-StyleGAN on Falcor3D at 128x128 with 0.5 % of the labels (1,166), at 512x512 or 1024x1024 with 1 % (2,333).

  ssgan data build falcor3d --config=release128 --data_dir=data --manual_dir=downloads \
    --file_format=array_record
  ssgan train --config=falcor3d:128 --workdir=runs/falcor3d_128 --data_dir=data

  ssgan data build falcor3d --config=512 --data_dir=data --manual_dir=downloads \
    --file_format=array_record
  ssgan train --config=falcor3d:512 --workdir=runs/falcor3d_512 --data_dir=data

  ssgan data build falcor3d --config=full --data_dir=data --manual_dir=downloads \
    --file_format=array_record
  ssgan train --config=falcor3d:1024 --workdir=runs/falcor3d_1024 --data_dir=data

Not run yet. 49.1 to 49.6 million parameters. The 233,280 images take 10.7 GiB of memory at 128x128. At 512x512 and
1024x1024 they would take 171 and 683 GiB, and are read from disk.

Near-full supervision, according to the paper: --set=data.labeled_fraction=0.025
"""

from ssgan_tf.config import PUBLISHED_LENGTHS, Config, DataOptions, NetworkOptions, TrainOptions, progressive
from ssgan_tf.models import SemiStyleGANOptions

VARIANTS = {"128": ("falcor3d/release128", 0.005), "512": ("falcor3d/512", 0.01), "1024": ("falcor3d/full", 0.01)}


def get_config(variant: str = "128") -> Config:
    dataset, labeled_fraction = VARIANTS[variant]
    resolution = int(variant)
    length = PUBLISHED_LENGTHS["falcor3d"]
    return Config(
        data=DataOptions(
            dataset=dataset,
            factors=(
                "lighting_intensity",
                "lighting_x_dir",
                "lighting_y_dir",
                "lighting_z_dir",
                "camera_x_pos",
                "camera_y_pos",
                "camera_z_pos",
            ),
            labeled_fraction=labeled_fraction,
        ),
        model=SemiStyleGANOptions(network=NetworkOptions(resolution)),
        phases=progressive(resolution, length.phase),
        train=TrainOptions(images=length.total, sample_every=200_000, checkpoint_every=200_000),
    )
