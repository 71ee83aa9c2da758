"""Runs loaded from their folder."""

import dataclasses

import numpy as np
import tensorflow as tf

from ssgan_tf import runs
from tests.support import tiny_run


def test_a_run_trained_in_16_bits_is_loaded_in_float32_with_the_same_weights(tmp_path):
    network = dataclasses.replace(tiny_run.NETWORK, precision="mixed_float16")
    narrow = runs.load_run(str(tiny_run.write_run(tmp_path / "narrow", network=network)))
    wide = runs.load_run(str(tiny_run.write_run(tmp_path / "wide")))
    assert narrow.config.model.network.precision == "mixed_float16"
    assert narrow.model.options.network.precision == "float32"
    for name in ("generator", "ema_generator", "discriminator"):
        weights = zip(getattr(narrow.model, name).weights, getattr(wide.model, name).weights, strict=True)
        assert all(np.array_equal(a, b) for a, b in weights)
    inputs = tf.random.stateless_normal([3, 6], [0, 1]), tf.constant([[0.0, 1.0], [0.5, 0.0], [1.0, 1.0]])
    assert np.array_equal(narrow.model.ema_generator(inputs), wide.model.ema_generator(inputs))
