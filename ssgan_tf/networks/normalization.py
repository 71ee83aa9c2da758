"""Spectral norm and batch norm for convolutional GANs, without side effects during a call.

TensorFlow Addons has a SpectralNormalization too, but it updates its vector u and its kernel in every call with
training=True. Here several losses and optimizers use a layer within one step, and u must change only once per step.
Addons' InstanceNormalization has no noise, bias or style, which StyleGAN fuses with the norm (layers.StyleEpilogue).
tensorflow-addons is no longer maintained, and is needed by the tests alone, which compare with it.

Initial weights as in the authors' code (fjxmlzn/InfoGAN-CR): kernels N(0, 0.02), truncated at two standard deviations
in convolutions, and zero biases.
"""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

WEIGHT_STDDEV = 0.02
BATCH_NORM_EPSILON = 1e-5  # added to the variance
BATCH_NORM_DECAY = 0.9  # decay of the moving averages


def kernel_initializer(truncated: bool = False) -> tf.keras.initializers.Initializer:
    """Returns a new initializer. Use one per kernel: a Keras initializer repeats its values when it is used again."""
    kind = tf.keras.initializers.TruncatedNormal if truncated else tf.keras.initializers.RandomNormal
    return kind(stddev=WEIGHT_STDDEV)


def initial_value(variable: tf.Variable, seed: tf.Tensor) -> tf.Tensor:
    """Samples a new initial value for a trainable variable of these networks; its name decides the kind."""
    name = variable.name.rpartition("/")[2].partition(":")[0]  # "conv0/kernel:0" -> "kernel"
    if name == "kernel":
        dense = variable.shape.rank == 2
        sample = tf.random.stateless_normal if dense else tf.random.stateless_truncated_normal
        return sample(variable.shape, seed, stddev=WEIGHT_STDDEV)
    return tf.ones(variable.shape) if name == "scale" else tf.zeros(variable.shape)


def _l2_normalize(x: tf.Tensor) -> tf.Tensor:
    return x / (tf.norm(x) + 1e-12)


class _Spectral(tf.keras.layers.Layer):
    """Base of the two layers below, which divide the kernel by sigma, an estimate of its largest singular value.

    The kernel is treated as a matrix [I,units]. Each call estimates sigma by one power iteration from the vector u, and
    the gradient flows through the iteration. u itself changes only in `update_spectral_norm`, once per step, no matter
    how many losses and optimizers use the layer.
    """

    def __init__(self, units: int, name: str | None):
        super().__init__(name=name, autocast=False)
        self.units = units

    def _add_weights(self, shape: list[int], truncated: bool) -> None:
        self.kernel = self.add_weight("kernel", shape, initializer=kernel_initializer(truncated))
        self.bias = self.add_weight("bias", [self.units], initializer="zeros")
        # Estimate of the right singular vector, kept between steps, so that one iteration per step suffices.
        self.u = self.add_weight(
            "u",
            [1, self.units],
            initializer=tf.keras.initializers.TruncatedNormal(stddev=1.0),
            trainable=False,
            # All replicas compute the same value.
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )

    def power_iteration(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Runs one power iteration and returns sigma [] and the next u [1,units]."""
        matrix = tf.reshape(self.kernel, [-1, self.units])  # [I,units]
        # v = W u / ||W u||, then u' = W^T v / ||W^T v||.
        v = _l2_normalize(tf.matmul(self.u, matrix, transpose_b=True))  # [1,I]
        u = _l2_normalize(tf.matmul(v, matrix))  # [1,units]
        # sigma = v^T W u'
        return tf.matmul(tf.matmul(v, matrix), u, transpose_b=True)[0, 0], u

    def normalized_kernel(self) -> tf.Tensor:
        """Returns kernel / sigma, the kernel that the layer applies."""
        return self.kernel / self.power_iteration()[0]

    def update_spectral_norm(self) -> None:
        """Advances u by one power iteration on the current kernel."""
        self.u.assign(self.power_iteration()[1])


class SpectralDense(_Spectral):
    """Fully connected layer with spectral norm. [B,I] -> [B,units]."""

    def __init__(self, units: int, name: str | None = None):
        super().__init__(units, name)

    def build(self, shape):
        self._add_weights([shape[-1], self.units], truncated=False)
        super().build(shape)

    def call(self, x):
        return tf.matmul(x, self.normalized_kernel()) + self.bias


class SpectralConv(_Spectral):
    """Convolution with stride 2 and spectral norm. [B,H,W,I] -> [B,H/2,W/2,units]."""

    def __init__(self, units: int, kernel_size: int, name: str | None = None):
        super().__init__(units, name)
        self.kernel_size = kernel_size

    def build(self, shape):
        self._add_weights([self.kernel_size, self.kernel_size, shape[-1], self.units], truncated=True)
        super().build(shape)

    def call(self, x):
        return tf.nn.conv2d(x, self.normalized_kernel(), 2, "SAME") + self.bias


class BatchNorm(tf.keras.layers.Layer):
    """Batch norm that changes no variable: it returns the moments, and the caller updates the moving averages.

    A pass can therefore be compiled, run in a branch, or be one of several on the same weights. The moments are those
    of this replica's part of the batch, with the biased variance.

    Args:
        averages: Whether to keep moving averages, which are used outside training.

    Call arguments:
        x: [...,C].
        training: Whether to normalise by the batch's own moments instead of the moving averages.

    Returns y [...,C] and the moments used, [mean [C], variance [C]].
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
            mean, variance = tf.nn.moments(x, list(range(x.shape.rank - 1)))  # over all axes but the channels
        else:
            mean, variance = tf.identity(self.mean), tf.identity(self.variance)
        y = tf.nn.batch_normalization(x, mean, variance, self.offset, self.scale, BATCH_NORM_EPSILON)
        return y, [mean, variance]


class BatchNormUpdate(NamedTuple):
    """Moments of a network's batch norms in one pass.

    Args:
        moments: One tensor per moving average.
        training: 1 for a pass in training mode, which moves the averages, else 0.
    """

    moments: list[tf.Tensor]
    training: tf.Tensor


def apply_updates(averages: Sequence[tf.Variable], passes: Sequence[BatchNormUpdate]) -> list[tf.Tensor]:
    """Returns the moving averages after applying each pass in order. Passes in inference mode leave them unchanged."""
    values = [tf.identity(average) for average in averages]
    for moments, training in passes:
        # average <- average - (1 - decay) * (average - moment)
        rate = (1.0 - BATCH_NORM_DECAY) * training
        values = [v - rate * (v - m) for v, m in zip(values, moments, strict=True)]
    return values
