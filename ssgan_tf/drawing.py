"""Pictures of what a model is shown, and of what it has learnt: data, samples, and one row per factor."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from ssgan_tf import pictures
from ssgan_tf.core.images import to_float, to_uint8
from ssgan_tf.data import Images

_PART = 8  # images generated at a time, so that pictures cost little memory at any resolution


def draw_data(images: Images, seed: int) -> np.ndarray:
    """Up to 64 of the real uint8 [N,R,R,C], in their order, as the networks see them: uint8 [H,W,3]."""
    rows = np.random.default_rng([seed, 9]).choice(len(images), min(64, len(images)), replace=False)
    return pictures.tile(pictures.enlarge(np.stack([to_uint8(to_float(images[row])) for row in np.sort(rows)])), 8)


def make_drawing(
    model: tf.keras.Model, seed: int, titles: Sequence[str] | None = None
) -> Callable[[], dict[str, np.ndarray]]:
    """A function that draws samples and one traversal per code, with the same noise always.

    Of a model that makes no pictures it gives none. `titles` are of the traversals; None for the codes' own names.
    """
    if model.sample is None:
        return dict
    prior, spec = model.prior, model.prior.spec
    noise = tf.random.stateless_normal([64, model.noise_size], [seed, 7])
    codes = prior.sample(64, tf.constant([seed, 8]))
    values = np.linspace(0, 1, 9, dtype=np.float32)
    swept = np.tile(prior.to_unit(codes[0]).numpy(), [spec.size, len(values), 1])  # [K,V,K]
    for k in range(spec.size):
        swept[k, :, k] = values
    swept = swept.reshape(-1, spec.size)

    def in_parts(z, c):
        generate = tf.function(model.sample)  # traced anew each time: the stage of growing may have changed
        return np.concatenate([to_uint8(generate(z[i : i + _PART], c[i : i + _PART])) for i in range(0, len(c), _PART)])

    def draw():
        traversal = in_parts(tf.repeat(noise[:1], len(swept), axis=0), prior.from_unit(tf.constant(swept)))
        shape = [spec.size, len(values), *traversal.shape[1:]]
        return {
            "samples": pictures.tile(pictures.enlarge(in_parts(noise, codes)), 8),
            "traversal": pictures.traversal_sheet(traversal.reshape(shape), titles or spec.names),
        }

    return draw
