"""Networks of InfoGAN-CR: generator, discriminator with code regressor, contrastive discriminator.

They are those of the authors' code (fjxmlzn/InfoGAN-CR, for Lin et al., ICML 2020, arXiv 1906.06034). All layers that
resample have stride 2 and SAME padding, and leaky ReLUs have slope 0.2. Images are in [-1, 1] outside the networks; the
dSprites networks compute with [0, 1] and convert.
"""

import dataclasses

import tensorflow as tf

from ssgan_tf.networks.normalization import BatchNorm, SpectralConv, SpectralDense, initial_value, kernel_initializer


@dataclasses.dataclass(frozen=True)
class Family:
    """Differences between the published sets of networks.

    Args:
        kernel: Edge of all kernels.
        dense: Units of the generator's first layer.
        up: Maps of the generator at 4x4, 8x8, ..., up to half the largest resolution.
        down: Maps of the discriminators, innermost first.
        smallest: Edge of the discriminators' last maps.
        hidden: Units of the discriminators' dense layers, after the convolutions and in Q; 0 for no such layers.
        norm_first: The generator's batch norm comes before the activation.
        unit_range: The networks' images are in [0, 1], made by a sigmoid. If False, in [-1, 1], made by a tanh.
        spectral: The contrastive discriminator has spectral norm. If False, it has batch norm in all convolutions
            except the first.
        resolutions: Supported resolutions.
    """

    kernel: int
    dense: int
    up: tuple[int, ...]
    down: tuple[int, ...]
    smallest: int
    hidden: int
    norm_first: bool
    unit_range: bool
    spectral: bool
    resolutions: tuple[int, ...]

    def up_maps(self, resolution: int) -> tuple[int, ...]:
        """Returns the generator's maps from 4x4 to half the resolution."""
        return self.up[: (resolution // 4).bit_length() - 1]

    def down_maps(self, resolution: int) -> tuple[int, ...]:
        """Returns the discriminators' maps from half the resolution down."""
        return self.down[: (resolution // self.smallest).bit_length() - 1][::-1]


# "dsprites" is published for 64x64 only. Other resolutions have fewer or more stride-2 layers at the outer end, with as
# many maps as the outermost one.
FAMILIES = {
    "dsprites": Family(
        kernel=4,
        dense=128,
        up=(64, 64, 32, 32, 32, 32),
        down=(64, 64, 32, 32, 32, 32),
        smallest=4,
        hidden=128,
        norm_first=False,
        unit_range=True,
        spectral=True,
        resolutions=(8, 16, 32, 64, 128, 256),
    ),
    "celeba": Family(
        kernel=5,
        dense=1024,
        up=(256, 128, 64),
        down=(512, 256, 128, 64),
        smallest=2,
        hidden=0,
        norm_first=True,
        unit_range=False,
        spectral=False,
        resolutions=(32,),
    ),
}


def leaky_relu(x: tf.Tensor) -> tf.Tensor:
    """Leaky ReLU with slope 0.2, as in the authors' code."""
    # On these networks tf.nn.leaky_relu makes TensorFlow's graph optimizer report a failure.
    return tf.maximum(x, 0.2 * x)


class Generator(tf.keras.Model):
    """G: latents [B,W] (noise and codes) -> images [B,R,R,C] in [-1, 1].

    A call uses the moving averages of batch norm. Training uses `generate`, and the caller updates the averages.

    Args:
        family: One of FAMILIES.
        resolution: Resolution R.
        channels: Channels C.
        inputs: Number of latents W.
    """

    def __init__(self, family: str, resolution: int, channels: int, inputs: int, name="generator"):
        super().__init__(name=name)
        self.family = FAMILIES[family]
        f, maps = self.family, self.family.up_maps(resolution)
        # Dense layers to 4x4, then one deconvolution per doubling.
        self.layers_in_order: list[tf.keras.layers.Layer] = [
            tf.keras.layers.Dense(f.dense, kernel_initializer=kernel_initializer(), name="dense0"),
            tf.keras.layers.Dense(16 * maps[0], kernel_initializer=kernel_initializer(), name="dense1"),
        ]
        for i, units in enumerate((*maps[1:], channels)):
            self.layers_in_order.append(
                tf.keras.layers.Conv2DTranspose(
                    units, f.kernel, 2, "same", kernel_initializer=kernel_initializer(), name=f"deconv{8 * 2**i}"
                )
            )
        # Every layer but the last is normalised.
        self.norms = [BatchNorm(name=f"norm{i}") for i in range(len(self.layers_in_order) - 1)]
        self(tf.zeros([1, inputs]))

    @property
    def moving_averages(self) -> list[tf.Variable]:
        """The moving averages, in the order of the moments that `generate` returns."""
        return [average for norm in self.norms for average in (norm.mean, norm.variance)]

    def generate(self, latents: tf.Tensor, training: bool) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Generates images, and returns the moments that batch norm used.

        Args:
            latents: [B,W].
            training: Normalise by the batch's own moments instead of the moving averages.

        Returns:
            Images [B,R,R,C], and one moment per variable of `moving_averages`.
        """
        x, moments = latents, []
        for i, (layer, norm) in enumerate(zip(self.layers_in_order, self.norms, strict=False)):
            # dSprites: ReLU after dense layers, leaky ReLU after deconvolutions, then norm. CelebA: norm, then ReLU.
            activation = tf.nn.relu if i < 2 or self.family.norm_first else leaky_relu
            x = layer(x)
            x, used = norm(x if self.family.norm_first else activation(x), training)
            x = activation(x) if self.family.norm_first else x
            moments += used
            # The second dense layer holds the 4x4 maps.
            if i == 1:
                x = tf.reshape(x, [-1, 4, 4, x.shape[-1] // 16])
        x = self.layers_in_order[-1](x)  # [B,R,R,C]
        return (2.0 * tf.sigmoid(x) - 1.0 if self.family.unit_range else tf.tanh(x)), moments

    def call(self, latents):
        return self.generate(latents, training=False)[0]


class Discriminator(tf.keras.Model):
    """D and Q: a shared trunk with a realness head and a code head, with spectral norm in every layer.

    A call maps images [B,R,R,C] in [-1, 1] to logits [B] and codes [B,K].

    Args:
        family: One of FAMILIES.
        resolution: Resolution R.
        channels: Channels C.
        codes: Number of codes K.
    """

    def __init__(self, family: str, resolution: int, channels: int, codes: int, name="discriminator"):
        super().__init__(name=name)
        self.family = FAMILIES[family]
        f = self.family
        self.convs = [SpectralConv(maps, f.kernel, name=f"conv{i}") for i, maps in enumerate(f.down_maps(resolution))]
        self.dense = SpectralDense(f.hidden, name="dense") if f.hidden else None
        # D's head, then Q's, which has a hidden layer of its own for dSprites.
        self.realness_head = SpectralDense(1, name="realness_head")
        self.code_dense = SpectralDense(f.hidden, name="code_dense") if f.hidden else None
        self.code_head = SpectralDense(codes, name="code_head")
        self(tf.zeros([1, resolution, resolution, channels]))

    def pyramid(self, images: tf.Tensor) -> list[tf.Tensor]:
        """Computes the features of each convolution, [B,R/2,R/2,C_0] first, of images [B,R,R,C]."""
        x, result = _to_network_range(images, self.family), []  # [B,R,R,C]
        for conv in self.convs:
            x = leaky_relu(conv(x))
            result.append(x)
        return result

    def realness(self, features: tf.Tensor) -> tf.Tensor:
        """Computes D's logits [B] from the last features."""
        return self._realness(self._shared(features))

    def codes(self, features: tf.Tensor) -> tf.Tensor:
        """Computes Q's mean [B,K] from the last features."""
        return self._codes(self._shared(features))

    def _shared(self, features):
        # Flatten with a static width, so that the next layer can be built.
        x = tf.reshape(features, [-1, features.shape[1] * features.shape[2] * features.shape[3]])
        return x if self.dense is None else leaky_relu(self.dense(x))

    def _realness(self, x):
        return self.realness_head(x)[:, 0]  # [B]

    def _codes(self, x):
        return self.code_head(x if self.code_dense is None else leaky_relu(self.code_dense(x)))

    def call(self, images):
        x = self._shared(self.pyramid(images)[-1])  # one pass for both heads
        return self._realness(x), self._codes(x)


class ContrastiveDiscriminator(tf.keras.Model):
    """H: predicts which code two images share. Pairs [B,R,R,2C], concatenated along channels -> logits [B,K].

    It is used in training only, so its batch norm, if any, uses the batch's moments and has no moving averages.

    Args:
        family: One of FAMILIES.
        resolution: Resolution R.
        channels: Channels C of one image.
        codes: Number of codes K.
    """

    def __init__(self, family: str, resolution: int, channels: int, codes: int, name="contrastive"):
        super().__init__(name=name)
        self.family = FAMILIES[family]
        f, maps = self.family, self.family.down_maps(resolution)
        if f.spectral:
            self.convs = [SpectralConv(units, f.kernel, name=f"conv{i}") for i, units in enumerate(maps)]
        else:
            self.convs = [
                tf.keras.layers.Conv2D(
                    units, f.kernel, 2, "same", kernel_initializer=kernel_initializer(truncated=True), name=f"conv{i}"
                )
                for i, units in enumerate(maps)
            ]
        # Without spectral norm, batch norm follows every convolution but the first.
        count = 0 if f.spectral else len(maps) - 1
        self.norms = [BatchNorm(averages=False, name=f"norm{i + 1}") for i in range(count)]
        self.dense = SpectralDense(f.hidden, name="dense") if f.hidden else None
        # The head has no spectral norm in either family.
        self.head = tf.keras.layers.Dense(codes, kernel_initializer=kernel_initializer(), name="head")
        self(tf.zeros([1, resolution, resolution, 2 * channels]))

    def call(self, pairs):
        x = _to_network_range(pairs, self.family)  # [B,R,R,2C]
        for i, conv in enumerate(self.convs):
            x = conv(x)
            if i and self.norms:
                x, _ = self.norms[i - 1](x, True)  # the batch's own moments
            x = leaky_relu(x)
        x = tf.reshape(x, [-1, x.shape[1] * x.shape[2] * x.shape[3]])
        return self.head(x if self.dense is None else leaky_relu(self.dense(x)))

    def initial_weights(self, seed: tf.Tensor) -> list[tf.Tensor]:
        """Samples new initial values for the trainable variables; the same `seed` ([2] int) gives the same values."""
        seeds = [tf.random.experimental.stateless_fold_in(seed, i) for i in range(len(self.trainable_variables))]
        return [initial_value(*pair) for pair in zip(self.trainable_variables, seeds, strict=True)]


def update_spectral_norm(network: tf.keras.Model) -> None:
    """Runs `update_spectral_norm` of each layer of `network` that has it."""
    for layer in network.submodules:
        if isinstance(layer, SpectralConv | SpectralDense):
            layer.update_spectral_norm()


def _to_network_range(images: tf.Tensor, family: Family) -> tf.Tensor:
    """Converts images in [-1, 1] to the range that the family's networks compute with."""
    return (images + 1.0) / 2.0 if family.unit_range else images
