"""The generator: mapping (z, c) -> w and StyleGAN-1 synthesis w -> image.

The factor code c enters through the mapping network alone. Source: spec of Semi-StyleGAN 1.2 and 1.3, whose
parameter counts fix the label embedding, the eight mapping layers and one RGB head per resolution.
"""

import tensorflow as tf

from ssgan_tf.core.images import blur, upsample
from ssgan_tf.networks import layers
from ssgan_tf.networks.options import NetworkOptions

TRUNCATION_CUTOFF = 8  # layers, so 4x4 to 32x32; the official StyleGAN's
W_AVERAGE_DECAY = 0.995  # of StyleGenerator.w_average, per step; likewise


def draw_crossovers(batch: int, layers_now: int, probability: float, seed: tf.Tensor) -> tf.Tensor:
    """For each image the layer from which a second style takes over; `layers_now` where none does.

    Args:
        batch: number of images B.
        layers_now: how many layers take a style at the resolution at hand: two for each from 4x4 up to it.
        probability: of a second style; the layer is then any of 1 .. layers_now - 1 alike.
        seed: [2] int; the same seed gives the same layers.

    Returns:
        [B] int32 in 1 .. layers_now.
    """
    whether, where = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    mixed = tf.random.stateless_uniform([batch], whether) < probability
    crossovers = tf.random.stateless_uniform([batch], where, minval=1, maxval=layers_now, dtype=tf.int32)
    return tf.where(mixed, crossovers, layers_now)


