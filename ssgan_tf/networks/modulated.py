"""Synthesis blocks of modulated convolutions with demodulation, as in StyleGAN 2 (arXiv 1912.04958, section 2.2).

A style s scales the input maps of a convolution, instead of its normalised output maps as in AdaIN. With the kernel k
of taps t, inputs i and outputs o, each image has a kernel of its own:

    k'[t,i,o] = s[i] k[t,i,o],    k''[t,i,o] = k'[t,i,o] / sqrt(sum over t and i of k'[t,i,o]^2 + 1e-8)

The second step, demodulation, keeps the output at the input's scale by what is expected of it, not by the statistics of
the image, which AdaIN removes from every map. A convolution is linear, so both steps are computed on maps: inputs times
s, then outputs times the factor 1 / sqrt(...). Kernels per image would need grouped convolutions, whose gradients
TensorFlow does not compute on CPUs.
"""

import tensorflow as tf

from ssgan_tf.core.images import blur
from ssgan_tf.networks import layers
from ssgan_tf.networks.options import NetworkOptions


class ModulatedConv(tf.keras.layers.Layer):
    """Modulated 3x3 convolution with demodulation, then noise, bias and leaky ReLU times sqrt(2).

    The style is affine(w) + 1, scaled to a mean square of 1, which demodulation cancels: it keeps 16 bits in range.
    Styles and demodulation factors are float32 in mixed precision.

    Args:
        maps: Number of output maps O.
        options: Sizes and parts of the networks.
        up: Whether to double the size; a blur follows the convolution.

    Call arguments:
        x: [B,H,W,I].
        w: Styles, [B,W].
        noise: [B,H',W',1]; needed only with `options.noise_inputs`.

    Returns [B,H',W',O] in the dtype of x.
    """

    def __init__(self, maps: int, options: NetworkOptions, up: bool = False, name=None):
        super().__init__(name=name, autocast=False)
        self.maps = maps
        self.up = up
        self.noise = options.noise_inputs
        self.edge_blur = options.edge_blur
        self.conv = layers.Conv(maps, resample="up" if up else None, gain=1.0, use_bias=False, name="conv")

    def build(self, shape):
        self.affine = layers.Dense(shape[-1], gain=1.0, name="affine")
        self.bias = self.add_weight("bias", [self.maps], initializer="zeros")
        if self.noise:
            self.noise_weight = self.add_weight("noise_weight", [self.maps], initializer="zeros")
        super().build(shape)

    def call(self, x, w, noise=None):
        style = layers.pixel_norm(self.affine(w) + 1.0)  # [B,I]
        x = self.conv(_scale_maps(x, style))
        if self.up:
            x = blur(x, self.edge_blur)
        # sqrt(2) * leaky_relu(y) is leaky_relu(sqrt(2) * y): small tensors take the gain, not the maps.
        x = _scale_maps(x, layers.RELU_GAIN * self.demodulation(style))
        if self.noise:
            x = x + tf.cast(noise, x.dtype) * tf.cast(layers.RELU_GAIN * self.noise_weight, x.dtype)
        return layers.leaky_relu(layers.add_bias(x, layers.RELU_GAIN * self.bias))

    def demodulation(self, style: tf.Tensor) -> tf.Tensor:
        """Returns the factors [B,O] of the output maps for styles [B,I]: 1 / sqrt(sum (s k)^2 + 1e-8)."""
        squares = tf.reduce_sum(tf.square(self.conv.scaled_kernel()), axis=[0, 1])  # [I,O]
        return tf.math.rsqrt(tf.matmul(tf.square(style), squares) + 1e-8)


def _scale_maps(x: tf.Tensor, factors: tf.Tensor) -> tf.Tensor:
    """Multiplies each map of x [B,H,W,C] by its factor [B,C], in float32: the factor's gradient sums all pixels."""
    return tf.cast(layers.to_float32(x) * factors[:, None, None, :], x.dtype)


class ModulatedBlock(tf.keras.layers.Layer):
    """Two modulated convolutions at one resolution. The first doubles the size, except at 4x4, where it keeps it.

    Called as `style_generator.SynthesisBlock` is, with the same result.
    """

    def __init__(self, resolution: int, options: NetworkOptions, name=None):
        super().__init__(name=name, autocast=False)
        self.resolution = resolution
        self.maps = options.generator.feature_maps(resolution)
        self.noise = options.noise_inputs
        self.precision = options.precision
        self.conv0 = ModulatedConv(self.maps, options, up=resolution > 4, name="conv0")
        self.conv1 = ModulatedConv(self.maps, options, name="conv1")

    def build(self, shape):
        if self.resolution == 4:
            normal = tf.keras.initializers.RandomNormal(stddev=1.0)
            self.constant = self.add_weight("constant", [1, 4, 4, self.maps], initializer=normal)
        super().build(shape)

    def call(self, x, styles, noise_seed=None):
        batch = tf.shape(styles[0])[0]
        noises = layers.sample_noise_inputs(batch, self.resolution, noise_seed) if self.noise else [None, None]
        if self.resolution == 4:
            x = layers.to_compute_dtype(tf.tile(self.constant, [batch, 1, 1, 1]), self.precision)
        return self.conv1(self.conv0(x, styles[0], noises[0]), styles[1], noises[1])
