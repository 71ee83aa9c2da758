"""InfoGAN-CR on CelebA at 32x32 as published: the middle 128x128 of the faces, 90,174 steps of 128 images.

All numbers are those of the authors' program: 5 codes and 100 numbers of noise, networks of 14.0 million weights, and
from image 10,240,000 on, step 80,000, the contrastive loss with weight 1. --set=train.images=10_240_000 stops it there,
as "InfoGAN (modified)"; copy the workdir, and the command as it is goes on. Other than theirs: images are brought to
size by averaging areas, where OpenCV's bilinear filter took the middle 2x2 of each 4x4 pixels.

downloads/ holds CelebA's files: tfds_builders/celeba_attributes/README.md. Measured here: nothing yet.

  tfds build tfds_builders/celeba_attributes --config=crop128_32 --data_dir=data --manual_dir=downloads
  python -m ssgan_tf.train --config=configs/celeba32_infogan_cr.py --workdir=runs/celeba32_infogan_cr --data_dir=data
"""

from ssgan_tf.config import Config, DataOptions, Phase, TrainOptions
from ssgan_tf.models import InfoGANCROptions


def get_config() -> Config:
    return Config(
        data=DataOptions(dataset="celeba_attributes/crop128_32", labeled_fraction=0.0),
        model=InfoGANCROptions(
            family="celeba",
            resolution=32,
            channels=3,
            codes=5,
            noise_size=100,
            lambda_g=2.0,
            lambda_d=2.0,
            cr_alpha=1.0,
            cr_after_images=10_240_000,
            discriminator_rate=0.1,
            cr_rate=0.1,
        ),
        phases=(Phase(batch=128, learning_rate=0.002),),
        train=TrainOptions(images=11_542_272, log_every=12_800, sample_every=256_000, checkpoint_every=256_000),
    )
