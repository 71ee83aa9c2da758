"""Semi-StyleGAN on SmallNORB, reduced from 96x96 to 64x64, with 2.5 % of the labels (1,215 of 48,600).

  ssgan data build smallnorb --data_dir=data
  ssgan train --config=smallnorb --workdir=runs/smallnorb --data_dir=data

Not run yet. TFDS downloads SmallNORB: the left image of each stereo pair. The published halves for training and testing
are used together, since each has only five of the ten toys of every category. The number of a toy (`instance`) has no
meaning across categories.
"""

from ssgan_tf.config import PUBLISHED_LENGTHS, Config, DataOptions, NetworkOptions, TrainOptions, progressive
from ssgan_tf.models import SemiStyleGANOptions


def get_config() -> Config:
    length = PUBLISHED_LENGTHS["dsprites"]
    return Config(
        data=DataOptions(
            dataset="smallnorb",
            split="train+test",
            resolution=64,
            factors=("category", "elevation", "azimuth", "lighting", "instance"),
        ),
        model=SemiStyleGANOptions(network=NetworkOptions(channels=1)),
        phases=progressive(64, length.phase),
        train=TrainOptions(images=length.total, sample_every=200_000, checkpoint_every=200_000),
    )
