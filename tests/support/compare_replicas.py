"""Trains on two replicas and prints a comparison as JSON. The argument selects it:

    float32: one device, and two replicas on the same global batches
    terms: the gradient of every term, on one device and on two replicas
    xla: two replicas on the same global batches, with and without XLA
    float16: two replicas, one of which sees an image with a NaN, before and after that step

It is a program because logical devices must be configured before TensorFlow starts. Groups of the minibatch standard
deviation lie within a replica (image i of n with image i mod M), so only groups of one are the same in both cases.
"""

import dataclasses
import json
import sys

import numpy as np
import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.core.schedule import Phase, Schedule
from ssgan_tf.models import make_model, train_step
from ssgan_tf.models.augmentation import AugmentOptions
from ssgan_tf.models.mixup import mix_neighbours
from ssgan_tf.models.semi_stylegan.model import SemiStyleGANOptions
from ssgan_tf.networks.options import NetworkOptions
from tests.support.two_devices import two_replicas

STEPS = 2
SPEC = CodeSpec((FactorSpec("shape", 3), FactorSpec("hue", 5)))
NETWORK = NetworkOptions(
    resolution=8, fmap_base=64, fmap_max=8, noise_size=8, style_size=8, mapping_layers=2, stddev_group=1
)
OPTIONS = SemiStyleGANOptions(
    network=NETWORK, gamma_g=2.0, gamma_e=1.0, beta=3.0, alpha=2.0, r1=1.0, r1_interval=2, style_mixing=0.5,
    augment=AugmentOptions(("flip", "translation", "colour", "cutout"), ("translation",), probability=0.7),
)  # fmt: skip


def examples(count: int, seed: int) -> dict[str, np.ndarray]:
    """Returns batches of `count` steps: 8 images and 4 labelled ones each, with some labels unknown."""
    rng = np.random.default_rng(seed)
    return {
        "image": rng.uniform(-1, 1, [count, 8, 8, 8, 3]).astype(np.float32),
        "labeled_image": rng.uniform(-1, 1, [count, 4, 8, 8, 3]).astype(np.float32),
        "labeled_codes": rng.integers(0, 2, [count, 4, 2]).astype(np.float32),
        "labeled_mask": rng.integers(0, 2, [count, 4, 2]).astype(np.float32),
    }


def distribute(strategy: tf.distribute.Strategy, batches: dict[str, np.ndarray]):
    """Distributes the batches: each replica gets its own rows."""
    replicas = strategy.num_replicas_in_sync

    def pipeline(context) -> tf.data.Dataset:
        # The dataset has one element per replica in turn: the first half of the rows, then the second.
        rows = {k: v.reshape([len(v) * replicas, -1, *v.shape[2:]]) for k, v in batches.items()}
        return tf.data.Dataset.from_tensor_slices(rows)

    return strategy.distribute_datasets_from_function(pipeline) if replicas > 1 else pipeline(None)


def run(strategy: tf.distribute.Strategy, jit_compile: bool = False):
    """Runs two steps of `fit`: returns (logs, {network: weights}, largest change, number of steps)."""
    with strategy.scope():
        tf.keras.utils.set_random_seed(0)
        model = make_model(OPTIONS, SPEC, seed=1, jit_compile=jit_compile)
        constant = model.generator.synthesis.blocks[0].constant
        constant.assign(tf.random.stateless_normal(constant.shape, [0, 0]))
        # Adam's steps have the same length for any length of the gradient; these do not.
        model.generator_optimizer = tf.keras.optimizers.SGD(0.02)
        model.discriminator_optimizer = tf.keras.optimizers.SGD(0.02)
        model.generator_optimizer.build(model.generator.trainable_variables)
        model.discriminator_optimizer.build(model.discriminator.trainable_variables)
    start = {"generator": model.generator.get_weights(), "discriminator": model.discriminator.get_weights()}
    history = model.fit(distribute(strategy, examples(STEPS, 0)), steps_per_epoch=STEPS, verbose=0).history
    weights = {name: getattr(model, name).get_weights() for name in ("generator", "discriminator", "ema_generator")}
    moved = max(largest_difference(start[name], weights[name]) for name in start)
    return {name: values[0] for name, values in history.items()}, weights, moved, int(model.step.numpy())


def term_gradients(strategy: tf.distribute.Strategy) -> dict[str, list[np.ndarray]]:
    """Returns each term's gradient for all weights of the network that it trains, summed over replicas."""
    with strategy.scope():
        tf.keras.utils.set_random_seed(0)
        model = make_model(dataclasses.replace(OPTIONS, style_mixing=0.0), SPEC, seed=1)
    batch = next(iter(distribute(strategy, examples(1, 0))))

    def replica(batch):
        size = batch["image"].shape[0]
        noise = train_step.sample_for_replica(lambda n: tf.random.stateless_normal([n, 8], [0, 1]), size)
        codes = train_step.sample_for_replica(lambda n: SPEC.sample(n, tf.constant([0, 2])), size)
        with tf.GradientTape(persistent=True) as tape:
            fake = model.generator((noise, codes))
            mixup = model.mixup(batch, fake, codes, tf.constant([0, 3]))
            terms = model.objective.discriminator_losses(batch, fake, codes, mixup)
            terms |= model.objective.generator_losses(fake, codes, mixup)
            means = {name: tf.nn.compute_average_loss(values) for name, values in terms.items()}
        result = {}
        for name, mean in means.items():
            variables = getattr(model, name.partition("/")[0]).trainable_variables
            gradients = tape.gradient(mean, variables, unconnected_gradients="zero")
            result[name] = [tf.distribute.get_replica_context().all_reduce("sum", g) for g in gradients]
        return result

    result = tf.function(lambda b: strategy.run(replica, args=(b,)))(batch)
    return {name: [strategy.experimental_local_results(g)[0].numpy() for g in v] for name, v in result.items()}


