"""The networks of InfoGAN-CR: generator, discriminator with code regressor, contrastive discriminator.

Source: spec of InfoGAN-CR 1.5. All layers that resample have stride 2 and padding SAME; leaky ReLUs have slope 0.2.
Images are in [-1, 1] outside of the networks. Those for dSprites compute with [0, 1], and convert.
"""

import dataclasses

import tensorflow as tf

from ssgan_tf.networks.normalization import BatchNorm, SpectralConv, SpectralDense, initial_value, weights


@dataclasses.dataclass(frozen=True)
class Family:
    """What two sets of published networks differ in.

    Args:
        kernel: edge of all kernels.
        dense: width of the generator's first layer.
        up: maps of the generator at 4x4, 8x8, ... up to half the resolution, at the largest one.
        down: maps of the discriminators, innermost first.
        smallest: edge of their last maps.
        hidden: width of the dense layers of the discriminators, behind the convolutions and in Q; 0 for none.
        norm_first: the generator's batch norm comes before the activation.
        unit_range: the networks' images are in [0, 1], made by a sigmoid; else in [-1, 1], by a tanh.
        spectral: the contrastive discriminator has spectral norm; else batch norm, in all convolutions but the first.
        resolutions: that it is made for.
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
        """Maps of the generator from 4x4 to half the resolution."""
        return self.up[: (resolution // 4).bit_length() - 1]

    def down_maps(self, resolution: int) -> tuple[int, ...]:
        """Maps of the discriminators from half the resolution down."""
        return self.down[: (resolution // self.smallest).bit_length() - 1][::-1]


# The first is published for 64x64 alone. Other resolutions have stride-2 layers less or more at the outer end, of as
# many maps as the outermost.
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
    """As published. TensorFlow's own operation makes its optimizer of graphs report a failure on these networks."""
    return tf.maximum(x, 0.2 * x)


class Generator(tf.keras.Model):
    """G: what images are made of [B,W] -> images [B,R,R,C] in [-1, 1].

    Without training batch norm takes its moving averages. They are moved by whoever trains it: see `paint`.

    Args:
        family: one of FAMILIES.
        resolution: R.
        channels: C.
        inputs: W.
    """

    def __init__(self, family: str, resolution: int, channels: int, inputs: int, name="generator"):
        super().__init__(name=name)
        self.family = FAMILIES[family]
        f, maps = self.family, self.family.up_maps(resolution)
        self.layers_in_order: list[tf.keras.layers.Layer] = [
            tf.keras.layers.Dense(f.dense, kernel_initializer=weights(), name="dense0"),
            tf.keras.layers.Dense(16 * maps[0], kernel_initializer=weights(), name="dense1"),
        ]
        for i, units in enumerate((*maps[1:], channels)):
            self.layers_in_order.append(
                tf.keras.layers.Conv2DTranspose(
                    units, f.kernel, 2, "same", kernel_initializer=weights(), name=f"deconv{8 * 2**i}"
                )
            )
        self.norms = [BatchNorm(name=f"norm{i}") for i in range(len(self.layers_in_order) - 1)]
        self(tf.zeros([1, inputs]))

    @property
    def averages(self) -> list[tf.Variable]:
        """The moving averages, in the order in which `paint` returns moments."""
        return [average for norm in self.norms for average in (norm.mean, norm.variance)]

    def paint(self, latents: tf.Tensor, training: bool) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Images, and the moments of the layers' batches: one for each of `averages`, and equal to it without training.

        Args:
            latents: [B,W].
            training: batch norm by the batch's own moments.
        """
        x, moments = latents, []
        for i, (layer, norm) in enumerate(zip(self.layers_in_order, self.norms, strict=False)):
            activation = tf.nn.relu if i < 2 or self.family.norm_first else leaky_relu
            x = layer(x)
            x, found = norm(x if self.family.norm_first else activation(x), training)
            x = activation(x) if self.family.norm_first else x
            moments += found
            if i == 1:
                x = tf.reshape(x, [-1, 4, 4, x.shape[-1] // 16])
        x = self.layers_in_order[-1](x)
        return (2.0 * tf.sigmoid(x) - 1.0 if self.family.unit_range else tf.tanh(x)), moments

    def call(self, latents):
        return self.paint(latents, training=False)[0]


class Discriminator(tf.keras.Model):
    """D and Q: one trunk, a head for realness and one for the codes; spectral norm in every layer.

    Images are [B,R,R,C] in [-1, 1]; calling it gives logits [B] and codes [B,K].

    Args:
        family: one of FAMILIES.
        resolution: R.
        channels: C.
        codes: K.
    """

    def __init__(self, family: str, resolution: int, channels: int, codes: int, name="discriminator"):
        super().__init__(name=name)
        self.family = FAMILIES[family]
        f = self.family
        self.convs = [
            SpectralConv(maps, f.kernel, name=f"conv{i}") for i, maps in enumerate(f.down_maps(resolution))
        ]
        self.dense = SpectralDense(f.hidden, name="dense") if f.hidden else None
        self.realness_head = SpectralDense(1, name="realness_head")
        self.code_dense = SpectralDense(f.hidden, name="code_dense") if f.hidden else None
        self.code_head = SpectralDense(codes, name="code_head")
        self(tf.zeros([1, resolution, resolution, channels]))

    def pyramid(self, images: tf.Tensor) -> list[tf.Tensor]:
        """[B,R,R,C] -> features of the convolutions, [B,R/2,R/2,C_0] first."""
        x, result = _to_network_range(images, self.family), []
        for conv in self.convs:
            x = leaky_relu(conv(x))
            result.append(x)
        return result

    def realness(self, features: tf.Tensor) -> tf.Tensor:
        """The last features -> D's logit [B]."""
        return self._realness(self._shared(features))

    def codes(self, features: tf.Tensor) -> tf.Tensor:
        """The last features -> Q's mean [B,K]."""
        return self._codes(self._shared(features))

    def _shared(self, features):
        x = tf.reshape(features, [-1, features.shape[1] * features.shape[2] * features.shape[3]])
        return x if self.dense is None else leaky_relu(self.dense(x))

    def _realness(self, x):
        return self.realness_head(x)[:, 0]

    def _codes(self, x):
        return self.code_head(x if self.code_dense is None else leaky_relu(self.code_dense(x)))

    def call(self, images):
        x = self._shared(self.pyramid(images)[-1])
        return self._realness(x), self._codes(x)


