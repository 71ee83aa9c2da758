"""CelebA at 256x256 with its 40 attributes and 0.5 % of the labels (1,013 of 202,599), the networks of the paper.

From the paper: 256x256, 40 attributes, 0.5 % of the labels, gamma_g = beta = 1, gamma_e = 0, alpha = 1, xi = 0.75, the
networks' sizes. From its authors' earlier program: batches of 8 GPUs, learning rates, R1, growth from 8x8, and the
lengths that it has for another set of faces. Ours, since neither says: how the images are cut (the middle 178x178 of
the aligned ones, enlarged), codes 0 and 1 with the same loss as other factors, the size of the labelled batches, the
averaged generator, the linear output.

The images need 37.1 GiB of memory: --set=data.memory_gib=38 where there is as much. Otherwise they are read from disk,
which takes --file_format=array_record. downloads/ holds CelebA's files: tfds_builders/celeba_attributes/README.md.

Images: 600,000 at 8x8; 1,200,000 at each of 16x16, 32x32, 64x64, 128x128, half of them fading in; the other 19,600,000
of 25,000,000 at 256x256, the first 600,000 fading in.

  tfds build tfds_builders/celeba_attributes --config=crop178_256 --data_dir=data --manual_dir=downloads \
    --file_format=array_record
  python -m ssgan_tf.train --config=configs/celeba_256.py --workdir=runs/celeba_256 --data_dir=data
"""

from ssgan_tf.config import Config, DataOptions, NetworkOptions, TrainOptions, progressive
from ssgan_tf.models import SemiStyleGANOptions

ATTRIBUTES = """
    5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose Black_Hair Blond_Hair
    Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee Gray_Hair Heavy_Makeup High_Cheekbones
    Male Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard Oval_Face Pale_Skin Pointy_Nose Receding_Hairline
    Rosy_Cheeks Sideburns Smiling Straight_Hair Wavy_Hair Wearing_Earrings Wearing_Hat Wearing_Lipstick
    Wearing_Necklace Wearing_Necktie Young
"""


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="celeba_attributes/crop178_256",
            factors=tuple(ATTRIBUTES.split()),
            labeled_fraction=0.005,
        ),
        model=SemiStyleGANOptions(
            network=NetworkOptions(resolution=256),
            gamma_g=1.0,
            gamma_e=0.0,
            beta=1.0,
            alpha=1.0,
            xi=0.75,
            r1=10.0,
        ),
        phases=progressive(resolution=256, phase_images=1_200_000),
        train=TrainOptions(images=25_000_000, log_every=5_000, sample_every=200_000, checkpoint_every=200_000),
    )
