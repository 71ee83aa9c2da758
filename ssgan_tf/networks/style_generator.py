"""The generator: mapping (z, c) -> w and StyleGAN-1 synthesis w -> image.

The factor code c enters through the mapping network alone. Source: spec of Semi-StyleGAN 1.2 and 1.3, whose
parameter counts fix the label embedding, the eight mapping layers and one RGB head per resolution.
"""

import tensorflow as tf

from ssgan_tf.networks import layers
from ssgan_tf.networks.options import NetworkOptions


class MappingNetwork(tf.keras.Model):
    """(noise [B,Z], codes [B,K]) -> style w [B,W].

    z is pixel-normalised; c is multiplied by a learned matrix without bias that starts as N(0,1); both are
    concatenated and go through `mapping_layers` fully connected layers with leaky ReLU.
    """

    def __init__(self, options: NetworkOptions, name="mapping"):
        super().__init__(name=name)
        self.joint_norm = options.joint_norm
        # Not equalised: a plain N(0,1) matrix, as in the only public code of these authors.
        self.embedding = tf.keras.layers.Dense(
            options.noise_size,
            use_bias=False,
            kernel_initializer=tf.keras.initializers.RandomNormal(stddev=1.0),
            name="embedding",
        )
        self.hidden = [
            layers.Dense(options.style_size, lrmul=options.mapping_lrmul, name=f"dense{i}")
            for i in range(options.mapping_layers)
        ]

    def call(self, inputs):
        noise, codes = inputs  # [B,Z], [B,K]
        embedded = self.embedding(codes)  # [B,Z]
        if self.joint_norm:
            x = layers.pixel_norm(tf.concat([noise, embedded], axis=-1))  # [B,2Z]
        else:
            x = tf.concat([layers.pixel_norm(noise), embedded], axis=-1)  # [B,2Z]
        for dense in self.hidden:
            x = layers.leaky_relu(dense(x))  # [B,W]
        return x


class SynthesisBlock(tf.keras.layers.Layer):
    """Two styled 3x3 convolutions at one resolution; doubles the size first, but for the 4x4 block.

    Call with x [B,H,W,C] (ignored at 4x4: the block starts from a learned constant), w [B,W] and a seed for the
    noise inputs; returns [B,H',W',C'].
    """

    def __init__(self, resolution: int, options: NetworkOptions, name=None):
        super().__init__(name=name)
        maps = options.feature_maps(resolution)
        self.resolution = resolution
        self.maps = maps
        self.noise = options.noise_inputs
        if resolution > 4:
            self.conv_up = layers.Conv(maps, resample="up", use_bias=False, name="conv_up")
        self.epilogue0 = layers.StyleEpilogue(options.noise_inputs, name="epilogue0")
        self.conv = layers.Conv(maps, use_bias=False, name="conv")
        self.epilogue1 = layers.StyleEpilogue(options.noise_inputs, name="epilogue1")

    def build(self, shape):
        if self.resolution == 4:
            self.constant = self.add_weight("constant", [1, 4, 4, self.maps], initializer="ones")
        super().build(shape)

    def call(self, x, w, noise_seed=None):
        batch = tf.shape(w)[0]
        noises = [None, None]
        if self.noise:
            noises = self._noise(batch, noise_seed)
        if self.resolution == 4:
            x = tf.tile(self.constant, [batch, 1, 1, 1])
        else:
            x = layers.blur(self.conv_up(x))
        x = self.epilogue0(x, w, noises[0])
        return self.epilogue1(self.conv(x), w, noises[1])

    def _noise(self, batch, seed):
        """Two noise images [B,H,W,1]; without a seed their mean, zero, so that the result is repeatable."""
        shape = [2, batch, self.resolution, self.resolution, 1]
        if seed is None:
            return tf.unstack(tf.zeros(shape))
        seed = tf.random.experimental.stateless_fold_in(seed, self.resolution)
        return tf.unstack(tf.random.stateless_normal(shape, seed))


class SynthesisNetwork(tf.keras.Model):
    """w [B,W] -> image [B,R,R,C] in about [-1, 1].

    Call arguments:
        w: styles, [B,W], the same for all layers.
        resolution: of the image, for progressive growing; the full one if None.
        fade: weight in [0, 1] of this resolution's image against the doubled image of the resolution below;
            None means 1, without computing the other.
        noise_seed: [2] int, for the noise inputs if there are any; None leaves them at their mean.
    """

    def __init__(self, options: NetworkOptions, name="synthesis"):
        super().__init__(name=name)
        self.resolutions = options.resolutions
        self.tanh = options.tanh
        self.blocks = [SynthesisBlock(r, options, name=f"block{r}") for r in self.resolutions]
        self.to_rgb = [
            layers.Conv(options.channels, kernel_size=1, gain=1.0, name=f"to_rgb{r}") for r in self.resolutions
        ]

    def call(self, w, resolution=None, fade=None, noise_seed=None):
        last = self.resolutions.index(resolution or self.resolutions[-1])
        x = below = None
        for block in self.blocks[: last + 1]:
            below, x = x, block(x, w, noise_seed)  # [B,r,r,C_r]
        image = self.to_rgb[last](x)  # [B,R,R,C]
        if fade is not None and last > 0:
            image += (1.0 - fade) * (layers.upsample(self.to_rgb[last - 1](below)) - image)
        return tf.tanh(image) if self.tanh else image


class StyleGenerator(tf.keras.Model):
    """G(z, c): mapping and synthesis. Call with (noise [B,Z], codes [B,K]); returns [B,R,R,C] float32.

    Built as soon as it is made: all weights exist, also those of RGB heads that a fixed-resolution run never uses.

    Args:
        options: sizes.
        code_size: K.
    """

    def __init__(self, options: NetworkOptions, code_size: int, name="generator"):
        super().__init__(name=name)
        self.options = options
        self.code_size = code_size
        self.mapping = MappingNetwork(options)
        self.synthesis = SynthesisNetwork(options)
        self._build_all_weights()

    def _build_all_weights(self):
        w = self.mapping((tf.zeros([1, self.options.noise_size]), tf.zeros([1, self.code_size])))
        x = None
        for block, to_rgb in zip(self.synthesis.blocks, self.synthesis.to_rgb, strict=True):
            x = block(x, w)
            to_rgb(x)
        self.synthesis.built = self.built = True

    def call(self, inputs, resolution=None, fade=None, noise_seed=None):
        return self.synthesis(self.mapping(inputs), resolution, fade, noise_seed)
