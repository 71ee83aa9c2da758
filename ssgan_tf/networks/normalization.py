"""Layers with spectral norm, and batch norm without side effects: what convolutional GANs are made of.

Weights start as N(0, 0.02), those of convolutions cut off at two deviations, and biases at 0 (spec of InfoGAN-CR 1.5).
"""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

DEVIATION = 0.02  # of all weights
EPSILON = 1e-5  # of batch norm, in the root
DECAY = 0.9  # of batch norm's moving averages


def weights(truncated: bool = False) -> tf.keras.initializers.Initializer:
    """What a kernel starts from; one for each, since Keras' draw the same numbers when they are used again."""
    kind = tf.keras.initializers.TruncatedNormal if truncated else tf.keras.initializers.RandomNormal
    return kind(stddev=DEVIATION)


def initial_value(variable: tf.Variable, seed: tf.Tensor) -> tf.Tensor:
    """What a trainable variable of these networks could have started from, told by its name; drawn with `seed`."""
    name = variable.name.rpartition("/")[2].partition(":")[0]
    if name == "kernel":
        dense = variable.shape.rank == 2
        draw = tf.random.stateless_normal if dense else tf.random.stateless_truncated_normal
        return draw(variable.shape, seed, stddev=DEVIATION)
    return tf.ones(variable.shape) if name == "scale" else tf.zeros(variable.shape)


def _unit(x: tf.Tensor) -> tf.Tensor:
    return x / (tf.norm(x) + 1e-12)


class _Spectral(tf.keras.layers.Layer):
    """Shared by the two layers below: kernel / sigma, where sigma is about the kernel's largest singular value.

    The kernel is a matrix [..., units]. Each call estimates sigma by one power iteration from the vector u, and the
    gradient flows through the iteration. u itself changes only in `update_spectral_norm`: once a step, however many
    losses and optimizers use the layer in it. TensorFlow Addons' SpectralNormalization changes u, and its kernel, in
    every call with training=True, which is why it is not used here.
    """

    def __init__(self, units: int, name: str | None):
        super().__init__(name=name, autocast=False)
        self.units = units

    def _add_weights(self, shape: list[int], truncated: bool) -> None:
        self.kernel = self.add_weight("kernel", shape, initializer=weights(truncated))
        self.bias = self.add_weight("bias", [self.units], initializer="zeros")
        self.u = self.add_weight(
            "u",
            [1, self.units],
            initializer=tf.keras.initializers.TruncatedNormal(stddev=1.0),
            trainable=False,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,  # all compute the same
        )

    def iterate(self) -> tf.Tensor:
        """One power iteration: sigma [], and the next u [1,units]."""
        matrix = tf.reshape(self.kernel, [-1, self.units])
        v = _unit(tf.matmul(self.u, matrix, transpose_b=True))
        u = _unit(tf.matmul(v, matrix))
        return tf.matmul(tf.matmul(v, matrix), u, transpose_b=True)[0, 0], u

    def normalized(self) -> tf.Tensor:
        """The kernel as it is used."""
        return self.kernel / self.iterate()[0]

    def update_spectral_norm(self) -> None:
        """u becomes what the power iteration makes of it and of the kernel as it is now."""
        self.u.assign(self.iterate()[1])


class SpectralDense(_Spectral):
    """Fully connected, with spectral norm. [B,I] -> [B,units]."""

    def __init__(self, units: int, name: str | None = None):
        super().__init__(units, name)

    def build(self, shape):
        self._add_weights([shape[-1], self.units], truncated=False)
        super().build(shape)

    def call(self, x):
        return tf.matmul(x, self.normalized()) + self.bias


class SpectralConv(_Spectral):
    """Convolution with stride 2 and spectral norm. [B,H,W,I] -> [B,H/2,W/2,units]."""

    def __init__(self, units: int, kernel_size: int, name: str | None = None):
        super().__init__(units, name)
        self.kernel_size = kernel_size

    def build(self, shape):
        self._add_weights([self.kernel_size, self.kernel_size, shape[-1], self.units], truncated=True)
        super().build(shape)

    def call(self, x):
        return tf.nn.conv2d(x, self.normalized(), 2, "SAME") + self.bias


class BatchNorm(tf.keras.layers.Layer):
    """Batch norm that changes nothing: whoever calls it in training moves the averages by the moments that it returns.

    So a pass may be compiled, be in a branch, or be one of several on the same weights. Moments are of this replica's
    part of a batch; the variance is the batch's own, not corrected for its size.

    Args:
        averages: has moving averages, to be used without training.

    Call with x [...,C] and training; returns y [...,C] and [mean [C], variance [C]]: the batch's in training, else
    the moving averages.
    """

    def __init__(self, averages: bool = True, name=None):
        super().__init__(name=name, autocast=False)
        self.averages = averages

    def build(self, shape):
        size = [shape[-1]]
        self.scale = self.add_weight("scale", size, initializer="ones")
        self.offset = self.add_weight("offset", size, initializer="zeros")
        if self.averages:
            self.mean = self.add_weight("mean", size, initializer="zeros", trainable=False)
            self.variance = self.add_weight("variance", size, initializer="ones", trainable=False)
        super().build(shape)

    def call(self, x, training):
        if training:
            mean, variance = tf.nn.moments(x, list(range(x.shape.rank - 1)))
        else:
            mean, variance = tf.identity(self.mean), tf.identity(self.variance)
        return tf.nn.batch_normalization(x, mean, variance, self.offset, self.scale, EPSILON), [mean, variance]


class BatchNormUpdate(NamedTuple):
    """What the batch norms of a network saw in one pass.

    Args:
        moments: one for each moving average.
        moves: 1 in training mode, where the averages move by them, or 0.
    """

    moments: list[tf.Tensor]
    moves: tf.Tensor


def apply_updates(averages: Sequence[tf.Variable], passes: Sequence[BatchNormUpdate]) -> list[tf.Tensor]:
    """What these become by the passes, one after another; passes without training leave them."""
    values = [tf.identity(average) for average in averages]
    for moments, moves in passes:
        rate = (1.0 - DECAY) * moves
        values = [v - rate * (v - m) for v, m in zip(values, moments, strict=True)]
    return values
