"""Semi-StyleGAN on CelebA's 40 attributes at 256x256 with 0.5 % of the labels (1,013 of 202,599).

  ssgan data build celeba_attributes --config=crop178_256 --data_dir=data --manual_dir=downloads \
    --file_format=array_record
  ssgan train --config=celeba_256 --workdir=runs/celeba_256 --data_dir=data

Not run yet. CelebA's files go into downloads/, see tfds_builders/celeba_attributes/README.md. The images are read from
disk; they would take 37.1 GiB of memory (--set=data.memory_gib=38 keeps them there). How the paper crops images and
encodes attributes is not known. Here the middle 178x178 of the aligned images is enlarged, and attributes are codes 0
and 1 with the same loss as other factors. The length of the run is that of the authors' earlier program for FFHQ.
"""

from ssgan_tf.config import PUBLISHED_LENGTHS, Config, DataOptions, NetworkOptions, TrainOptions, progressive
from ssgan_tf.models import SemiStyleGANOptions

ATTRIBUTES = """
    5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose Black_Hair Blond_Hair
    Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee Gray_Hair Heavy_Makeup High_Cheekbones
    Male Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard Oval_Face Pale_Skin Pointy_Nose Receding_Hairline
    Rosy_Cheeks Sideburns Smiling Straight_Hair Wavy_Hair Wearing_Earrings Wearing_Hat Wearing_Lipstick
    Wearing_Necklace Wearing_Necktie Young
"""


def get_config() -> Config:
    length = PUBLISHED_LENGTHS["ffhq"]
    return Config(
        data=DataOptions(
            dataset="celeba_attributes/crop178_256",
            factors=tuple(ATTRIBUTES.split()),
            labeled_fraction=0.005,
        ),
        model=SemiStyleGANOptions(network=NetworkOptions(256), gamma_g=1.0, beta=1.0),
        phases=progressive(256, length.phase),
        train=TrainOptions(images=length.total, sample_every=200_000, checkpoint_every=200_000),
    )
