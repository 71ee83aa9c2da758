"""Semi-StyleGAN on MPI3D (toy) at 64x64 with 0.5 % of the labels (2,304 of 460,800).

  ssgan data build mpi3d --config=toy --data_dir=data --manual_dir=downloads
  ssgan train --config=mpi3d --workdir=runs/mpi3d --data_dir=data

Not run yet. The images take 5.3 GiB of memory, or 11.9 GiB in the releases with 1,036,800 images. To choose another
release, build it with e.g. --config=real and train with --set=data.dataset=mpi3d/real
"""

from ssgan_tf.config import PUBLISHED_LENGTHS, Config, DataOptions, TrainOptions, progressive
from ssgan_tf.models import SemiStyleGANOptions


def get_config() -> Config:
    length = PUBLISHED_LENGTHS["dsprites"]
    return Config(
        data=DataOptions(
            dataset="mpi3d/toy",
            factors=(
                "object_color",
                "object_shape",
                "object_size",
                "camera_height",
                "background_color",
                "horizontal_axis",
                "vertical_axis",
            ),
            labeled_fraction=0.005,
        ),
        model=SemiStyleGANOptions(),
        phases=progressive(64, length.phase),
        train=TrainOptions(images=length.total, sample_every=200_000, checkpoint_every=200_000),
    )
