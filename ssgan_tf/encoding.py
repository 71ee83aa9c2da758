"""Tables for the metrics: codes that an encoder reads off many images, in batches of bounded size."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ssgan_tf.codes import CodeSpec
from ssgan_tf.images import to_float

Encoder = Callable[[tf.Tensor], tf.Tensor]  # images [B,R,R,C] in [-1, 1] -> codes [B,K]
Generator = Callable[[tuple[tf.Tensor, tf.Tensor]], tf.Tensor]  # (z [B,Z], c [B,K]) -> images


def encode_images(encoder: Encoder, images: np.ndarray, batch: int = 256) -> np.ndarray:
    """E(x) for uint8 images [N,R,R,C]: codes [N,K] float32."""
    encode = tf.function(encoder, reduce_retracing=True)
    parts = [encode(to_float(images[i : i + batch])).numpy() for i in range(0, len(images), batch)]
    return np.concatenate(parts)


def encode_generated(
    encoder: Encoder, generator: Generator, spec: CodeSpec, noise_size: int, count: int, seed: int, batch: int = 256
) -> tuple[np.ndarray, np.ndarray]:
    """Draws (z, c), generates, and reads the codes back: (encoder(G(z,c)) [N,K] float32, factors of c [N,K] int).

    Args:
        encoder: the oracle.
        generator: G.
        spec: factors of c, drawn from their grid.
        noise_size: width of z.
        count: N.
        seed: of the draws.
        batch: images at a time.
    """
    codes = spec.sample(count, tf.constant([seed, 0]))
    noise = tf.random.stateless_normal([count, noise_size], [seed, 1])

    @tf.function(reduce_retracing=True)
    def read_back(z, c):
        # Through uint8, as the oracle saw its training images.
        return encoder(tf.clip_by_value(tf.round((generator((z, c)) + 1.0) * 127.5), 0, 255) / 127.5 - 1.0)

    parts = [read_back(noise[i : i + batch], codes[i : i + batch]).numpy() for i in range(0, count, batch)]
    return np.concatenate(parts), spec.decode(codes.numpy())