def mix_styles(first: tf.Tensor, second: tf.Tensor, crossovers: tf.Tensor, style_layers: int) -> tf.Tensor:
    """Style mixing of the official StyleGAN, with a crossover for each image instead of one for the batch.

    Args:
        first: styles of the layers before the crossover, [B,W].
        second: of the layers from it on, [B,W].
        crossovers: [B] int; `style_layers` or more leaves `first` alone.
        style_layers: L.

    Returns:
        [B,L,W].
    """
    from_second = tf.range(style_layers)[None, :] >= crossovers[:, None]  # [B,L]
    return tf.where(from_second[:, :, None], second[:, None, :], first[:, None, :])


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

    Call with x [B,H,W,C] (ignored at 4x4: the block starts from a learned constant), a pair of styles [B,W] for the
    two, and a seed for the noise inputs; returns [B,H',W',C'], of 16 bits in mixed precision.
    """

    def __init__(self, resolution: int, options: NetworkOptions, name=None):
        super().__init__(name=name, autocast=False)
        maps = options.feature_maps(resolution)
        self.resolution = resolution
        self.maps = maps
        self.noise = options.noise_inputs
        self.precision = options.precision
        if resolution > 4:
            self.conv_up = layers.Conv(maps, resample="up", use_bias=False, name="conv_up")
        self.epilogue0 = layers.StyleEpilogue(options.noise_inputs, name="epilogue0")
        self.conv = layers.Conv(maps, use_bias=False, name="conv")
        self.epilogue1 = layers.StyleEpilogue(options.noise_inputs, name="epilogue1")

    def build(self, shape):
        if self.resolution == 4:
            self.constant = self.add_weight("constant", [1, 4, 4, self.maps], initializer="ones")
        super().build(shape)

    def call(self, x, styles, noise_seed=None):
        batch = tf.shape(styles[0])[0]
        noises = [None, None]
        if self.noise:
            noises = self._noise(batch, noise_seed)
        if self.resolution == 4:
            # Not narrow yet: it starts as ones, and the norm multiplies the gradient of a constant map by 10,000.
            x = tf.tile(self.constant, [batch, 1, 1, 1])
        else:
            x = blur(self.conv_up(x))
        x = layers.to_compute_dtype(self.epilogue0(x, styles[0], noises[0]), self.precision)
        return self.epilogue1(self.conv(x), styles[1], noises[1])

    def _noise(self, batch, seed):
        """Two noise images [B,H,W,1]; without a seed their mean, zero, so that the result is repeatable."""
        shape = [2, batch, self.resolution, self.resolution, 1]
        if seed is None:
            return tf.unstack(tf.zeros(shape))
        seed = tf.random.experimental.stateless_fold_in(seed, self.resolution)
        return tf.unstack(tf.random.stateless_normal(shape, seed))


class SynthesisNetwork(tf.keras.Model):
    """Styles -> image [B,R,R,C] in about [-1, 1], float32 whatever the precision.

    Call arguments:
        w: styles, [B,W] for all layers alike or [B,L,W] with one for each of the L = options.style_layers layers. A
            lower `resolution` uses the first of them, two for each resolution from 4x4 on.
        resolution: of the image, for progressive growing; the full one if None.
        fade: weight in [0, 1] of this resolution's image against the doubled image of the resolution below;
            None means 1, without computing the other.
        noise_seed: [2] int, for the noise inputs if there are any; None leaves them at their mean.

    Raises:
        ValueError: for styles of another shape.
    """

    def __init__(self, options: NetworkOptions, name="synthesis"):
        super().__init__(name=name)
        self.options = options
        self.resolutions = options.resolutions
        self.tanh = options.tanh
        self.blocks = [SynthesisBlock(r, options, name=f"block{r}") for r in self.resolutions]
        self.to_rgb = [
            layers.Conv(options.channels, kernel_size=1, gain=1.0, name=f"to_rgb{r}") for r in self.resolutions
        ]

    def call(self, w, resolution=None, fade=None, noise_seed=None):
        last = self.resolutions.index(resolution or self.resolutions[-1])
        styles = self._style_of_each_layer(w)
        x = below = None
        for i, block in enumerate(self.blocks[: last + 1]):
            below, x = x, block(x, styles[2 * i : 2 * i + 2], noise_seed)  # [B,r,r,C_r]
        image = self._to_rgb(x, last)  # [B,R,R,C]
        if fade is not None and last > 0:
            image += (1.0 - fade) * (upsample(self._to_rgb(below, last - 1)) - image)
        return tf.tanh(image) if self.tanh else image

    def _to_rgb(self, x, level):
        return self.to_rgb[level](layers.to_float32(x))  # bfloat16 has only 128 shades in [0.5, 1]

    def _style_of_each_layer(self, w) -> list[tf.Tensor]:
        count, width = self.options.style_layers, self.options.style_size
        if w.shape.rank == 2 and w.shape[1] == width:
            return [w] * count
        if w.shape.rank == 3 and w.shape[1:] == [count, width]:
            return tf.unstack(w, axis=1)
        raise ValueError(
            f"Styles: expected [B,{width}] or [B,{count},{width}], two layers for each resolution from 4 to "
            f"{self.resolutions[-1]}, also while the networks grow. Received: {w.shape}."
        )


class StyleGenerator(tf.keras.Model):
    """G(z, c): mapping and synthesis. Call with (noise [B,Z], codes [B,K]); returns [B,R,R,C] float32.

    Built as soon as it is made: all weights exist, also those of RGB heads that a fixed-resolution run never uses.
    `w_average` [W], the mean style, starts at 0; whoever trains the generator keeps it (spec 1.2: by 0.5 % each step).
    It is not trained itself and no part of published counts (`layers.count_parameters`).

    Args:
        options: sizes.
        code_size: K.

    Call arguments, beside those of SynthesisNetwork:
        truncation: psi, for sampling alone: moves styles to `w_average`, which costs variety and avoids rare, bad
            images. 0 is the average itself; 1 and None change nothing.
        truncation_cutoff: how many of the layers, from 4x4 on, are moved. The others keep fine detail various.
    """

    def __init__(self, options: NetworkOptions, code_size: int, name="generator"):
        super().__init__(name=name)
        self.options = options
        self.code_size = code_size
        self.mapping = MappingNetwork(options)
        self.synthesis = SynthesisNetwork(options)
        self.w_average = self.add_weight("w_average", [options.style_size], initializer="zeros", trainable=False)
        self._build_all_weights()

    def _build_all_weights(self):
        w = self.mapping((tf.zeros([1, self.options.noise_size]), tf.zeros([1, self.code_size])))
        x = None
        for block, to_rgb in zip(self.synthesis.blocks, self.synthesis.to_rgb, strict=True):
            x = block(x, [w, w])
            to_rgb(layers.to_float32(x))
        self.synthesis.built = self.built = True

    def truncate(self, w: tf.Tensor, psi: tf.Tensor | float, cutoff: int = TRUNCATION_CUTOFF) -> tf.Tensor:
        """Styles [B,W] or [B,L,W] -> [B,L,W]: w_average + psi * (w - w_average) in the first `cutoff` layers.

        psi is one number, or [B,1].
        """
        if len(w.shape) == 2:
            w = w[:, None, :]
        moved = tf.range(self.options.style_layers) < cutoff  # [L]
        distance = tf.cast(tf.where(moved, 1.0 - psi, 0.0), w.dtype)[..., None]  # so that psi = 1 is exact
        return w + distance * (self.w_average - w)

    def call(
        self,
        inputs,
        resolution=None,
        fade=None,
        noise_seed=None,
        truncation=None,
        truncation_cutoff=TRUNCATION_CUTOFF,
    ):
        w = self.mapping(inputs)
        if truncation is not None:
            w = self.truncate(w, truncation, truncation_cutoff)
        return self.synthesis(w, resolution, fade, noise_seed)
