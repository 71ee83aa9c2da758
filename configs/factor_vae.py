"""FactorVAE on the embedded data set at 32x32: no labels, six latents, for two CPU cores.

The networks of disentanglement_lib with one layer less (656,655 parameters, and 5,014,002 of the discriminator). Both
optimizers' rate is five times its 0.0001, for 10,000 steps in place of 300,000; batches are its 64. gamma is one of
those that its study has. Scores have not been measured yet; the first 300 steps ran at 340 images a second, beside
other work, at which the run would take half an hour.

  tfds build tfds_builders/scene3d --config=demo --data_dir=data
  python -m ssgan_tf.train --config=configs/factor_vae.py --workdir=runs/factor_vae --data_dir=data
"""

from ssgan_tf.config import Config, DataOptions, FactorVAEOptions, Phase, TrainOptions


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="scene3d/demo",
            factors=("shape", "object_hue", "scale", "floor_hue", "wall_hue", "azimuth"),
            labeled_fraction=0.0,
        ),
        model=FactorVAEOptions(resolution=32, channels=3, latents=6, gamma=10.0),
        phases=(Phase(batch=64, learning_rate=0.0005),),
        train=TrainOptions(images=640_000, log_every=5_000, sample_every=50_000, checkpoint_every=50_000),
    )
