"""MixUp of labelled images with each other, on one replica's part of a batch."""

import tensorflow as tf

from ssgan_tf.core import losses
from ssgan_tf.models import train_step


def mix_neighbours(
    images: tf.Tensor, codes: tf.Tensor, mask: tf.Tensor, xi: float, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Mixes each labelled image with its neighbour in the batch: images [L,R,R,C], codes and mask [L,K].

    A factor is known in a mixture if it is known in both images. Partners are 1, 0, 3, 2, ..., the same for any number
    of replicas that have an even number of images each. The last of an odd number is mixed with the one before it, and
    a single image with itself.

    Args:
        images: Labelled images.
        codes: Their codes.
        mask: 1 where a code is known, else 0.
        xi: Parameter of the Beta distribution of the weights (Equation 5).
        seed: Seed of the weights, [2] int.
    """
    size = images.shape[0]
    # Batches are shuffled already.
    pairs = [i ^ 1 for i in range(size)]
    if size % 2:
        pairs[-1] = max(0, size - 2)
    partners = [tf.gather(x, pairs) for x in (images, codes, mask)]
    # lambda' x + (1 - lambda') x', Equation 5, for images and codes.
    weights = train_step.sample_for_replica(lambda n: losses.mixup_weights(n, xi, seed), size)
    return (
        losses.mixup(weights, images, partners[0]),
        losses.mixup(weights, codes, partners[1]),
        mask * partners[2],  # 1 where both are known
    )
