"""The networks of the VAE baselines: disentanglement_lib's, as a function of the resolution.

At 64x64 layer by layer what disentanglement_lib has (conv_encoder, deconv_decoder, fc_discriminator; spec of InfoGAN-CR
3.1, 3.2): ReLU, SAME padding, biases of 0, Glorot uniform kernels. With 10 latents and 1 channel these are 690,517
parameters, 0.69M as Semi-StyleGAN's table has it, and FactorVAE's discriminator has another 5,018,002.

Other resolutions have more or fewer layers at the outer end, next to the image; what is 4x4 to 16x16 large stays.
At 32x32 one less. At 128x128 one more of the outer kind, which is our choice: 725,399 parameters with 3 channels and
10 latents, where Semi-StyleGAN's table reports 1.91M of a network that nobody has published.

Everything is float32; images are [-1, 1], as everywhere in the package. Inside they are [0, 1].
"""

import tensorflow as tf

from ssgan_tf.networks.layers import leaky_relu

_WIDTH = 256  # of the dense layers between features and latents
_DEEPEST = 64  # feature maps at 4x4


def check_sizes(resolution: int, channels: int, latents: int) -> None:
    """Raises ValueError, naming the field, for sizes that these networks cannot have."""
    if resolution < 16 or resolution > 1024 or resolution & (resolution - 1):
        raise ValueError(f"resolution: expected a power of two from 16 to 1024. Received: {resolution}.")
    if channels not in (1, 3):
        raise ValueError(f"channels: expected 1 (grey) or 3 (RGB). Received: {channels}.")
    if latents < 1:
        raise ValueError(f"latents: expected 1 or more. Received: {latents}.")


def _halvings(resolution: int) -> int:
    """From the image to 4x4."""
    return resolution.bit_length() - 3


class ConvEncoder(tf.keras.Model):
    """q(z|x): stride-2 convolutions down to 4x4, a dense layer, two heads. Images [B,R,R,C] -> (mean, log-variance).

    Convolutions are 32 maps with 4x4 kernels, but the last two: 64 maps with 2x2 kernels.

    Args:
        resolution: R, a power of two from 16 on.
        channels: C.
        latents: K.
    """

    def __init__(self, resolution: int, channels: int, latents: int, name="encoder"):
        super().__init__(name=name)
        count = _halvings(resolution)
        sizes = [(32, 4)] * (count - 2) + [(_DEEPEST, 2)] * 2
        self.convs = [
            tf.keras.layers.Conv2D(maps, kernel, 2, "same", activation="relu", name=f"conv{i}")
            for i, (maps, kernel) in enumerate(sizes)
        ]
        self.dense = tf.keras.layers.Dense(_WIDTH, "relu", name="dense")
        self.mean_head = tf.keras.layers.Dense(latents, name="mean")
        self.log_variance_head = tf.keras.layers.Dense(latents, name="log_variance")
        self(tf.zeros([1, resolution, resolution, channels]))

    def pyramid(self, images: tf.Tensor) -> list[tf.Tensor]:
        """[B,R,R,C] in [-1, 1] -> features [B,R/2,R/2,32], ..., [B,4,4,64]."""
        result = [(images + 1.0) / 2.0]
        for conv in self.convs:
            result.append(conv(result[-1]))
        return result[1:]

    def mean(self, features: tf.Tensor) -> tf.Tensor:
        """The last features [B,4,4,64] -> mean of q(z|x) [B,K]."""
        return self.mean_head(self._hidden(features))

    def call(self, images):
        hidden = self._hidden(self.pyramid(images)[-1])
        return self.mean_head(hidden), self.log_variance_head(hidden)

    def _hidden(self, features):
        return self.dense(tf.reshape(features, [-1, 16 * _DEEPEST]))


class ConvDecoder(tf.keras.Model):
    """p(x|z): two dense layers, transposed 4x4 convolutions of stride 2 from 4x4 on. z [B,K] -> logits [B,R,R,C].

    The first transposed convolution has 64 maps, the others 32, the last one C.

    Args:
        resolution: R, a power of two from 16 on.
        channels: C.
        latents: K.
    """

    def __init__(self, resolution: int, channels: int, latents: int, name="decoder"):
        super().__init__(name=name)
        maps = [_DEEPEST] + [32] * (_halvings(resolution) - 2)
        self.dense = [tf.keras.layers.Dense(n, "relu", name=f"dense{n}") for n in (_WIDTH, 16 * _DEEPEST)]
        self.convs = [
            tf.keras.layers.Conv2DTranspose(n, 4, 2, "same", activation="relu", name=f"conv{i}")
            for i, n in enumerate(maps)
        ]
        self.convs.append(tf.keras.layers.Conv2DTranspose(channels, 4, 2, "same", name="logits"))
        self(tf.zeros([1, latents]))

    def call(self, codes):
        x = codes
        for dense in self.dense:
            x = dense(x)
        x = tf.reshape(x, [-1, 4, 4, _DEEPEST])
        for conv in self.convs:
            x = conv(x)
        return x


class TotalCorrelationDiscriminator(tf.keras.Model):
    """FactorVAE's discriminator: are codes drawn together, or each by itself? [B,K] -> logits [B,2] of the two.

    Six dense layers of 1000 with leaky ReLU (0.2), then the logits.

    Args:
        latents: K.
    """

    def __init__(self, latents: int, name="discriminator"):
        super().__init__(name=name)
        self.hidden = [tf.keras.layers.Dense(1000, leaky_relu, name=f"dense{i}") for i in range(6)]
        self.logits = tf.keras.layers.Dense(2, name="logits")
        self(tf.zeros([1, latents]))

    def call(self, codes):
        x = codes
        for dense in self.hidden:
            x = dense(x)
        return self.logits(x)
