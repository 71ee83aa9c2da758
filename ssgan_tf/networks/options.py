"""Sizes of the networks: one set of numbers for the generator and the discriminator/encoder."""

import dataclasses

from ssgan_tf.utils import validation

MAX_WIDTH = 2**14  # of a layer; larger ones do not fit into the memory of any device
SYNTHESES = ("adain", "modulated")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


@dataclasses.dataclass(frozen=True)
class NetworkOptions:
    """Sizes of the generator and the discriminator/encoder. The defaults are the paper's (and official StyleGAN's).

    Args:
        resolution: Height and width of the images; a power of two from 8 to 1024.
        channels: 1 (grey) or 3 (RGB).
        fmap_base: The block at resolution r has min(fmap_base * 2 / r, fmap_max) feature maps.
        fmap_max: Upper limit of the number of feature maps.
        generator_fmap_base: fmap_base of the generator alone; 0 for the common one. Not in the paper: where D wins, a
            larger G alone learns faster (docs/demo.md).
        generator_fmap_max: fmap_max of the generator alone; 0 for the common one.
        noise_size: Width of z and of the code embedding.
        style_size: Width of w and of the hidden layers of the mapping network.
        mapping_layers: Number of fully connected layers from (z, c) to w.
        mapping_lrmul: Learning-rate multiplier of the mapping network.
        code_features: Number of octaves F of Fourier features: the embedding sees c, and sin and cos of pi c, 2 pi c,
            ..., 2^(F - 1) pi c, instead of c alone. Not in the paper: what a periodic factor, such as a hue, does to an
            image is a hard function of one number.
        joint_norm: Whether to normalise z and the code embedding together (official StyleGAN) instead of z alone.
        synthesis: One of SYNTHESES: the styles' way into the synthesis network, StyleGAN 1's AdaIN or StyleGAN 2's
            modulated convolutions (not in the paper).
        noise_inputs: Whether to add per-pixel noise in the synthesis network.
        tanh: Whether to squash the generator's output into [-1, 1]; otherwise it is linear.
        stddev_group: Images per group of the minibatch standard deviation.
        batch_independent_codes: Whether to compute E(x) with the minibatch-standard-deviation channel at zero, so that
            it does not depend on the other images in the batch. Otherwise one pass serves both heads, as first
            published.
        edge_blur: Whether the blurs of both networks repeat the pixels at the edges. Otherwise they add zeros outside,
            as in official StyleGAN, which draws a frame along the border of images.
        precision: One of PRECISIONS. In mixed precision, convolutions and per-pixel operations run in 16 bits; the
            mapping network, styles, statistics, last dense layers, images and all weights stay in float32.

    Raises:
        ValueError: A field is out of range; the message names it.
    """

    # Images and feature maps.
    resolution: int = 64
    channels: int = 3
    fmap_base: int = 8192
    fmap_max: int = 512
    generator_fmap_base: int = 0
    generator_fmap_max: int = 0
    # Mapping network.
    noise_size: int = 512
    style_size: int = 512
    mapping_layers: int = 8
    mapping_lrmul: float = 0.01
    code_features: int = 0
    joint_norm: bool = False
    # Synthesis network.
    synthesis: str = "adain"
    noise_inputs: bool = False
    tanh: bool = False
    # Discriminator/encoder.
    stddev_group: int = 4
    batch_independent_codes: bool = True
    # All networks.
    edge_blur: bool = False
    precision: str = "float32"

    def __post_init__(self):
        r = self.resolution
        if r < 8 or r > 1024 or r & (r - 1):
            raise ValueError(f"resolution: expected a power of two from 8 to 1024. Received: {r}.")
        if self.channels not in (1, 3):
            raise ValueError(f"channels: expected 1 (grey) or 3 (RGB). Received: {self.channels}.")
        sizes = ("fmap_base", "fmap_max", "noise_size", "style_size", "mapping_layers", "stddev_group")
        validation.check_least(self, 1, *sizes)
        validation.check_least(self, 0, "generator_fmap_base", "generator_fmap_max", "code_features")
        validation.check_most(self, MAX_WIDTH, "fmap_max", "generator_fmap_max", "noise_size", "style_size")
        validation.check_most(self, 16, "code_features")
        validation.check_most(self, 100, "mapping_layers")
        validation.check_positive(self, "mapping_lrmul")
        validation.choose("synthesis", self.synthesis, dict.fromkeys(SYNTHESES))
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision: expected one of {', '.join(PRECISIONS)}. Received: {self.precision}.")

    @property
    def resolutions(self) -> tuple[int, ...]:
        """Resolutions (4, 8, ..., resolution), each with one block in the generator and one in the discriminator."""
        return tuple(2**i for i in range(2, self.resolution.bit_length()))

    @property
    def style_layers(self) -> int:
        """Number of synthesis layers that take a style: two per resolution, starting at 4x4."""
        return 2 * len(self.resolutions)

    @property
    def generator(self) -> "NetworkOptions":
        """These options with the generator's feature maps as the common ones."""
        return dataclasses.replace(
            self,
            fmap_base=self.generator_fmap_base or self.fmap_base,
            fmap_max=self.generator_fmap_max or self.fmap_max,
            generator_fmap_base=0,
            generator_fmap_max=0,
        )

    def feature_maps(self, resolution: int) -> int:
        """Returns the number of feature maps at `resolution`: input of D's block there, and output of `generator`'s."""
        return max(1, min(self.fmap_base * 2 // resolution, self.fmap_max))


# The paper publishes only the parameter counts of Info-StyleGAN* (table 1). These are natural sizes that match them.


def small_64(channels: int = 1) -> NetworkOptions:
    """Returns sizes of Info-StyleGAN* at 64x64 for the published 0.74M parameters (741,067 with 1 channel, 5 codes)."""
    return NetworkOptions(64, channels, fmap_base=1024, fmap_max=64, noise_size=64, style_size=64, mapping_layers=5)


def small_128(channels: int = 3) -> NetworkOptions:
    """Returns sizes of Info-StyleGAN* at 128x128 for the published 3.44M (3,438,748 with 3 channels, 9 codes)."""
    return NetworkOptions(128, channels, fmap_base=2048, fmap_max=128, noise_size=256, style_size=256, mapping_layers=2)
