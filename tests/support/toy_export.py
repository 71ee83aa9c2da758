"""Toy SavedModel with signatures of every kind, each one line of arithmetic with a known result."""

import json
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

CARD = {"made_by": "ssgan_tf 0.1.0", "run": "toy", "factors": [{"name": "hue", "size": 3}], "noise_size": 2}


def _half(x):
    good = tf.debugging.Assert(tf.reduce_all(tf.abs(x) <= 10), ["x: expected numbers in [-10, 10]. Received:", x])
    with tf.control_dependencies([good]):
        return {"y": x / 2}


def _sum(a, b):
    # b has one number for each row of a, or a single number for all rows.
    return {"c": a + tf.reshape(b, [-1, 1]), "first": a[:, 0]}


def _pick(factor):
    good = tf.debugging.Assert(tf.reduce_all(factor == "hue"), ["factor: expected hue. Received:", factor])
    with tf.control_dependencies([good]):
        return {"again": tf.identity(factor)}


def _words(word):
    return {"again": word, "raw_bytes": word, "length": tf.strings.length(word)}


def _count(number, flag):
    return {"number": tf.where(flag, number, -number), "flag": ~flag}


def _work(turns):
    # A loop of this many turns makes the signature slow on purpose.
    done = tf.while_loop(lambda i: i < tf.reduce_max(turns), lambda i: [i + 1], [0], parallel_iterations=1)
    return {"turns": turns + done[0] - tf.reduce_max(turns)}


def _repeat(x, steps):
    return {"series": tf.repeat(x[:, None], tf.reshape(steps, [-1])[0], axis=1)}


SIGNATURES: dict[str, tuple[Callable, dict]] = {
    "half": (_half, {"x": ([None, 2], tf.float32)}),
    "sum": (_sum, {"a": ([None, 2], tf.float32), "b": (None, tf.float32)}),
    "words": (_words, {"word": ([None], tf.string)}),
    "pick": (_pick, {"factor": ([None], tf.string)}),
    "count": (_count, {"number": ([None], tf.int64), "flag": ([None], tf.bool)}),
    "double": (lambda x: {"y": x * 2}, {"x": ([None], tf.float64)}),
    "rgb": (lambda image: {"image": image}, {"image": ([None, 4, 6, 3], tf.float32)}),
    "grey": (lambda image: {"image": -image}, {"image": ([None, 4, 6, 1], tf.float32)}),
    "frames": (lambda image: {"images": tf.repeat(image[:, None], 2, 1)}, {"image": ([None, 4, 6, 3], tf.float32)}),
    "mean": (lambda x: {"mean": tf.reduce_mean(x)}, {"x": ([None, 2], tf.float32)}),
    "inverse": (lambda x: {"y": 1 / x}, {"x": ([None, 2], tf.float32)}),
    "repeat": (_repeat, {"x": ([None, 2], tf.float32), "steps": (None, tf.int32)}),
    "work": (_work, {"turns": ([None], tf.int32)}),
    # Number of rows in the batch, which no signature of a real export reveals.
    "batch_size": (lambda x: {"rows": tf.fill(tf.shape(x)[:1], tf.shape(x)[0])}, {"x": ([None, 2], tf.float32)}),
}


def save_toy(folder: Path) -> Path:
    """Writes version 7 of the model into `folder`, and returns the folder."""
    functions = {
        name: tf.function(
            function, input_signature=[tf.TensorSpec(shape, dtype, key) for key, (shape, dtype) in inputs.items()]
        )
        for name, (function, inputs) in SIGNATURES.items()
    }
    tf.saved_model.save(tf.Module(), str(folder / "7"), signatures=functions)
    (folder / "7" / "assets").mkdir(exist_ok=True)
    (folder / "7" / "assets" / "codes.json").write_text(json.dumps(CARD))
    return folder
