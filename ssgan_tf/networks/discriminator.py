"""Discriminator and encoder: one network with two heads.

D(x) is the realness logit and E(x) the estimate of the code. They share everything up to the last hidden layer, as in
the authors' earlier code (gokulbot/Disentangled_GANs); the parameter counts that the paper reports (arXiv 2003.03461,
table 1) leave no room for a separate encoder.
"""

import tensorflow as tf

from ssgan_tf.core.images import blur, downsample
from ssgan_tf.networks import layers
from ssgan_tf.networks.options import NetworkOptions


class DiscriminatorBlock(tf.keras.layers.Layer):
    """3x3 convolution, blur and halving 3x3 convolution, with leaky ReLUs. [B,r,r,C_r] -> [B,r/2,r/2,C_(r/2)]."""

    def __init__(self, resolution: int, options: NetworkOptions, name=None):
        super().__init__(name=name, autocast=False)
        self.edge_blur = options.edge_blur
        self.conv = layers.Conv(options.feature_maps(resolution), name="conv")
        self.conv_down = layers.Conv(options.feature_maps(resolution // 2), resample="down", name="conv_down")

    def call(self, x):
        x = layers.leaky_relu(self.conv(x))  # [B,r,r,C_r]
        return layers.leaky_relu(self.conv_down(blur(x, self.edge_blur)))


class Discriminator(tf.keras.Model):
    """The shared discriminator/encoder.

    `trunk(images)` computes features; `realness(features)` [B] and `codes(features)` [B,K] are the two heads. Calling
    the model returns both. Images are [B,r,r,C] in [-1, 1], where r is any of the model's resolutions from 8 up.

    By default E(x) does not depend on the rest of the batch: the last block runs once more for the code head, with the
    same weights and the minibatch-standard-deviation channel at zero (`options.batch_independent_codes`).

    In mixed precision features have 16 bits; logits and codes, and the dense layers before them, are in float32.
    float16 needs no clamp here: with equalised weights activations start near 1, and R1 keeps the slopes small.

    Args:
        options: Sizes.
        code_size: Number of codes K.
    """

    def __init__(self, options: NetworkOptions, code_size: int, name="discriminator"):
        super().__init__(name=name)
        self.options = options
        self.resolutions = options.resolutions  # (4, 8, ..., R)
        # One from_rgb per resolution, for progressive growing; the one at the current resolution sees the image.
        self.blocks = [DiscriminatorBlock(r, options, name=f"block{r}") for r in self.resolutions[1:]]
        self.from_rgb = [
            layers.Conv(options.feature_maps(r), kernel_size=1, name=f"from_rgb{r}") for r in self.resolutions
        ]
        # The last block, shared by both heads.
        self.final_conv = layers.Conv(options.feature_maps(4), name="final_conv")
        self.final_dense = layers.Dense(options.feature_maps(2), name="final_dense")
        # Both heads are linear: codes are not squashed into [0, 1].
        self.realness_head = layers.Dense(1, gain=1.0, name="realness_head")
        self.code_head = layers.Dense(code_size, gain=1.0, name="code_head")
        self._build_all_weights()

    def _build_all_weights(self):
        for r, from_rgb in zip(self.resolutions, self.from_rgb, strict=True):
            from_rgb(tf.zeros([1, r, r, self.options.channels]))
        self(tf.zeros([1, self.resolutions[-1], self.resolutions[-1], self.options.channels]))

    def trunk(self, images: tf.Tensor, fade: tf.Tensor | None = None) -> tf.Tensor:
        """Computes features [B,4,4,C_4] of images [B,r,r,C].

        Args:
            images: Images at resolution r; blocks above r are skipped (progressive growing).
            fade: Weight in [0, 1] of the block at r; the rest goes to the halved image, seen by the block below. None
                means 1.
        """
        first = self.resolutions.index(images.shape[1])
        x = self._from_rgb(images, first)  # [B,r,r,C_r]
        for i in range(first, 0, -1):
            x = self.blocks[i - 1](x)
            # Fade the newest block in: mix its output with the features of the halved image.
            if i == first and fade is not None:
                below = self._from_rgb(downsample(images), i - 1)
                x = below + tf.cast(fade, x.dtype) * (x - below)
        return x

    def pyramid(self, images: tf.Tensor) -> list[tf.Tensor]:
        """Returns all features of `trunk`: [B,r,r,C] -> [B,r,r,C_r], [B,r/2,r/2,C_(r/2)], ..., [B,4,4,C_4]."""
        first = self.resolutions.index(images.shape[1])
        result = [self._from_rgb(images, first)]
        for i in range(first, 0, -1):
            result.append(self.blocks[i - 1](result[-1]))
        return result

    def _from_rgb(self, images, level):
        return layers.leaky_relu(self.from_rgb[level](layers.to_compute_dtype(images, self.options.precision)))

    def realness(self, features: tf.Tensor) -> tf.Tensor:
        """Computes D's logits [B] from features [B,4,4,C_4]; a logit depends on its image's minibatch-stddev group."""
        stddev = layers.minibatch_stddev(features, self.options.stddev_group)
        return self.realness_head(self._penultimate(features, stddev))[:, 0]

    def codes(self, features: tf.Tensor) -> tf.Tensor:
        """Computes E's codes [B,K], not limited to [0, 1], from features [B,4,4,C_4]."""
        return self.code_head(self.code_features(features))

    def code_features(self, features: tf.Tensor) -> tf.Tensor:
        """Computes the input of the code head [B,C_2] from features [B,4,4,C_4]."""
        if self.options.batch_independent_codes:
            stddev = tf.zeros_like(features[..., :1])
        else:
            stddev = layers.minibatch_stddev(features, self.options.stddev_group)
        return self._penultimate(features, stddev)

    def _penultimate(self, features, stddev):
        x = tf.concat([features, stddev], axis=-1)  # [B,4,4,C_4 + 1]
        x = layers.leaky_relu(self.final_conv(x))  # [B,4,4,C_4]
        x = layers.to_float32(tf.reshape(x, [-1, 16 * x.shape[-1]]))
        return layers.leaky_relu(self.final_dense(x))  # [B,C_2]

    def call(self, images, fade=None):
        features = self.trunk(images, fade)
        return self.realness(features), self.codes(features)

    def encode(self, images: tf.Tensor) -> tf.Tensor:
        """E(x): images [B,R,R,C] in [-1, 1] -> codes [B,K]."""
        return self.codes(self.trunk(images))
