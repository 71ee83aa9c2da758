"""Drives callbacks as `fit` does, with a stand-in for the model."""

from types import SimpleNamespace
from typing import Any

import tensorflow as tf


def make_model() -> SimpleNamespace:
    """Returns an object with everything that the callbacks use of a model; `resets` counts calls of reset_metrics."""
    result = SimpleNamespace(stop_training=False, phase_label="8x8", resets=0)
    result.weights = [tf.Variable([1.0, 2.0], name="kernel"), tf.Variable(7, name="counter")]
    result.reset_metrics = lambda: setattr(result, "resets", result.resets + 1)
    return result


def drive(model: Any, callbacks: list, steps: int, logs=lambda step: {}) -> None:
    """Calls the callbacks as `fit` does.

    Args:
        model: Model that they belong to.
        callbacks: Callbacks, in the order in which they are called.
        steps: Number of steps, unless `model.stop_training` ends it earlier.
        logs: Function of the step, counted from 1, that returns its losses.
    """
    for callback in callbacks:
        callback.set_model(model)
        callback.on_train_begin()
    for step in range(steps):
        values = logs(step + 1)
        for callback in callbacks:
            callback.on_train_batch_end(step, values)
        if model.stop_training:
            break
    for callback in callbacks:
        callback.on_train_end()
