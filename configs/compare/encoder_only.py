"""The encoder of Semi-StyleGAN by the labelled 1 % alone.

  tfds build tfds_builders/scene3d --config=demo --data_dir=data
  python -m ssgan_tf.train --config=configs/compare/encoder_only.py --workdir=runs/encoder_only --data_dir=data

One of the methods of tools/compare_methods; docs/comparison.md has the result beside the others.
"""

from ssgan_tf.config import Config, DataOptions, NetworkOptions, Phase, TrainOptions
from ssgan_tf.models import EncoderOnlyOptions


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="scene3d/demo",
            factors=("shape", "object_hue", "scale", "floor_hue", "wall_hue", "azimuth"),
            labeled_fraction=0.01,
        ),
        model=EncoderOnlyOptions(network=NetworkOptions(resolution=32, fmap_base=128, fmap_max=64)),
        phases=(Phase(batch=32, labeled_batch=32, learning_rate=0.004, decay_images=200_000),),
        train=TrainOptions(images=200_000, log_every=5_000, sample_every=50_000, checkpoint_every=25_000),
    )
