"""Callbacks driven as `fit` drives them, and what they wrote, read back."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import tensorflow as tf


def make_model() -> SimpleNamespace:
    """What the callbacks know of a model."""
    result = SimpleNamespace(stop_training=False, phase_label="8x8", resets=0)
    result.weights = [tf.Variable([1.0, 2.0], name="kernel"), tf.Variable(7, name="counter")]
    result.reset_metrics = lambda: setattr(result, "resets", result.resets + 1)
    return result


def drive(model, every: list, steps: int, logs=lambda step: {}) -> None:
    """What `fit` does with callbacks."""
    for callback in every:
        callback.set_model(model)
        callback.on_train_begin()
    for step in range(steps):
        for callback in every:
            callback.on_train_batch_end(step, logs(step + 1))
        if model.stop_training:
            break
    for callback in every:
        callback.on_train_end()


def events(workdir: Path) -> list[tuple[str, int, np.ndarray]]:
    """(tag, step, value) of everything that TensorBoard would show."""
    found = []
    for path in sorted((workdir / "tensorboard").iterdir()):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            found += [(value.tag, event.step, tf.make_ndarray(value.tensor)) for value in event.summary.value]
    return found


def lines(workdir: Path) -> list[dict]:
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
