"""Semi-StyleGAN on Cars3D at 64x64 with 10 % of the labels (1,757 of 17,568).

  ssgan data build cars3d --config=64 --data_dir=data --manual_dir=downloads
  ssgan train --config=cars3d --workdir=runs/cars3d --data_dir=data

Not run yet. The images take 0.2 GiB of memory. The length of the run is our choice.
"""

from ssgan_tf.config import Config, DataOptions, TrainOptions, progressive
from ssgan_tf.models import SemiStyleGANOptions


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="cars3d/64",
            factors=("elevation", "azimuth", "object_type"),
            labeled_fraction=0.1,
        ),
        model=SemiStyleGANOptions(),
        phases=progressive(64, phase_images=500_000),
        train=TrainOptions(images=10_000_000, sample_every=200_000, checkpoint_every=200_000),
    )
