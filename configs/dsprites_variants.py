"""Semi-StyleGAN on a variant of dSprites in RGB at 64x64 with 0.5 % of the labels (3,686 of 737,280).

Sprites in random colours:
  ssgan data build dsprites_color --config=dsprites --data_dir=data
  ssgan train --config=dsprites_variants:color --workdir=runs/dsprites_color --data_dir=data
In front of noise:
  ssgan data build dsprites_noisy --config=dsprites --data_dir=data
  ssgan train --config=dsprites_variants:noisy --workdir=runs/dsprites_noisy --data_dir=data
On parts of The Scream (put scream.jpg into downloads/, see tfds_builders/dsprites_scream/README.md):
  ssgan data build dsprites_scream --config=dsprites --data_dir=data --manual_dir=downloads
  ssgan train --config=dsprites_variants:scream --workdir=runs/dsprites_scream --data_dir=data

Not run yet. The images take 8.4 GiB of memory; those of dsprites_noisy also take 8.4 GiB on disk. Without the download
of dSprites: build with --config=sprites2d, and train with e.g. --set=data.dataset=dsprites_color/sprites2d
"""

from ssgan_tf.config import PUBLISHED_LENGTHS, Config, DataOptions, TrainOptions, progressive
from ssgan_tf.models import SemiStyleGANOptions

VARIANTS = ("color", "noisy", "scream")


def get_config(variant: str = "color") -> Config:
    length = PUBLISHED_LENGTHS["dsprites"]
    return Config(
        data=DataOptions(
            dataset=f"dsprites_{variant}/dsprites",
            factors=("shape", "scale", "orientation", "position_x", "position_y"),
            labeled_fraction=0.005,
        ),
        model=SemiStyleGANOptions(),
        phases=progressive(64, length.phase),
        train=TrainOptions(images=length.total, sample_every=200_000, checkpoint_every=200_000),
    )
