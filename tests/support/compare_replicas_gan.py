"""Trains InfoGAN-CR on two replicas and on one device; prints what came of it as JSON.

Batch norm sees its replica's images. So that one device has the same moments, both replicas get the same images and
draw the same latents: the global batch is one half twice. A second part compares the draws as they are.

Run as a program: logical devices can be made only before TensorFlow starts.
"""

import dataclasses
import json
import sys
from unittest import mock

import numpy as np
import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.core.schedule import Phase, Schedule
from ssgan_tf.models import make_model
from ssgan_tf.models import train_step as steps
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
        # Adam's steps have the same length however long the gradient is; these do not.
        for name in ("generator", "discriminator", "contrastive"):
            optimizer = tf.keras.optimizers.SGD(0.5)
            optimizer.build(getattr(model, name).trainable_variables)
            setattr(model, f"{name}_optimizer", optimizer)
    model.set_segment(Schedule((Phase(batch=2 * HALF, labeled_batch=1),)).segments[0])
    return model


def run(strategy: tf.distribute.Strategy) -> tuple[dict[str, float], list[np.ndarray], list[np.ndarray], int]:
    """Steps on the same half for everyone: logs, weights before and after, events."""
    model = make(strategy)
    draw, repeats = model.draw, 2 // strategy.num_replicas_in_sync

    def twice(size, gap):
        return tf.nest.map_structure(lambda x: tf.concat([x] * repeats, axis=0), draw(size, gap))

    model.draw = twice
    half = np.random.default_rng(0).uniform(-1, 1, [STEPS, HALF, 8, 8, 1]).astype(np.float32)
    batches = {"image": np.concatenate([half, half], axis=1)}
    before = model.get_weights()
    with mock.patch.object(steps, "draw_for_replica", lambda function, size: function(HALF)):  # everyone the same rows
        history = model.fit(distribute(strategy, batches), steps_per_epoch=STEPS, verbose=0).history
    return {k: v[0] for k, v in history.items()}, before, model.get_weights(), int(model.events.numpy())


def draws(strategy: tf.distribute.Strategy) -> list[np.ndarray]:
    """Latents and pairs of a step, of all replicas in order."""
    model = make(strategy)

    def replica():
        latents, codes, pairs = model.draw(2 * HALF // strategy.num_replicas_in_sync, tf.constant(0.5))
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
        "draws": largest_difference(draws(alone), draws(strategy)),
        "adam": train_with_adam(strategy),
    }
    json.dump(result, sys.stdout)


def train_with_adam(strategy: tf.distribute.Strategy) -> float:
    """As it is meant, across the event: the largest difference between the replicas' copies of any variable."""
    with strategy.scope():
        model = make_model(dataclasses.replace(OPTIONS, cr_after_images=2 * HALF), SPEC, seed=1)
    model.set_segment(Schedule((Phase(batch=2 * HALF, labeled_batch=1),)).segments[0])
    images = np.random.default_rng(1).uniform(-1, 1, [STEPS, 2 * HALF, 8, 8, 1]).astype(np.float32)
    model.fit(distribute(strategy, {"image": images}), steps_per_epoch=STEPS, verbose=0)
    variables = [*model.weights, *[v for optimizer in model.optimizers for v in optimizer.variables]]
    names = {id(metric) for mean in model.metrics for metric in mean.variables}  # each replica adds up its own
    copies = [strategy.experimental_local_results(v) for v in variables if id(v) not in names]
    return largest_difference([one.numpy() for one, _ in copies], [two.numpy() for _, two in copies])


if __name__ == "__main__":
    main()
