"""StyleGAN's layers, channels-last and safe under second-order gradients.

Weights are stored with standard deviation 1 / lrmul and scaled at run time ("equalised learning rate", as in official
StyleGAN): w = stored * gain / sqrt(fan_in) * lrmul.

A layer computes in the dtype of its input. Weights stay in float32 and are cast where they are used, so a network
chooses its precision with `to_compute_dtype` and `to_float32` alone.

No layer uses a resize op or UpSampling2D: R1 needs second-order gradients, and theirs fail or are wrong.
"""

import math

import tensorflow as tf

RELU_GAIN = math.sqrt(2.0)  # He initialisation, for layers followed by a leaky ReLU
_COMPUTE_DTYPES = {"mixed_bfloat16": tf.bfloat16, "mixed_float16": tf.float16}


def to_compute_dtype(x: tf.Tensor, precision: str) -> tf.Tensor:
    """Casts x to the 16-bit dtype of convolutions in mixed precision; returns it unchanged in float32."""
    return tf.cast(x, _COMPUTE_DTYPES.get(precision, x.dtype))


def to_float32(x: tf.Tensor) -> tf.Tensor:
    """Casts a 16-bit x to float32, for sums over many values and for small differences; else returns it unchanged."""
    return tf.cast(x, tf.float32) if x.dtype.size < 4 else x


def count_parameters(network: tf.keras.Model) -> int:
    """Returns the number of trainable parameters of `network`, which is the count that papers report."""
    return sum(math.prod(variable.shape) for variable in network.trainable_variables)


def leaky_relu(x: tf.Tensor) -> tf.Tensor:
    """Leaky ReLU with slope 0.2."""
    return tf.nn.leaky_relu(x, 0.2)


def pixel_norm(x: tf.Tensor) -> tf.Tensor:
    """Scales each row of [B,C] to a mean square of 1: x / sqrt(mean(x^2) + 1e-8)."""
    return x * tf.math.rsqrt(tf.reduce_mean(tf.square(x), axis=-1, keepdims=True) + 1e-8)


def minibatch_stddev(x: tf.Tensor, group: int = 4) -> tf.Tensor:
    """Computes how much the images of each group in the batch vary, as one channel.

    The batch is split into groups of `group` images, or into a single group if its size is not a multiple. The value
    of a group is the standard deviation over its images, averaged over pixels and channels.

    Args:
        x: [B,H,W,C].
        group: Images per group. Under a distribution strategy a group lies within one replica.

    Returns:
        [B,H,W,1].
    """
    batch, height, width, channels = x.shape
    if batch is None:
        batch = tf.shape(x)[0]
        members = tf.where(batch % group == 0, group, batch)
    else:
        # In training the size must be static: XLA rejects shapes that depend on values inside tf.cond.
        members = group if batch % group == 0 else batch
    y = tf.reshape(to_float32(x), [members, -1, height, width, channels])  # [G,M,H,W,C]
    y = tf.sqrt(tf.math.reduce_variance(y, axis=0) + 1e-8)  # [M,H,W,C]
    y = tf.reduce_mean(y, axis=[1, 2, 3])  # [M]
    y = tf.tile(y, [members])  # [B]: image i belongs to group i mod M
    return tf.tile(tf.cast(y, x.dtype)[:, None, None, None], [1, height, width, 1])


def sample_noise_inputs(batch: tf.Tensor, resolution: int, seed: tf.Tensor | None) -> list[tf.Tensor]:
    """Samples the noise images [B,H,W,1] of a block's two layers; each resolution has its own.

    Args:
        batch: Number of images B.
        resolution: Height and width.
        seed: [2] int; None gives zeros, the mean of the noise, so that images are reproducible.
    """
    shape = [2, batch, resolution, resolution, 1]
    if seed is None:
        return tf.unstack(tf.zeros(shape))
    seed = tf.random.experimental.stateless_fold_in(seed, resolution)
    return tf.unstack(tf.random.stateless_normal(shape, seed))


