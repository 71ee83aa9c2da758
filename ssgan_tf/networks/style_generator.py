"""The generator: mapping network (z, c) -> w and synthesis network w -> image.

The factor code c enters through the mapping network only. The architecture is that of the authors' earlier code
(gokulbot/Disentangled_GANs). The parameter counts that the paper reports (arXiv 2003.03461, table 1) confirm the code
embedding, the eight mapping layers and one RGB head per resolution. The blocks of the synthesis network are
StyleGAN 1's, in this module, or those of modulated.py.
"""

import math

import tensorflow as tf

from ssgan_tf.core.images import blur, upsample
from ssgan_tf.networks import layers
from ssgan_tf.networks.modulated import ModulatedBlock
from ssgan_tf.networks.options import NetworkOptions

# Official StyleGAN's values.
TRUNCATION_CUTOFF = 8  # number of truncated layers: 4x4 to 32x32
W_AVERAGE_DECAY = 0.995  # decay of StyleGenerator.w_average per training step


def sample_crossovers(batch: int, layers_now: int, probability: float, seed: tf.Tensor) -> tf.Tensor:
    """Samples, for each image, the first layer that takes a second style; `layers_now` if none does.

    Args:
        batch: Number of images B.
        layers_now: Number of style layers at the current resolution: two for each resolution from 4x4 up to it.
        probability: Probability of a second style. Its first layer is uniform in 1 .. layers_now - 1.
        seed: [2] int; the same seed gives the same layers.

    Returns:
        [B] int32 in 1 .. layers_now.
    """
    mixed_seed, crossover_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
    mixed = tf.random.stateless_uniform([batch], mixed_seed) < probability
    crossovers = tf.random.stateless_uniform([batch], crossover_seed, minval=1, maxval=layers_now, dtype=tf.int32)
    return tf.where(mixed, crossovers, layers_now)


def mix_styles(first: tf.Tensor, second: tf.Tensor, crossovers: tf.Tensor, style_layers: int) -> tf.Tensor:
    """Mixes two styles as official StyleGAN does, but with one crossover per image instead of one per batch.

    Args:
        first: Styles [B,W] of the layers before the crossover.
        second: Styles [B,W] of the crossover layer and all later ones.
        crossovers: [B] int; `style_layers` or more keeps the first style in all layers.
        style_layers: Number of layers L.

    Returns:
        [B,L,W].
    """
    from_second = tf.range(style_layers)[None, :] >= crossovers[:, None]  # [B,L]
    return tf.where(from_second[:, :, None], second[:, None, :], first[:, None, :])


def code_features(codes: tf.Tensor, octaves: int) -> tf.Tensor:
    """Computes Fourier features of codes [B,K]: c, sin(2^f pi c) and cos(2^f pi c) for f < octaves, [B,K + 2 F K]."""
    angles = [2**f * math.pi * codes for f in range(octaves)]
    return tf.concat([codes, *map(tf.sin, angles), *map(tf.cos, angles)], axis=-1)


class MappingNetwork(tf.keras.Model):
    """Mapping network: (noise [B,Z], codes [B,K]) -> style w [B,W].

    z is pixel-normalised, and c, or its Fourier features, is multiplied by a learned matrix without bias that starts as
    N(0,1). Both are concatenated and passed through `mapping_layers` fully connected layers with leaky ReLU.
    """

    def __init__(self, options: NetworkOptions, name="mapping"):
        super().__init__(name=name)
        self.joint_norm = options.joint_norm
        self.code_features = options.code_features
        # Not equalised: a plain N(0,1) matrix, as in the authors' earlier code.
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
        embedded = self.embedding(code_features(codes, self.code_features))  # [B,Z]
        # Official StyleGAN normalises z and the embedding together, the authors' earlier code z alone.
        if self.joint_norm:
            x = layers.pixel_norm(tf.concat([noise, embedded], axis=-1))  # [B,2Z]
        else:
            x = tf.concat([layers.pixel_norm(noise), embedded], axis=-1)  # [B,2Z]
        for dense in self.hidden:
            x = layers.leaky_relu(dense(x))  # [B,W]
        return x


class SynthesisBlock(tf.keras.layers.Layer):
    """Two 3x3 convolutions at one resolution, styled by AdaIN. The first doubles the size; at 4x4 there is only one.

    Call arguments:
        x: [B,H,W,C]; ignored at 4x4, where the block starts from a learned constant.
        styles: One style [B,W] per convolution.
        noise_seed: Seed of the noise inputs; None leaves them at zero.

    Returns [B,H',W',C'], with 16 bits in mixed precision.
    """

    def __init__(self, resolution: int, options: NetworkOptions, name=None):
        super().__init__(name=name, autocast=False)
        maps = options.generator.feature_maps(resolution)
        self.resolution = resolution
        self.maps = maps
        self.noise = options.noise_inputs
        self.edge_blur = options.edge_blur
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
        noises = layers.sample_noise_inputs(batch, self.resolution, noise_seed) if self.noise else [None, None]
        if self.resolution == 4:
            # Float32 here: the constant starts as ones, and the norm multiplies a constant map's gradient by 10,000.
            x = tf.tile(self.constant, [batch, 1, 1, 1])
        else:
            x = blur(self.conv_up(x), self.edge_blur)  # [B,2H,2W,C']
        x = layers.to_compute_dtype(self.epilogue0(x, styles[0], noises[0]), self.precision)
        return self.epilogue1(self.conv(x), styles[1], noises[1])


