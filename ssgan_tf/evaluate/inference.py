"""Runs networks over many images or codes, in batches of bounded size."""

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from ssgan_tf.core.images import to_float
from ssgan_tf.core.priors import Prior

Encoder = Callable[[tf.Tensor], tf.Tensor]  # images [B,R,R,C] in [-1, 1] -> numbers [B,K]
Generator = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # z [B,Z], c [B,K] -> images [B,R,R,C]

BATCH = 256


def make_predictor(encoder: Encoder) -> Callable[[np.ndarray], np.ndarray]:
    """Returns the encoder as a function from uint8 images [B,R,R,C], with any B, to float32 [B,K]."""
    encode = tf.function(lambda images: encoder(to_float(images)), autograph=False, reduce_retracing=True)
    return lambda images: encode(tf.convert_to_tensor(images)).numpy()


def encode_images(encoder: Encoder, images: np.ndarray, batch: int = BATCH) -> np.ndarray:
    """Returns E(x), float32 [N,K], of uint8 images [N,R,R,C]."""
    predict = make_predictor(encoder)
    return np.concatenate([predict(images[i : i + batch]) for i in range(0, len(images), batch)])


def sample_latents(prior: Prior, noise_size: int, count: int, seed: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Samples noise z [count,Z] from N(0, 1) and codes c [count,K] from the prior, as a function of the seed."""
    return tf.random.stateless_normal([count, noise_size], [seed, 1]), prior.sample(count, tf.constant([seed, 0]))


def generate_images(
    generator: Generator, noise: tf.Tensor, codes: tf.Tensor, batch: int = BATCH
) -> Iterator[np.ndarray]:
    """Yields G(z, c) as uint8 images [B,R,R,C], in batches of at most `batch`.

    Raises:
        ValueError: Pixels are not finite.
    """

    @tf.function(autograph=False, reduce_retracing=True)
    def generate(z, c):
        images = generator(z, c)
        finite = tf.reduce_all(tf.math.is_finite(images))
        return tf.cast(tf.clip_by_value(tf.round((images + 1.0) * 127.5), 0, 255), tf.uint8), finite

    for i in range(0, len(codes), batch):
        images, finite = generate(noise[i : i + batch], codes[i : i + batch])
        if not finite:
            raise ValueError(
                "The generator's images must be finite. Received: pixels that are NaN or infinite. It has diverged: "
                "use an earlier checkpoint."
            )
        yield images.numpy()
