"""Semi-StyleGAN on 3D Shapes at 64x64 with 0.5 % of the labels (2,400 of 480,000).

  ssgan data build shapes3d --data_dir=data
  ssgan train --config=shapes3d --workdir=runs/shapes3d --data_dir=data

Not run yet. TFDS downloads 3D Shapes; the images take 5.5 GiB of memory. scene3d/shapes has the same factors and needs
no download.
"""

from ssgan_tf.config import PUBLISHED_LENGTHS, Config, DataOptions, TrainOptions, progressive
from ssgan_tf.models import SemiStyleGANOptions


def get_config() -> Config:
    length = PUBLISHED_LENGTHS["dsprites"]
    return Config(
        data=DataOptions(
            dataset="shapes3d",
            factors=("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation"),
            labeled_fraction=0.005,
        ),
        model=SemiStyleGANOptions(),
        phases=progressive(64, length.phase),
        train=TrainOptions(images=length.total, sample_every=200_000, checkpoint_every=200_000),
    )
