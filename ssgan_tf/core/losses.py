"""Pure losses: tensors in, one value per example out ([B] float32).

No weights and no reduction here. The weights are in each model's objective, and the mean over the global batch is taken
once, by `models.train_step.total_loss`. Equation numbers are those of Semi-StyleGAN (ICML 2020, arXiv 2003.03461).
"""

import numpy as np
import tensorflow as tf

# Added under the square root of the norm, whose gradient is undefined at 0. Changes the norm by at most 1e-6.
_NORM_EPSILON = 1e-12
_TINY = np.finfo(np.float32).tiny  # smallest normal float32


def generator_adversarial(fake_logits: tf.Tensor) -> tf.Tensor:
    """Non-saturating logistic loss of the generator: softplus(-D(G(z,c))). [B] -> [B]."""
    return tf.nn.softplus(-fake_logits)


def discriminator_adversarial(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """Logistic loss of the discriminator: softplus(-D(x)) + softplus(D(G(z,c))). [B], [B] -> [B]."""
    return tf.nn.softplus(-real_logits) + tf.nn.softplus(fake_logits)


def r1_penalty(image_gradients: tf.Tensor) -> tf.Tensor:
    """Squared norm of dD(x)/dx on real images. [B,H,W,C] -> [B]. The usual weight is r1 / 2."""
    return tf.reduce_sum(tf.square(image_gradients), axis=[1, 2, 3])


def code_distance(predicted: tf.Tensor, target: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
    """Euclidean distance ||E(x) - c||_2 of Equations 1, 3 and 6: the norm itself, not its square.

    Args:
        predicted: E(x), [B,K].
        target: c, [B,K].
        mask: [B,K], 1 where the target is known and 0 where it is not. None if all targets are known.

    Returns:
        [B]. An example without any known target has distance 0 and gradient 0, exactly.
    """
    difference = predicted - target
    if mask is not None:
        difference = difference * mask
    square = tf.reduce_sum(tf.square(difference), axis=-1)
    # Subtracting the root of epsilon makes the distance of equal codes exactly 0.
    return tf.sqrt(square + _NORM_EPSILON) - _NORM_EPSILON**0.5


def mixup_weights(batch: int | tf.Tensor, xi: float, seed: tf.Tensor) -> tf.Tensor:
    """Samples lambda' = max(lambda, 1 - lambda) with lambda ~ Beta(xi, xi), one per pair (Equation 5).

    Args:
        batch: Number of pairs B.
        xi: Parameter of the Beta distribution, > 0.
        seed: [2] int; the same seed gives the same weights.

    Returns:
        [B] in [0.5, 1]: the weight of the first member of each pair.
    """
    # Beta(a, b) = X / (X + Y) with X ~ Gamma(a), Y ~ Gamma(b).
    gamma = tf.random.stateless_gamma([2, batch], seed, alpha=xi)
    weight = gamma[0] / (gamma[0] + gamma[1])
    # For a tiny xi both can underflow to the smallest float32, although one is really far larger: use a weight of 1.
    weight = tf.where(tf.reduce_max(gamma, axis=0) > _TINY, weight, 1.0)
    # The first member never has the smaller weight, as in MixMatch.
    return tf.maximum(weight, 1.0 - weight)


def mixup(weights: tf.Tensor, first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Returns weights * first + (1 - weights) * second (Equation 5), with `weights` [B] broadcast to their shape."""
    weights = tf.reshape(weights, [-1] + [1] * (first.shape.rank - 1))
    return weights * first + (1.0 - weights) * second
