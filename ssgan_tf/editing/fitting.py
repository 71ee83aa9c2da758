"""Fits latents to given images, by gradient descent through the SavedModel.

The encoder predicts the code. The search for the rest has two parts: first the noise z, starting from the best of some
random samples, then an offset to the style of each layer, starting from zero. Both minimise

    mean (pixel - pixel')^2  +  mean over levels of ||f/|f| - f'/|f'|||^2  [ +  lambda * mean (offset / spread)^2 ]

where f are the features of the discriminator's trunk at each position of an image (the signature `features`). The
second term is a perceptual distance in the manner of LPIPS (Zhang et al. 2018). The last term, whose weight lambda is
_OFFSET_WEIGHT, keeps the styles near those that the generator was trained on, where edits work. docs/editing.md lists
the alternatives that were tried, with numbers.

Adam is written out in a few lines, so that fitting needs no Keras.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from .images_in import to_uint8
from .latents import make_rng
from .model import Model

_CANDIDATES = 16  # samples of noise; the search starts from the best
_NOISE_SHARE = 1 / 3  # of the steps, if the model has noise; the rest are for the styles
_NOISE_RATE = 0.1
_STYLE_RATE = 0.1  # in units of the styles' spread
_OFFSET_WEIGHT = 0.2
_MAX_PSNR = 100.0  # dB, in place of infinity for equal images

Fit = tuple[np.ndarray, np.ndarray, np.ndarray]  # noise [B,Z], offset [B,L,W], psnr [B]


class Fitter:
    """Fits latents of an exported model to images.

    Args:
        model: Loaded export.
    """

    def __init__(self, model: Model):
        self._model = model
        self._signatures = model.saved.signatures
        self._step = tf.function(self._descend, autograph=False, reduce_retracing=True)

    def fit(
        self, images: np.ndarray, codes: np.ndarray, steps: int, seed: int, on_progress: Callable[[float], None]
    ) -> Fit:
        """Fits noise and style offsets. The result for an image does not depend on the others, except for rounding.

        Args:
            images: [B,R,R,C] in about [-1, 1].
            codes: [B,K], kept fixed.
            steps: Number of steps, 1 or more.
            seed: Seed of the initial noise.
            on_progress: Called with the completed share, from 0 to 1, after every step.

        Returns:
            Noise [B,Z], offset [B,L,W] and PSNR [B] in decibels.
        """
        image, code = tf.constant(images, tf.float32), tf.constant(codes, tf.float32)
        target = [image, *map(_normalize, self._features(image))]

        # Start from the best sample of noise and no offset, with Adam's moments at zero.
        noise, spread = self._initialize(code, target, seed)
        offset = tf.zeros([len(images), self._model.style_layers, self._mapping(noise, code).shape[-1]])
        self._check_layers(noise, code, offset)
        x = [noise, offset]  # the offset in units of the spread
        mean, square = ([tf.zeros_like(part) for part in x] for _ in range(2))

        # Search the noise first, then the offset. One function updates both, because tracing a second one takes
        # longer than many steps; a rate of 0 leaves a variable unchanged.
        noise_steps = int(steps * _NOISE_SHARE) if self._model.noise_size else 0
        for i in range(steps):
            noise_rate = _NOISE_RATE * _schedule(i, noise_steps) if i < noise_steps else 0.0
            style_rate = _STYLE_RATE * _schedule(i - noise_steps, steps - noise_steps) if i >= noise_steps else 0.0
            rates = tf.constant([noise_rate, style_rate], tf.float32)
            x, mean, square = self._step(x, mean, square, tf.constant(i + 1.0), rates, code, spread, target)
            on_progress((i + 1) / steps)

        # Measure the similarity on bytes, as in image files.
        noise, offset = x[0], x[1] * spread
        difference = to_uint8(self._generate(noise, code, offset)).astype(np.float64) - to_uint8(images)
        errors = np.mean(difference**2, axis=(1, 2, 3))
        with np.errstate(divide="ignore"):
            psnr = np.minimum(10 * np.log10(255**2 / errors), _MAX_PSNR)
        return noise.numpy(), offset.numpy(), psnr.astype(np.float32)

    def _check_layers(self, noise: tf.Tensor, code: tf.Tensor, offset: tf.Tensor) -> None:
        """Raises ValueError if the offset does not have one row for each layer of the model."""
        try:
            self._generate(noise[:1], code[:1], offset[:1])
        except tf.errors.OpError as error:
            raise ValueError(
                f"codes.json: expected the SavedModel's number of style_layers. Received: {offset.shape[1]}; "
                "export the model again."
            ) from error

    def _initialize(self, code: tf.Tensor, target: list[tf.Tensor], seed: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the best of some samples of noise for each image [B,Z], and the spread of the styles, a number."""
        rng = make_rng(seed, 2)
        count = _CANDIDATES if self._model.noise_size else 1
        candidates = tf.constant(rng.standard_normal([count, self._model.noise_size]), tf.float32)
        generated = [self._generate(tf.repeat(noise[None], len(code), axis=0), code) for noise in candidates]
        distances = [_distance(image, self._features(image), target) for image in generated]
        noises = tf.constant(rng.standard_normal([256, self._model.noise_size]), tf.float32)
        styles = self._mapping(noises, tf.constant(rng.random([256, code.shape[-1]]), tf.float32))
        return tf.gather(candidates, tf.argmin(distances, axis=0)), tf.reduce_mean(tf.math.reduce_std(styles, axis=0))

    def _descend(self, x, mean, square, count, rates, code, spread, target):
        """Takes step number `count` of Adam; returns the new (x, mean, square)."""
        with tf.GradientTape() as tape:
            tape.watch(x)
            noise, offset = x
            image = self._generate(noise, code, spread * offset)
            loss = _distance(image, self._features(image), target)  # [B]
            total = tf.reduce_sum(loss + _OFFSET_WEIGHT * tf.reduce_mean(offset**2, axis=[1, 2]))
        gradient = tape.gradient(total, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        mean = [0.9 * m + 0.1 * g for m, g in zip(mean, gradient, strict=True)]
        square = [0.999 * s + 0.001 * g**2 for s, g in zip(square, gradient, strict=True)]
        rates *= tf.sqrt(1.0 - 0.999**count) / (1.0 - 0.9**count)
        x = [v - rates[i] * mean[i] / (tf.sqrt(square[i]) + 1e-8) for i, v in enumerate(x)]
        return x, mean, square

    def _mapping(self, noise, code) -> tf.Tensor:
        return self._signatures["mapping"](noise=noise, code=code)["style"]

    def _generate(self, noise, code, offset=None) -> tf.Tensor:
        style = self._mapping(noise, code)
        return self._signatures["synthesis"](style=style if offset is None else style[:, None, :] + offset)["image"]

    def _features(self, image) -> list[tf.Tensor]:
        """Computes the trunk's features [B,h,w,c] of each level, finest first."""
        image = tf.clip_by_value(image, -1.5, 1.5)  # the signature refuses values far outside [-1, 1]
        levels = self._signatures["features"](image=image)
        return [levels[f"features_{i}"] for i in range(len(levels))]


def _normalize(features: tf.Tensor) -> tf.Tensor:
    """Scales features [B,h,w,c] to length 1 at each position."""
    return features * tf.math.rsqrt(tf.reduce_sum(features**2, axis=-1, keepdims=True) + 1e-8)


def _distance(image, levels: list[tf.Tensor], target: list[tf.Tensor]) -> tf.Tensor:
    """Computes the distance [B] of images from the target, in pixels and features.

    Args:
        image: [B,R,R,C].
        levels: Features of `image` at each level.
        target: The target images, followed by their normalised features at each level.
    """
    distances = [
        tf.reduce_mean(tf.reduce_sum((_normalize(level) - wanted) ** 2, axis=-1), axis=[1, 2])
        for level, wanted in zip(levels, target[1:], strict=True)
    ]
    return tf.reduce_mean((image - target[0]) ** 2, axis=[1, 2, 3]) + tf.add_n(distances) / len(distances)


def _schedule(step: int, steps: int) -> float:
    """Returns the factor of the learning rate: a linear rise over the first twentieth, times a fall along a cosine."""
    return min(1.0, (step + 1) / max(1.0, steps / 20)) * (1.0 + np.cos(np.pi * step / steps)) / 2.0