def _fuse_box_filter(kernel: tf.Tensor) -> tf.Tensor:
    """Convolves a 3x3 kernel [3,3,I,O] with a 2x2 box of ones: the sum of its four shifted copies in [4,4,I,O]."""
    # Pad four times instead of padding once and slicing: on CPUs a slice's gradient takes ten times as long.
    corners = [[[i, 1 - i], [j, 1 - j], [0, 0], [0, 0]] for j in (0, 1) for i in (0, 1)]
    return tf.add_n([tf.pad(kernel, corner) for corner in corners])


def add_bias(x: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """Computes x [...,C] + bias [C]."""
    bias = tf.cast(bias, x.dtype)
    # On CPUs the gradient of tf.nn.bias_add is fused with the convolution's, which is slower than both apart. In 16
    # bits it is used all the same, since GPUs sum its gradient in float32.
    return tf.nn.bias_add(x, bias) if x.dtype.size < 4 else x + bias


class _Equalized(tf.keras.layers.Layer):
    """Base of the dense and convolution layers below: the stored weight and its run-time scale."""

    def __init__(self, units: int, gain: float, lrmul: float, use_bias: bool, name: str | None):
        super().__init__(name=name, autocast=False)
        self.units = units
        self.gain = gain
        self.lrmul = lrmul
        self.use_bias = use_bias

    def _add_weights(self, shape: list[int]) -> None:
        self.kernel = self.add_weight(
            "kernel", shape, initializer=tf.keras.initializers.RandomNormal(stddev=1.0 / self.lrmul)
        )
        self.bias = self.add_weight("bias", [self.units], initializer="zeros") if self.use_bias else None
        # Equalised learning rate: Adam's steps are relative to the stored weight, whose scale is the same everywhere.
        fan_in = math.prod(shape[:-1])
        self._scale = self.gain / math.sqrt(fan_in) * self.lrmul

    def scaled_kernel(self) -> tf.Tensor:
        """Returns the kernel that the layer applies: the stored one times its run-time scale."""
        return self.kernel * self._scale

    def _finish(self, x: tf.Tensor) -> tf.Tensor:
        return x if self.bias is None else add_bias(x, self.bias * self.lrmul)


class Dense(_Equalized):
    """Fully connected layer with equalised learning rate. [B,I] -> [B,units].

    Args:
        units: Width of the output.
        gain: RELU_GAIN before a leaky ReLU, 1 elsewhere.
        lrmul: Learning-rate multiplier of weight and bias.
        use_bias: Whether to add a bias, which starts at 0.
    """

    def __init__(self, units, gain=RELU_GAIN, lrmul=1.0, use_bias=True, name=None):
        super().__init__(units, gain, lrmul, use_bias, name)

    def build(self, shape):
        self._add_weights([shape[-1], self.units])
        super().build(shape)

    def call(self, x):
        return self._finish(tf.matmul(x, tf.cast(self.scaled_kernel(), x.dtype)))


class Conv(_Equalized):
    """Convolution with equalised learning rate that keeps, doubles or halves the size. [B,H,W,I] -> [B,H',W',units].

    `resample="up"` equals nearest-neighbour doubling followed by the 3x3 convolution, computed as one transposed 4x4
    convolution with 4/9 of the multiplications. `resample="down"` equals the convolution followed by a 2x2 mean,
    computed as one strided 4x4 convolution, with the same saving.

    Args:
        units: Output channels.
        kernel_size: 1 or 3; 3 with `resample`.
        resample: None, "up" or "down".
        gain: RELU_GAIN before a leaky ReLU, 1 elsewhere.
        use_bias: Whether to add a bias, which starts at 0.

    Raises:
        ValueError: If `resample` is another value, or is given with a kernel that is not 3x3.
    """

    def __init__(self, units, kernel_size=3, resample=None, gain=RELU_GAIN, use_bias=True, name=None):
        if resample not in (None, "up", "down") or (resample and kernel_size != 3):
            raise ValueError(
                "Expected resample None, 'up' or 'down', the latter two with kernel_size 3. "
                f"Received: resample={resample!r}, kernel_size={kernel_size}."
            )
        super().__init__(units, gain, 1.0, use_bias, name)
        self.kernel_size = kernel_size
        self.resample = resample

    def build(self, shape):
        self._add_weights([self.kernel_size, self.kernel_size, shape[-1], self.units])
        super().build(shape)

    def call(self, x):
        kernel = self.scaled_kernel()
        if self.resample == "up":
            # A transposed convolution mirrors its kernel and exchanges input and output channels.
            kernel = tf.transpose(_fuse_box_filter(tf.reverse(kernel, [0, 1])), [0, 1, 3, 2])  # [4,4,O,I]
            size = [tf.shape(x)[0], 2 * x.shape[1], 2 * x.shape[2], self.units]
            x = tf.nn.conv2d_transpose(x, tf.cast(kernel, x.dtype), size, 2, "SAME")
        elif self.resample == "down":
            # Divided by 4, the box of ones is the 2x2 mean.
            x = tf.nn.conv2d(x, tf.cast(_fuse_box_filter(kernel) / 4.0, x.dtype), 2, "SAME")
        else:
            x = tf.nn.conv2d(x, tf.cast(kernel, x.dtype), 1, "SAME")
        return self._finish(x)


class StyleEpilogue(tf.keras.layers.Layer):
    """Noise, bias, leaky ReLU, instance norm and style (AdaIN), which follow each convolution of the synthesis network.

    x -> (x - mean) / sqrt(var + 1e-8) * (scale + 1) + shift over the pixels of each image, with
    (scale, shift) = affine(w). Norm and style together are one multiplication and one addition per element.

    The norm also keeps float16 in range, for which StyleGAN 1 has no clamp: a map of n pixels comes out within about
    sqrt(n) * |scale + 1| + |shift|, however large its input. Norm and style are computed in float32: for a constant
    map 1 / sqrt(var + 1e-8) is 10,000, and its product with the map can exceed float16's maximum of 65,504.

    Args:
        noise: Whether to add one channel of Gaussian noise, scaled per channel by a learned weight that starts at 0.

    Call arguments:
        x: [B,H,W,C].
        w: Styles, [B,W].
        noise: [B,H,W,1]; needed only if the layer has `noise`.

    Returns [B,H,W,C] in the dtype of x.
    """

    def __init__(self, noise: bool = False, name=None):
        super().__init__(name=name, autocast=False)
        self.noise = noise

    def build(self, shape):
        channels = shape[-1]
        self.bias = self.add_weight("bias", [channels], initializer="zeros")
        if self.noise:
            self.noise_weight = self.add_weight("noise_weight", [channels], initializer="zeros")
        self.affine = Dense(2 * channels, gain=1.0, name="affine")
        super().build(shape)

    def call(self, x, w, noise=None):
        if self.noise:
            x = x + tf.cast(noise, x.dtype) * tf.cast(self.noise_weight, x.dtype)
        x = leaky_relu(add_bias(x, self.bias))
        wide = to_float32(x)
        scale, shift = tf.split(self.affine(w)[:, None, None, :], 2, axis=-1)  # [B,1,1,C] each
        # Not tf.nn.moments: it hides the mean from the gradient of the variance, so its second-order gradient is wrong.
        mean = tf.reduce_mean(wide, axis=[1, 2], keepdims=True)  # [B,1,1,C]
        variance = tf.reduce_mean(tf.square(wide - mean), axis=[1, 2], keepdims=True)
        # (x - mean) * scale + shift = x * scale + (shift - mean * scale), with 1 / stddev inside the scale.
        scale = (scale + 1.0) * tf.math.rsqrt(variance + 1e-8)
        return tf.cast(wide * scale + (shift - mean * scale), x.dtype)
