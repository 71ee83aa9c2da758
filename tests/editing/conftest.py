"""Toy export whose images are known functions of noise and codes, and whose codes are known functions of images."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.editing import Editor

CARD = {
    "made_by": "ssgan_tf 0.1.0",
    "factors": [
        {"name": "azimuth", "size": 5},
        {"name": "shape", "size": 3, "values": ["cube", "ball", "2"]},
        {"name": "scale", "size": 1001, "range": [10.0, 20.0]},
    ],
    "noise_size": 4,
    "style_layers": 2,
    "resolution": 4,
    "channels": 1,
}


def save_toy(folder: Path, brightness: float = 0.0) -> Path:
    """Saves the toy: grey images of 4x4 in which each code and each noise value is one pixel.

    Pixel [0,k] is code k, [1,k] is noise k times the truncation, [2,k] is 0.25 * code k, and [3,k] is the difference
    of the two layers' styles in noise k. `brightness` is added to every pixel. encode returns the pixels [0,:3].
    """

    def to_image(style):  # [B,2,7]: three codes and four noises
        code = tf.pad(style[:, 0, :3], [[0, 0], [0, 1]])
        rows = [code, style[:, 0, 3:], 0.25 * code, style[:, 1, 3:] - style[:, 0, 3:]]
        return tf.stack(rows, axis=1)[..., None] + brightness

    def mapping(noise, code):
        return {"style": tf.concat([code, noise], axis=1)}

    def synthesis(style):
        style = tf.reshape(style, [tf.shape(style)[0], -1, 7])
        return {"image": to_image(tf.broadcast_to(style, [tf.shape(style)[0], 2, 7]))}

    def generate(noise, code, truncation):
        code = tf.ensure_shape(code, [None, 3])
        tf.debugging.Assert(tf.reduce_all(code <= 1), ["code: expected [0, 1]. Received:", code])
        return synthesis(mapping(noise * truncation[:, None], code)["style"])

    def encode(image):
        return {"code": image[:, 0, :3, 0], "realness": image[:, 1, 0, 0]}

    def features(image):
        return {"features_0": tf.concat([image, 1.0 - image], axis=-1), "features_1": image[:, ::2, ::2]}

    rows, image = [None, None], [None, 4, 4, 1]
    shapes = {"noise": rows, "code": rows, "style": None, "truncation": [None], "image": image}
    module, signatures = tf.Module(), {}
    for function in (mapping, synthesis, generate, encode, features):
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        inputs = [tf.TensorSpec(shapes[name], tf.float32, name) for name in names]
        signatures[function.__name__] = tf.function(function, input_signature=inputs)
    tf.saved_model.save(module, str(folder), signatures=signatures)
    (folder / "assets").mkdir(exist_ok=True)
    (folder / "assets" / "codes.json").write_text(json.dumps(CARD))
    return folder


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Model folder with two versions; the newer, 10, is brighter than the older, 9, by 0.25."""
    folder = tmp_path_factory.mktemp("model")
    save_toy(folder / "9")
    save_toy(folder / "10", 0.25)
    return folder


@pytest.fixture(scope="session")
def editor(exported: Path) -> Editor:
    return Editor.load(exported / "9")


@pytest.fixture(scope="session")
def codes() -> np.ndarray:
    return np.array([[0.2, 0.5, 0.9], [0.0, 1.0, 0.4]], np.float32)
