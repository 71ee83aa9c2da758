"""Trains InfoGAN-CR on two replicas and on one device, and prints a comparison as JSON.

Batch norm sees its replica's images only. To give one device the same moments, both replicas get the same images and
the same latents: the global batch is one half, twice. A second part compares the unmodified samples.

It is a program because logical devices must be configured before TensorFlow starts.
"""

import dataclasses
import json
import sys
from unittest import mock

import numpy as np
import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.core.schedule import Phase, Schedule
from ssgan_tf.models import make_model, train_step
from ssgan_tf.models.infogan_cr.options import InfoGANCROptions
from tests.support.compare_replicas import distribute, largest_difference
from tests.support.two_devices import two_replicas

HALF, STEPS = 4, 3
SPEC = CodeSpec((FactorSpec("shape", 3),))
OPTIONS = InfoGANCROptions(
    resolution=8, channels=1, codes=3, noise_size=2, cr_alpha=2.0, cr_after_images=2 * 2 * HALF, gap=0.5, lambda_g=1.0
)


def make(strategy: tf.distribute.Strategy):
    with strategy.scope():
        tf.keras.utils.set_random_seed(0)
        model = make_model(OPTIONS, SPEC, seed=1)
        # Adam's steps have the same length for any length of the gradient; these do not.
        for name in ("generator", "discriminator", "contrastive"):
            optimizer = tf.keras.optimizers.SGD(0.5)
            optimizer.build(getattr(model, name).trainable_variables)
            setattr(model, f"{name}_optimizer", optimizer)
    model.set_segment(Schedule((Phase(batch=2 * HALF, labeled_batch=1),)).segments[0])
    return model


def run(strategy: tf.distribute.Strategy) -> tuple[dict[str, float], list[np.ndarray], list[np.ndarray], int]:
    """Trains on the same half on every replica: returns logs, weights before and after, events."""
    model = make(strategy)
    sample, repeats = model.sample_inputs, 2 // strategy.num_replicas_in_sync

    def twice(size, gap):
        return tf.nest.map_structure(lambda x: tf.concat([x] * repeats, axis=0), sample(size, gap))

    model.sample_inputs = twice
    half = np.random.default_rng(0).uniform(-1, 1, [STEPS, HALF, 8, 8, 1]).astype(np.float32)
    batches = {"image": np.concatenate([half, half], axis=1)}
    before = model.get_weights()
    # All replicas sample the same rows.
    with mock.patch.object(train_step, "sample_for_replica", lambda sample, size: sample(HALF)):
        history = model.fit(distribute(strategy, batches), steps_per_epoch=STEPS, verbose=0).history
    return {k: v[0] for k, v in history.items()}, before, model.get_weights(), int(model.events.numpy())


def samples(strategy: tf.distribute.Strategy) -> list[np.ndarray]:
    """Returns latents and pairs of a step, from all replicas in order."""
    model = make(strategy)

    def replica():
        latents, codes, pairs = model.sample_inputs(2 * HALF // strategy.num_replicas_in_sync, tf.constant(0.5))
        return [latents, codes, *pairs]

    found = tf.function(lambda: strategy.run(replica))()
    return [np.concatenate([x.numpy() for x in strategy.experimental_local_results(part)]) for part in found]


def main() -> None:
    strategy, alone = two_replicas(), tf.distribute.get_strategy()
    one, two = run(alone), run(strategy)
    result = {
        "logs": [one[0], two[0]],
        "weights": largest_difference(one[2], two[2]),
        "moved": largest_difference(one[1], one[2]),
        "events": [one[3], two[3]],
        "samples": largest_difference(samples(alone), samples(strategy)),
        "adam": train_with_adam(strategy),
    }
    json.dump(result, sys.stdout)


def train_with_adam(strategy: tf.distribute.Strategy) -> float:
    """Trains normally, across the event: returns the largest difference between the replicas' copies of a variable."""
    with strategy.scope():
        model = make_model(dataclasses.replace(OPTIONS, cr_after_images=2 * HALF), SPEC, seed=1)
    model.set_segment(Schedule((Phase(batch=2 * HALF, labeled_batch=1),)).segments[0])
    images = np.random.default_rng(1).uniform(-1, 1, [STEPS, 2 * HALF, 8, 8, 1]).astype(np.float32)
    model.fit(distribute(strategy, {"image": images}), steps_per_epoch=STEPS, verbose=0)
    variables = [*model.weights, *[v for optimizer in model.optimizers for v in optimizer.variables]]
    names = {id(metric) for mean in model.metrics for metric in mean.variables}  # each replica has its own sums
    copies = [strategy.experimental_local_results(v) for v in variables if id(v) not in names]
    return largest_difference([one.numpy() for one, _ in copies], [two.numpy() for _, two in copies])


if __name__ == "__main__":
    main()
