"""Moves of sliders: generated images, and those in which one code has another value while everything else stays."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ssgan_tf.core.priors import Prior
from ssgan_tf.evaluate import inference

PAIRS = 500
"""Maximum number of moves of each code."""


class Moves(NamedTuple):
    """N generated images, and the same with one of K codes moved.

    Args:
        labels: Labels [N,K] of the images before a move.
        moved_labels: Labels [K,N,K] after the move of code k, which differ in column k alone.
        images: Images before a move, uint8 [N,R,R,C].
        moved_images: Images after the move of code k, K times uint8 [N,R,R,C].
    """

    labels: np.ndarray
    moved_labels: np.ndarray
    images: np.ndarray
    moved_images: list[np.ndarray]


def generate(
    generator: inference.Generator,
    prior: Prior,
    noise_size: int,
    pairs: int,
    seed: int,
    labels: np.ndarray | None = None,
) -> Moves:
    """Generates images and, for every code, the same images with another value of it.

    Args:
        generator: G, (z, c) -> images.
        prior: Distribution of c, whose code k stands for factor k.
        noise_size: Width of z.
        pairs: Number N of images, and of moves of each code.
        seed: Seed of noise, codes and moves.
        labels: Labels [N,K] of the images before a move; None to sample them.

    Raises:
        ValueError: Pixels are not finite.
    """
    spec = prior.spec
    rng = np.random.default_rng([seed, 8])
    sampled = rng.integers(spec.sizes, size=(pairs, spec.size))
    labels = sampled if labels is None else labels
    noise = rng.standard_normal((pairs, noise_size))
    moved = np.tile(labels, (spec.size, 1, 1))  # [K,N,K]
    for k, size in enumerate(spec.sizes):
        moved[k, :, k] = (labels[:, k] + rng.integers(1, size, size=pairs)) % size

    # Generate all of them at once, since each call traces the generator anew.
    codes = prior.from_unit(tf.constant(spec.encode(np.concatenate([labels, *moved]))))
    noises = tf.constant(np.tile(noise, (spec.size + 1, 1)), tf.float32)
    images = np.concatenate(list(inference.generate_images(generator, noises, codes)))
    before, *after = np.split(images, spec.size + 1)
    return Moves(labels, moved, before, after)