class ContrastiveDiscriminator(tf.keras.Model):
    """H: which code do two images share? Pairs [B,R,R,2C], one image behind the other -> logits [B,K].

    It is used in training only. Its batch norm, if it has any, goes by each batch, and has no moving averages.

    Args:
        family: one of FAMILIES.
        resolution: R.
        channels: C, of one image.
        codes: K.
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
                    units, f.kernel, 2, "same", kernel_initializer=weights(truncated=True), name=f"conv{i}"
                )
                for i, units in enumerate(maps)
            ]
        count = 0 if f.spectral else len(maps) - 1
        self.norms = [BatchNorm(averages=False, name=f"norm{i + 1}") for i in range(count)]
        self.dense = SpectralDense(f.hidden, name="dense") if f.hidden else None
        self.head = tf.keras.layers.Dense(codes, kernel_initializer=weights(), name="head")
        self(tf.zeros([1, resolution, resolution, 2 * channels]))

    def call(self, pairs):
        x = _to_network_range(pairs, self.family)
        for i, conv in enumerate(self.convs):
            x = conv(x)
            if i and self.norms:
                x, _ = self.norms[i - 1](x, True)
            x = leaky_relu(x)
        x = tf.reshape(x, [-1, x.shape[1] * x.shape[2] * x.shape[3]])
        return self.head(x if self.dense is None else leaky_relu(self.dense(x)))

    def initial_weights(self, seed: tf.Tensor) -> list[tf.Tensor]:
        """What its trainable variables could have started from, drawn with `seed`."""
        seeds = [tf.random.experimental.stateless_fold_in(seed, i) for i in range(len(self.trainable_variables))]
        return [initial_value(*pair) for pair in zip(self.trainable_variables, seeds, strict=True)]


def update_spectral_norm(network: tf.keras.Model) -> None:
    """Renews the vectors of the spectral norm in all layers that have one."""
    for layer in network.submodules:
        if isinstance(layer, SpectralConv | SpectralDense):
            layer.update_spectral_norm()


def _to_network_range(images: tf.Tensor, family: Family) -> tf.Tensor:
    """Images in [-1, 1] as the networks compute with them."""
    return (images + 1.0) / 2.0 if family.unit_range else images