_BLOCKS: dict[str, type[tf.keras.layers.Layer]] = {"adain": SynthesisBlock, "modulated": ModulatedBlock}


class SynthesisNetwork(tf.keras.Model):
    """Synthesis network: styles -> images [B,R,R,C] in about [-1, 1], in float32 at any precision.

    Call arguments:
        w: Styles, [B,W] for all layers or [B,L,W] with one for each of the L = options.style_layers layers. A lower
            `resolution` uses the first ones, two for each resolution from 4x4 up.
        resolution: Resolution of the images, for progressive growing; None means full resolution.
        fade: Weight in [0, 1] of this resolution's image; the rest goes to the doubled image of the one below. None
            means 1, and the other image is not computed.
        noise_seed: Seed [2] int of the noise inputs, if there are any; None leaves them at zero.

    Raises:
        ValueError: If the styles have another shape.
    """

    def __init__(self, options: NetworkOptions, name="synthesis"):
        super().__init__(name=name)
        self.options = options
        self.resolutions = options.resolutions
        self.tanh = options.tanh
        self.blocks = [_BLOCKS[options.synthesis](r, options, name=f"block{r}") for r in self.resolutions]
        self.to_rgb = [
            layers.Conv(options.channels, kernel_size=1, gain=1.0, name=f"to_rgb{r}") for r in self.resolutions
        ]

    def call(self, w, resolution=None, fade=None, noise_seed=None):
        last = self.resolutions.index(resolution or self.resolutions[-1])
        styles = self._style_of_each_layer(w)
        # Run the blocks up to this resolution; `below` is the output of the second to last.
        x = below = None
        for i, block in enumerate(self.blocks[: last + 1]):
            below, x = x, block(x, styles[2 * i : 2 * i + 2], noise_seed)  # [B,r,r,C_r]
        image = self._to_rgb(x, last)  # [B,R,R,C]
        # Fade the newest block in.
        if fade is not None and last > 0:
            image += (1.0 - fade) * (upsample(self._to_rgb(below, last - 1)) - image)
        return tf.tanh(image) if self.tanh else image

    def _to_rgb(self, x, level):
        # Images are float32: bfloat16 has only 128 values in [0.5, 1].
        return self.to_rgb[level](layers.to_float32(x))

    def _style_of_each_layer(self, w) -> list[tf.Tensor]:
        count, width = self.options.style_layers, self.options.style_size
        if w.shape.rank == 2 and w.shape[1] == width:
            return [w] * count
        if w.shape.rank == 3 and w.shape[1:] == [count, width]:
            return tf.unstack(w, axis=1)
        raise ValueError(
            f"Styles: expected [B,{width}] or [B,{count},{width}], two layers for each resolution from 4 to "
            f"{self.resolutions[-1]}, at lower resolutions too. Received: {w.shape}."
        )


class StyleGenerator(tf.keras.Model):
    """G(z, c): mapping and synthesis networks. Call with (noise [B,Z], codes [B,K]); returns [B,R,R,C] float32.

    The constructor builds all weights, including RGB heads that a run at a fixed resolution never uses. `w_average`
    [W], the mean style, starts at 0; the training step updates it (by 0.5 % per step, W_AVERAGE_DECAY). It is not
    trainable and not part of the published counts (`layers.count_parameters`).

    Args:
        options: Sizes.
        code_size: Number of codes K.

    Call arguments, besides those of SynthesisNetwork:
        truncation: Truncation psi, for sampling only: moves styles towards `w_average`, which trades variety for fewer
            bad images. 0 gives the average itself; 1 and None change nothing.
        truncation_cutoff: Number of layers, from 4x4 up, that are truncated. The others keep their variety of detail.
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
        # A call of the model would use one RGB head only, so each block and head is called here.
        w = self.mapping((tf.zeros([1, self.options.noise_size]), tf.zeros([1, self.code_size])))
        x = None
        for block, to_rgb in zip(self.synthesis.blocks, self.synthesis.to_rgb, strict=True):
            x = block(x, [w, w])
            to_rgb(layers.to_float32(x))
        self.synthesis.built = self.built = True

    def truncate(self, w: tf.Tensor, psi: tf.Tensor | float, cutoff: int = TRUNCATION_CUTOFF) -> tf.Tensor:
        """Truncates styles: w_average + psi * (w - w_average) in the first `cutoff` layers.

        Args:
            w: Styles [B,W] or [B,L,W].
            psi: Truncation psi, a number or [B,1].
            cutoff: Number of truncated layers.

        Returns:
            [B,L,W].
        """
        if len(w.shape) == 2:
            w = w[:, None, :]  # [B,1,W]
        truncated = tf.range(self.options.style_layers) < cutoff  # [L]
        # Written as w + (1 - psi) * (w_average - w), so that psi = 1 changes no bit.
        weight = tf.cast(tf.where(truncated, 1.0 - psi, 0.0), w.dtype)[..., None]  # [L,1] or [B,L,1]
        return w + weight * (self.w_average - w)

    def call(
        self,
        inputs,
        resolution=None,
        fade=None,
        noise_seed=None,
        truncation=None,
        truncation_cutoff=TRUNCATION_CUTOFF,
    ):
        w = self.mapping(inputs)  # [B,W]
        if truncation is not None:
            w = self.truncate(w, truncation, truncation_cutoff)
        return self.synthesis(w, resolution, fade, noise_seed)
