"""Trains VAEs on one device and on two replicas, on the same global batches, and prints a comparison as JSON.

It is a program because logical devices must be configured before TensorFlow starts.
"""

import json
import sys

import numpy as np
import tensorflow as tf

from ssgan_tf.core.schedule import Phase, Schedule
from ssgan_tf.models import make_model
from ssgan_tf.models.vae.beta_tcvae import BetaTCVAEOptions
from ssgan_tf.models.vae.beta_vae import BetaVAEOptions
from ssgan_tf.models.vae.factor_vae import FactorVAEOptions
from tests.support.two_devices import two_replicas
from tests.support.vaes import SIZES, SPEC, spread, squares

STEPS, BATCH = 3, 8
OPTIONS = {
    "beta_vae": BetaVAEOptions(**SIZES, beta=5.0),
    "annealed": BetaVAEOptions(**SIZES, capacity=0.3, capacity_images=0, gamma=20.0),
    "beta_tcvae": BetaTCVAEOptions(**SIZES, beta=50.0, dataset_size=100, warmup_images=8),
    "factor_vae": FactorVAEOptions(**SIZES, gamma=200.0),
}


def run(options, strategy: tf.distribute.Strategy, jit_compile: bool):
    """Runs three steps of `fit`: returns (logs, {network: weights}, {network: largest change})."""
    replicas = strategy.num_replicas_in_sync
    with strategy.scope():
        tf.keras.utils.set_random_seed(0)
        model = make_model(options, SPEC, seed=1, jit_compile=jit_compile)
        # Adam's steps have the same length for any length of the gradient; these do not.
        for name, rate in (("vae_optimizer", 2e-4), ("discriminator_optimizer", 0.1)):
            if hasattr(model, name):
                setattr(model, name, tf.keras.optimizers.SGD(rate))
        model.vae_optimizer.build(model.vae_variables)
        if hasattr(model, "discriminator"):
            model.discriminator_optimizer.build(model.discriminator.trainable_variables)
        spread(model)
    model.set_segment(Schedule((Phase(batch=BATCH, labeled_batch=1),)).segments[0])
    before = {name: network.get_weights() for name, network in model.networks().items()}
    images = np.concatenate([by_brightness(squares(BATCH, seed)) for seed in range(2, 2 + STEPS)])
    images = images.reshape([STEPS * replicas, BATCH // replicas, *images.shape[1:]])

    def pipeline(context) -> tf.data.Dataset:
        return tf.data.Dataset.from_tensor_slices({"image": images})

    batches = strategy.distribute_datasets_from_function(pipeline) if replicas > 1 else pipeline(None)
    history = model.fit(batches, steps_per_epoch=STEPS, verbose=0).history
    weights = {name: network.get_weights() for name, network in model.networks().items()}
    moved = {name: largest_difference(weights[name], before[name]) for name in weights}
    return {name: values[0] for name, values in history.items()}, weights, moved


def by_brightness(images: np.ndarray) -> np.ndarray:
    """Sorts images so that replicas differ: the first has less KL than the capacity, the second has more."""
    return images[np.argsort(images.sum(axis=(1, 2, 3)))]


def largest_difference(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    return float(max(np.abs(x - y).max() for x, y in zip(a, b, strict=True)))


def compare(options, strategy: tf.distribute.Strategy) -> dict:
    logs, weights, moved = run(options, tf.distribute.get_strategy(), jit_compile=False)
    other_logs, other_weights, _ = run(options, strategy, jit_compile=True)  # ignored on two replicas
    return {
        "logs": [logs, other_logs],
        "apart": {name: largest_difference(weights[name], other_weights[name]) for name in weights},
        "moved": moved,
    }


def main() -> None:
    strategy = two_replicas()
    json.dump({name: compare(options, strategy) for name, options in OPTIONS.items()}, sys.stdout)


if __name__ == "__main__":
    main()