def largest_difference(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    return float(max(np.abs(x - y).max() for x, y in zip(a, b, strict=True)))


def seeds_and_rows(strategy: tf.distribute.Strategy) -> tuple[list, list]:
    """Returns each replica's seed for samples without rows, and its rows of a sample with 2 rows per replica."""

    def replica():
        return train_step.seed_for_replica(tf.constant([1, 2])), train_step.sample_for_replica(tf.range, 2)

    seeds, rows = (strategy.experimental_local_results(x) for x in strategy.run(replica))
    return [s.numpy().tolist() for s in seeds], [r.numpy().tolist() for r in rows]


def mixed_neighbours(strategy: tf.distribute.Strategy) -> list:
    """Returns images, codes and masks of the labelled images of one batch, mixed with each other on each replica."""
    batch = next(iter(distribute(strategy, examples(1, 0))))

    def replica(batch):
        return mix_neighbours(*(batch[name] for name in train_step.LABELED), 0.75, tf.constant([0, 3]))

    parts = [strategy.experimental_local_results(x) for x in strategy.run(replica, args=(batch,))]
    return [np.concatenate(part).tolist() for part in parts]


def compare(first, second) -> dict:
    """Compares two results of `run`."""
    (logs, weights, moved, count), (other_logs, other_weights, _, other_count) = first, second
    return {
        "logs": [logs, other_logs],
        "weights": {name: largest_difference(weights[name], other_weights[name]) for name in weights},
        "moved": moved,
        "steps": [count, other_count],
    }


def compare_xla(strategy: tf.distribute.Strategy) -> dict:
    return compare(run(strategy), run(strategy, jit_compile=True))


def compare_float32(strategy: tf.distribute.Strategy) -> dict:
    one, two = run(tf.distribute.get_strategy()), run(strategy)
    seeds, rows = seeds_and_rows(strategy)
    mixed = [mixed_neighbours(s) for s in (tf.distribute.get_strategy(), strategy)]
    return {"replicas": compare(one, two), "seeds": seeds, "rows": rows, "mixed": mixed}


def compare_terms(strategy: tf.distribute.Strategy) -> dict:
    alone, shared = term_gradients(tf.distribute.get_strategy()), term_gradients(strategy)
    largest = {name: float(max(np.abs(g).max() for g in gradients)) for name, gradients in alone.items()}
    return {name: [largest_difference(alone[name], shared[name]), largest[name]] for name in alone}


def compare_float16(strategy: tf.distribute.Strategy) -> dict:
    """Compares the replicas after good steps, a bad one and a good one.

    Returns loss scales, the largest change of each network and difference of its replicas, and the largest moment
    that is left after a phase has begun with fresh optimizers.
    """
    options = dataclasses.replace(OPTIONS, network=dataclasses.replace(NETWORK, precision="mixed_float16"))
    with strategy.scope():
        tf.keras.utils.set_random_seed(0)
        model = make_model(options, SPEC, seed=1)
    batches = examples(12, 0)
    batches["image"][10, -1, 0, 0, 0] = np.nan  # in the second replica's half
    networks = {"generator": model.generator, "discriminator": model.discriminator}
    optimizers = {"generator": model.generator_optimizer, "discriminator": model.discriminator_optimizer}
    before = {name: network.get_weights() for name, network in networks.items()}
    result = []
    for first, end in ((0, 10), (10, 11), (11, 12)):
        some = distribute(strategy, {k: v[first:end] for k, v in batches.items()})
        model.fit(some, steps_per_epoch=end - first, verbose=0)
        moved, apart = {}, {}
        for name, network in networks.items():
            now = network.get_weights()
            moved[name] = largest_difference(now, before[name])
            before[name] = now
            copies = [strategy.experimental_local_results(v) for v in network.variables]
            apart[name] = largest_difference([one for one, _ in copies], [two for _, two in copies])
        scales = {name: float(optimizer.loss_scale) for name, optimizer in optimizers.items()}
        result.append({"moved": moved, "apart": apart, "scales": scales})
    fresh = Phase(resolution=8, fresh_optimizers=True)
    model.set_segment(Schedule((Phase(resolution=8, images=12 * 8, batch=8, labeled_batch=4), fresh)).segments[1])
    moments = [
        copy for o in optimizers.values() for v in o.variables for copy in strategy.experimental_local_results(v)
    ]
    left = max(float(np.abs(copy).max()) for copy in moments)
    return {"after": result, "steps": int(model.step.numpy()), "moments": [len(moments), left]}


def main(kind: str) -> None:
    strategy = two_replicas()
    kinds = {"float32": compare_float32, "float16": compare_float16, "terms": compare_terms, "xla": compare_xla}
    comparison = kinds[kind]
    json.dump(comparison(strategy), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
