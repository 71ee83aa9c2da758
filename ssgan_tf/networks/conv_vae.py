"""Networks of the VAE baselines: disentanglement_lib's, generalised to other resolutions.

At 64x64 they equal conv_encoder, deconv_decoder and fc_discriminator of google-research/disentanglement_lib layer by
layer: ReLU, SAME padding, zero biases, Glorot uniform kernels. With 10 latents and 1 channel they have 690,517
parameters, the 0.69M of Semi-StyleGAN's table 1 (arXiv 2003.03461), and FactorVAE's discriminator another 5,018,002.

Other resolutions have more or fewer layers at the outer end, next to the image; the layers from 4x4 to 16x16 stay the
same. 32x32 has one layer fewer. 128x128 has one more outer layer, which is our choice: it gives 725,399 parameters with
3 channels and 10 latents, whereas Semi-StyleGAN's table 1 reports 1.91M for a network that was not published.

Everything is in float32. Images are in [-1, 1], as everywhere in the package; the networks compute with [0, 1].
"""

import tensorflow as tf

from ssgan_tf.networks.layers import leaky_relu
from ssgan_tf.networks.options import MAX_WIDTH

_WIDTH = 256  # units of the dense layers between features and latents
_DEEPEST = 64  # feature maps at 4x4


def check_sizes(resolution: int, channels: int, latents: int) -> None:
    """Raises ValueError, naming the field, if the networks do not support these sizes."""
    if resolution < 16 or resolution > 1024 or resolution & (resolution - 1):
        raise ValueError(f"resolution: expected a power of two from 16 to 1024. Received: {resolution}.")
    if channels not in (1, 3):
        raise ValueError(f"channels: expected 1 (grey) or 3 (RGB). Received: {channels}.")
    if latents < 1:
        raise ValueError(f"latents: expected 1 or more. Received: {latents}.")
    if latents > MAX_WIDTH:
        raise ValueError(f"latents: expected {MAX_WIDTH} or less. Received: {latents}.")


def _halvings(resolution: int) -> int:
    """Returns the number of stride-2 layers between the image and 4x4."""
    return resolution.bit_length() - 3


class ConvEncoder(tf.keras.Model):
    """Encoder q(z|x): images [B,R,R,C] -> (mean, log-variance), [B,K] each.

    Stride-2 convolutions down to 4x4, a dense layer, two heads. Convolutions have 32 maps and 4x4 kernels, except the
    last two, which have 64 maps and 2x2 kernels.

    Args:
        resolution: Resolution R, a power of two of at least 16.
        channels: Channels C.
        latents: Number of latents K.
    """

    def __init__(self, resolution: int, channels: int, latents: int, name="encoder"):
        super().__init__(name=name)
        # Convolutions, outermost first: (maps, kernel size).
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
        """Computes features [B,R/2,R/2,32], ..., [B,4,4,64] of images [B,R,R,C] in [-1, 1]."""
        result = [(images + 1.0) / 2.0]  # in [0, 1]
        for conv in self.convs:
            result.append(conv(result[-1]))
        return result[1:]

    def mean(self, features: tf.Tensor) -> tf.Tensor:
        """Computes the mean of q(z|x) [B,K] from the last features [B,4,4,64]."""
        return self.mean_head(self._hidden(features))

    def call(self, images):
        hidden = self._hidden(self.pyramid(images)[-1])  # [B,256]
        return self.mean_head(hidden), self.log_variance_head(hidden)

    def _hidden(self, features):
        return self.dense(tf.reshape(features, [-1, 16 * _DEEPEST]))


class ConvDecoder(tf.keras.Model):
    """Decoder p(x|z): z [B,K] -> logits [B,R,R,C].

    Two dense layers, then transposed 4x4 convolutions with stride 2, starting from 4x4. The first of these has 64
    maps, the last one C and the others 32.

    Args:
        resolution: Resolution R, a power of two of at least 16.
        channels: Channels C.
        latents: Number of latents K.
    """

    def __init__(self, resolution: int, channels: int, latents: int, name="decoder"):
        super().__init__(name=name)
        # Deconvolutions, innermost first; the last one has C maps and no activation.
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
        x = tf.reshape(x, [-1, 4, 4, _DEEPEST])  # [B,4,4,64]
        for conv in self.convs:
            x = conv(x)
        return x  # [B,R,R,C]


class TotalCorrelationDiscriminator(tf.keras.Model):
    """FactorVAE's classifier of codes as joint (class 0) or permuted (class 1): [B,K] -> logits [B,2].

    Six dense layers with 1000 units and leaky ReLU (slope 0.2), then the logits.

    Args:
        latents: Number of latents K.
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
