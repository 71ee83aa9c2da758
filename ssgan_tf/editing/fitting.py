"""Finds what makes the generator draw a picture that it did not make, by gradient descent through the SavedModel.

The code is read off the picture by the encoder. The search for the rest has two parts: first the noise z, from the best
of some random ones, then what is to be added to the style of each layer, from nothing. Both lessen

    mean (pixel - pixel')^2  +  mean over levels of ||f/|f| - f'/|f'|||^2  [ +  _HOLD * mean (offset / spread)^2 ]

where f are the features of the discriminator's trunk at each place of a picture (the signature `features`), a
perceptual distance in the manner of LPIPS; the last term holds styles near those that the generator has learnt, where
edits work. docs/editing.md has what was tried, with numbers.

Adam is written out, in three lines, so that it does not matter which Keras there is, or whether there is one.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from .latents import make_rng
from .model import Model
from .pictures import to_uint8

_CANDIDATES = 16  # random noises that the best is taken of
_NOISE_SHARE = 1 / 3  # of the steps, where there is noise; the styles have the others
_NOISE_RATE = 0.1
_STYLE_RATE = 0.1  # in spreads of the style
_HOLD = 0.2
_BEST_PSNR = 100.0  # dB, where equal pictures would have infinity

Found = tuple[np.ndarray, np.ndarray, np.ndarray]  # noise [B,Z], offset [B,L,W], psnr [B]


class Fitter:
    """Fits pictures to an exported model.

    Args:
        model: the export.
    """

    def __init__(self, model: Model):
        self._model = model
        self._signatures = model.saved.signatures
        self._step = tf.function(self._descend, autograph=False, reduce_retracing=True)

    def fit(
        self, images: np.ndarray, codes: np.ndarray, steps: int, seed: int, tell: Callable[[float], None]
    ) -> Found:
        """Images [B,R,R,C] and their codes [B,K] -> noise [B,Z], offset [B,L,W], PSNR [B] in decibels.

        A picture's result does not depend on the others, but for rounding.

        Args:
            steps: 1 or more.
            seed: of the noises that it begins with.
            tell: is called with the share that is done, after every step.
        """
        image, code = tf.constant(images, tf.float32), tf.constant(codes, tf.float32)
        target = [image, *map(_unit, self._features(image))]
        noise, spread = self._start(code, target, seed)
        offset = tf.zeros([len(images), self._model.style_layers, self._mapping(noise, code).shape[-1]])
        x = [noise, offset]  # the offset in spreads
        mean, square = ([tf.zeros_like(part) for part in x] for _ in range(2))
        first = int(steps * _NOISE_SHARE) if self._model.noise_size else 0
        for i in range(steps):
            # One function moves both, as making it takes longer than many steps; a rate of 0 keeps one where it is.
            noise_rate = _NOISE_RATE * _pace(i, first) if i < first else 0.0
            style_rate = _STYLE_RATE * _pace(i - first, steps - first) if i >= first else 0.0
            rates = tf.constant([noise_rate, style_rate], tf.float32)
            x, mean, square = self._step(x, mean, square, tf.constant(i + 1.0), rates, code, spread, target)
            tell((i + 1) / steps)
        noise, offset = x[0], x[1] * spread
        difference = to_uint8(self._picture(noise, code, offset)).astype(np.float64) - to_uint8(images)
        errors = np.mean(difference**2, axis=(1, 2, 3))
        with np.errstate(divide="ignore"):
            psnr = np.minimum(10 * np.log10(255**2 / errors), _BEST_PSNR)
        return noise.numpy(), offset.numpy(), psnr.astype(np.float32)

    def _start(self, code: tf.Tensor, target: list[tf.Tensor], seed: int) -> tuple[tf.Tensor, tf.Tensor]:
        """For each picture the best of some noises [B,Z], and how far styles are spread (a number)."""
        rng = make_rng(seed, 2)
        count = _CANDIDATES if self._model.noise_size else 1
        candidates = tf.constant(rng.standard_normal([count, self._model.noise_size]), tf.float32)
        pictures = [self._picture(tf.repeat(noise[None], len(code), axis=0), code) for noise in candidates]
        distances = [_distance(picture, target, self._features(picture)) for picture in pictures]
        noises = tf.constant(rng.standard_normal([256, self._model.noise_size]), tf.float32)
        styles = self._mapping(noises, tf.constant(rng.random([256, code.shape[-1]]), tf.float32))
        return tf.gather(candidates, tf.argmin(distances, axis=0)), tf.reduce_mean(tf.math.reduce_std(styles, axis=0))

    def _descend(self, x, mean, square, count, rates, code, spread, target):
        """One step of Adam: (x, mean, square) after step number `count`."""
        with tf.GradientTape() as tape:
            tape.watch(x)
            noise, offset = x
            picture = self._picture(noise, code, spread * offset)
            loss = _distance(picture, target, self._features(picture))  # [B]
            total = tf.reduce_sum(loss + _HOLD * tf.reduce_mean(offset**2, axis=[1, 2]))
        gradient = tape.gradient(total, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        mean = [0.9 * m + 0.1 * g for m, g in zip(mean, gradient, strict=True)]
        square = [0.999 * s + 0.001 * g**2 for s, g in zip(square, gradient, strict=True)]
        rates *= tf.sqrt(1.0 - 0.999**count) / (1.0 - 0.9**count)
        x = [v - rates[i] * mean[i] / (tf.sqrt(square[i]) + 1e-8) for i, v in enumerate(x)]
        return x, mean, square

    def _mapping(self, noise, code) -> tf.Tensor:
        return self._signatures["mapping"](noise=noise, code=code)["style"]

    def _picture(self, noise, code, offset=None) -> tf.Tensor:
        style = self._mapping(noise, code)
        return self._signatures["synthesis"](style=style if offset is None else style[:, None, :] + offset)["image"]

    def _features(self, image) -> list[tf.Tensor]:
        """Finest first."""
        image = tf.clip_by_value(image, -1.5, 1.5)  # what is far outside would be refused
        levels = self._signatures["features"](image=image)
        return [levels[f"features_{i}"] for i in range(len(levels))]


def _unit(features: tf.Tensor) -> tf.Tensor:
    """[B,h,w,c] -> the same, of length 1 at each place."""
    return features * tf.math.rsqrt(tf.reduce_sum(features**2, axis=-1, keepdims=True) + 1e-8)


def _distance(image, target: list[tf.Tensor], levels: list[tf.Tensor]) -> tf.Tensor:
    """Of images [B,R,R,C] with the features `levels` from [the pictures, unit features of each level]: [B]."""
    distances = [
        tf.reduce_mean(tf.reduce_sum((_unit(level) - wanted) ** 2, axis=-1), axis=[1, 2])
        for level, wanted in zip(levels, target[1:], strict=True)
    ]
    return tf.reduce_mean((image - target[0]) ** 2, axis=[1, 2, 3]) + tf.add_n(distances) / len(distances)


def _pace(step: int, steps: int) -> float:
    """Share of the full rate: it rises in the first twentieth and then falls along a cosine."""
    return min(1.0, (step + 1) / max(1.0, steps / 20)) * (1.0 + np.cos(np.pi * step / steps)) / 2.0
