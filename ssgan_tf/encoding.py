"""What the metrics read: codes of many images, images of many codes, in batches of bounded size."""

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from ssgan_tf.core.images import to_float
from ssgan_tf.core.priors import Prior

Encoder = Callable[[tf.Tensor], tf.Tensor]  # images [B,R,R,C] in [-1, 1] -> numbers [B,K]
Generator = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # z [B,Z], c [B,K] -> images

BATCH = 256


def make_reader(encoder: Encoder) -> Callable[[np.ndarray], np.ndarray]:
    """The encoder as a function of uint8 images [B,R,R,C] of any B that gives an array [B,K] float32."""
    encode = tf.function(lambda images: encoder(to_float(images)), reduce_retracing=True)
    return lambda images: encode(tf.convert_to_tensor(images)).numpy()


def encode_images(encoder: Encoder, images: np.ndarray, batch: int = BATCH) -> np.ndarray:
    """E(x) for uint8 images [N,R,R,C]: codes [N,K] float32."""
    read = make_reader(encoder)
    return np.concatenate([read(images[i : i + batch]) for i in range(0, len(images), batch)])


def draw(prior: Prior, noise_size: int, count: int, seed: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Noise z [count,Z], normal, and codes c [count,K] of the prior, the same for the same seed."""
    return tf.random.stateless_normal([count, noise_size], [seed, 1]), prior.sample(count, tf.constant([seed, 0]))


def generate(generator: Generator, noise: tf.Tensor, codes: tf.Tensor, batch: int = BATCH) -> Iterator[np.ndarray]:
    """G(z, c) as uint8 images [B,R,R,C], as they would be kept in files, in batches of at most `batch`.

    Raises:
        ValueError: pixels are not finite numbers.
    """

    @tf.function(reduce_retracing=True)
    def paint(z, c):
        images = generator(z, c)
        finite = tf.reduce_all(tf.math.is_finite(images))
        return tf.cast(tf.clip_by_value(tf.round((images + 1.0) * 127.5), 0, 255), tf.uint8), finite

    for i in range(0, len(codes), batch):
        images, finite = paint(noise[i : i + batch], codes[i : i + batch])
        if not finite:
            raise ValueError(
                "The generator's images must be finite. Received: pixels that are NaN or infinite. It has diverged: "
                "use an earlier checkpoint."
            )
        yield images.numpy()


def compare_images(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """PSNR [B], in decibels, and SSIM [B] of uint8 images [B,R,R,C] and [B,R,R,C].

    PSNR ends at 100 dB, where equal images would have infinity. SSIM looks through a window of 11x11 pixels; smaller
    images have NaN.

    References: SSIM is Wang et al. 2004, as tf.image.ssim computes it.
    """
    psnr = np.minimum(tf.image.psnr(first, second, 255).numpy(), 100.0)
    if min(first.shape[1:3]) < 11:
        return psnr, np.full(len(psnr), np.nan, np.float32)
    return psnr, tf.image.ssim(tf.convert_to_tensor(first), tf.convert_to_tensor(second), 255).numpy()
