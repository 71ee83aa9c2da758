"""InfoGAN-CR on CelebA at 32x32 as published: 14.0 million parameters, 90,174 steps of 128 images.

  ssgan data build celeba_attributes --config=crop128_32 --data_dir=data --manual_dir=downloads
  ssgan train --config=celeba32_infogan_cr --workdir=runs/celeba32_infogan_cr --data_dir=data

Not run yet. CelebA's files go into downloads/, see tfds_builders/celeba_attributes/README.md.

All settings are those of the authors' program, with one difference: the middle 128x128 of the aligned images is reduced
to 32x32 by averaging areas of 4x4 pixels, of which the authors' program (OpenCV's bilinear filter) only used the middle
2x2. The contrastive loss starts at image 10,240,000 (step 80,000). "InfoGAN (modified)" is the run up to that point:
--set=train.images=10_240_000 stops it there. Copy the workdir, and continue with the command above.
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
