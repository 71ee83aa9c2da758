"""Semi-StyleGAN on the rendered scene at 32x32 with 2.5 % of the labels (778): small networks for two CPU cores.

  ssgan data build scene3d --config=demo --data_dir=data
  ssgan train --config=demo --workdir=runs/demo --data_dir=data

Expected: 12 min; MIG 0.965, MIG-gen 0.729 (means of three seeds). docs/demo.md also has the settings that were tried.
`tools/demo` prepares the data, trains, evaluates and exports.

Info-StyleGAN (no labels): --set=data.labeled_fraction=0 --set=model.beta=0 --set=model.alpha=0 --set=model.gamma_e=10
"""

from ssgan_tf.config import Config, DataOptions, NetworkOptions, Phase, TrainOptions
from ssgan_tf.models import SemiStyleGANOptions


def get_config() -> Config:
    return Config(
        data=DataOptions(
            dataset="scene3d/demo",
            factors=("shape", "object_hue", "scale", "floor_hue", "wall_hue", "azimuth"),
        ),
        model=SemiStyleGANOptions(
            network=NetworkOptions(
                resolution=32,
                fmap_base=128,
                fmap_max=64,
                noise_size=128,
                style_size=128,
                mapping_layers=4,
                mapping_lrmul=1.0,
            ),
            r1=4.0,
            r1_interval=4,
            ema_half_life=5_000,
        ),
        phases=(Phase(batch=16, labeled_batch=8, learning_rate=0.015, decay_images=420_000),),
        train=TrainOptions(images=420_000, checkpoint_every=25_000),
    )
