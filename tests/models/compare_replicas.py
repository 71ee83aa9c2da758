"""Trains the same model on the same global batches on one device and on two replicas; prints the differences as JSON.

Run as a program: logical devices can be made only before TensorFlow starts. Groups of the minibatch standard
deviation lie within a replica (image i of n with image i mod M), so the same groups on both sides are groups of one.
"""

import json
import sys

import numpy as np
import tensorflow as tf

from ssgan_tf.codes import CodeSpec, FactorSpec
from ssgan_tf.models import make_model
from ssgan_tf.models import step as steps
from ssgan_tf.models.semi_stylegan import SemiStyleGANOptions
from ssgan_tf.networks.options import NetworkOptions

STEPS = 2
SPEC = CodeSpec((FactorSpec("shape", 3), FactorSpec("hue", 5)))
NETWORK = NetworkOptions(
    resolution=8, fmap_base=64, fmap_max=8, noise_size=8, style_size=8, mapping_layers=2, stddev_group=1
)
OPTIONS = SemiStyleGANOptions(network=NETWORK, gamma_g=2.0, gamma_e=1.0, beta=3.0, alpha=2.0, r1=1.0, r1_interval=2)


def examples(count: int, seed: int) -> dict[str, np.ndarray]:
    """`count` steps of 8 images and 4 labelled ones, some labels unknown."""
    rng = np.random.default_rng(seed)
    return {
        "image": rng.uniform(-1, 1, [count, 8, 8, 8, 3]).astype(np.float32),
        "labeled_image": rng.uniform(-1, 1, [count, 4, 8, 8, 3]).astype(np.float32),
        "labeled_codes": rng.integers(0, 2, [count, 4, 2]).astype(np.float32),
        "labeled_mask": rng.integers(0, 2, [count, 4, 2]).astype(np.float32),
    }


def run(strategy: tf.distribute.Strategy):
    """Two steps of `fit`: (logs, {name of network: weights})."""
    replicas = strategy.num_replicas_in_sync

    def pipeline(context) -> tf.data.Dataset:
        # The dataset holds one element for each replica in turn: the first half of the rows, then the second.
        rows = {k: v.reshape([STEPS * replicas, -1, *v.shape[2:]]) for k, v in examples(STEPS, 0).items()}
        return tf.data.Dataset.from_tensor_slices(rows)

    with strategy.scope():
        tf.keras.utils.set_random_seed(0)
        model = make_model(OPTIONS, SPEC, seed=1)
        constant = model.generator.synthesis.blocks[0].constant
        constant.assign(tf.random.stateless_normal(constant.shape, [0, 0]))
        # Adam's steps have the same length however long the gradient is; these do not.
        model.generator_optimizer = tf.keras.optimizers.SGD(0.02)
        model.discriminator_optimizer = tf.keras.optimizers.SGD(0.02)
        model.generator_optimizer.build(model.generator.trainable_variables)
        model.discriminator_optimizer.build(model.discriminator.trainable_variables)
    start = {"generator": model.generator.get_weights(), "discriminator": model.discriminator.get_weights()}
    batches = strategy.distribute_datasets_from_function(pipeline) if replicas > 1 else pipeline(None)
    history = model.fit(batches, steps_per_epoch=STEPS, verbose=0).history
    weights = {name: getattr(model, name).get_weights() for name in ("generator", "discriminator", "ema_generator")}
    moved = max(largest_difference(start[name], weights[name]) for name in start)
    return {name: values[0] for name, values in history.items()}, weights, moved, int(model.step.numpy())


def largest_difference(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    return float(max(np.abs(x - y).max() for x, y in zip(a, b, strict=True)))


def seeds_and_rows(strategy: tf.distribute.Strategy) -> tuple[list, list]:
    """Each replica's seed for draws that have no rows, and its rows of a draw of 2 a replica."""

    def replica():
        return steps.seed_for_replica(tf.constant([1, 2])), steps.draw_for_replica(tf.range, 2)

    seeds, rows = (strategy.experimental_local_results(x) for x in strategy.run(replica))
    return [s.numpy().tolist() for s in seeds], [r.numpy().tolist() for r in rows]


def main() -> None:
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})  # starts in half the time
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    one_logs, one, moved, one_steps = run(tf.distribute.get_strategy())
    two_logs, two, _, two_steps = run(strategy)
    seeds, rows = seeds_and_rows(strategy)
    result = {
        "logs": [one_logs, two_logs],
        "weights": {name: largest_difference(one[name], two[name]) for name in one},
        "moved": moved,
        "steps": [one_steps, two_steps],
        "seeds": seeds,
        "rows": rows,
    }
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
