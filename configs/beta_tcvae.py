"""beta-TCVAE on the embedded data set at 32x32: no labels, six latents, for two CPU cores.

The networks of disentanglement_lib with one layer less (656,655 parameters). Adam's rate is ten times its 0.0001, for
20,000 steps in place of 300,000 (0.001 is also that of beta-TCVAE's authors); batches are its 64. beta is one of those
that its study has. Time and scores have not been measured yet.

  tfds build tfds_builders/scene3d --config=demo --data_dir=data
  python -m ssgan_tf.train --config=configs/beta_tcvae.py --workdir=runs/beta_tcvae --data_dir=data
"""

from ssgan_tf.config import BetaTCVAEOptions, Config, DataOptions, Phase, TrainOptions


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="scene3d/demo",
            factors=("shape", "object_hue", "scale", "floor_hue", "wall_hue", "azimuth"),
            labeled_fraction=0.0,
        ),
        model=BetaTCVAEOptions(resolution=32, channels=3, latents=6, beta=6.0, dataset_size=31_104),
        phases=(Phase(batch=64, learning_rate=0.001),),
        train=TrainOptions(images=1_280_000, log_every=5_000, sample_every=100_000, checkpoint_every=100_000),
    )
