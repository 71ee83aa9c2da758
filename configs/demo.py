"""The embedded data set at 32x32.

tfds build tfds_builders/scene3d --config=demo --data_dir=data
python -m ssgan_tf.train --config=configs/demo.py --workdir=runs/demo --data_dir=data
"""

from ssgan_tf.config import Config, DataOptions, NetworkOptions, SemiStyleGANOptions, TrainOptions


def get_config() -> Config:
    return Config(
        data=DataOptions(dataset="scene3d/demo", labeled_fraction=0.025, batch=64, labeled_batch=16),
        model=SemiStyleGANOptions(
            network=NetworkOptions(
                resolution=32, fmap_base=128, fmap_max=64, noise_size=64, style_size=64, mapping_layers=4
            ),
            r1=1.0,
            r1_interval=4,
            learning_rate=0.003,
            ema_half_life=5_000,
        ),
        train=TrainOptions(images=500_000, log_every=5_000, sample_every=25_000, checkpoint_every=50_000),
    )
