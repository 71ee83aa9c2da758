"""How large the networks are: one set of numbers that generator and discriminator/encoder share."""

import dataclasses

from ssgan_tf.utils import validation

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


@dataclasses.dataclass(frozen=True)
class NetworkOptions:
    """Sizes of generator and discriminator/encoder. The defaults are the paper's (and official StyleGAN's).

    Args:
        resolution: height and width of the images; a power of two from 8 to 1024.
        channels: 1 (grey) or 3 (RGB).
        fmap_base: the block at resolution r has min(fmap_base * 2 / r, fmap_max) feature maps ...
        fmap_max: ... and at most this many.
        noise_size: width of z and of the code embedding.
        style_size: width of w and of the mapping's hidden layers.
        mapping_layers: fully connected layers from (z, c) to w.
        mapping_lrmul: learning-rate multiplier of the mapping network.
        joint_norm: normalise z and code embedding together (official StyleGAN) instead of z alone.
        noise_inputs: add per-pixel noise in the synthesis.
        tanh: squash the generator's output into [-1, 1]; linear if off.
        stddev_group: images per minibatch-standard-deviation group.
        batch_independent_codes: E(x) is computed with the minibatch-standard-deviation channel at zero, so that
            it does not depend on the other images of the batch. Off: one pass for both heads, as first published.
        precision: one of PRECISIONS. In the mixed ones convolutions, and what is done to each pixel, run in 16 bits;
            the mapping, styles, statistics, last dense layers, images and all weights stay float32.

    Raises:
        ValueError: naming the field that is out of range.
    """

    resolution: int = 64
    channels: int = 3
    fmap_base: int = 8192
    fmap_max: int = 512
    noise_size: int = 512
    style_size: int = 512
    mapping_layers: int = 8
    mapping_lrmul: float = 0.01
    joint_norm: bool = False
    noise_inputs: bool = False
    tanh: bool = False
    stddev_group: int = 4
    batch_independent_codes: bool = True
    precision: str = "float32"

    def __post_init__(self):
        r = self.resolution
        if r < 8 or r > 1024 or r & (r - 1):
            raise ValueError(f"resolution: expected a power of two from 8 to 1024. Received: {r}.")
        if self.channels not in (1, 3):
            raise ValueError(f"channels: expected 1 (grey) or 3 (RGB). Received: {self.channels}.")
        sizes = ("fmap_base", "fmap_max", "noise_size", "style_size", "mapping_layers", "stddev_group")
        validation.check_least(self, 1, *sizes)
        validation.check_positive(self, "mapping_lrmul")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision: expected one of {', '.join(PRECISIONS)}. Received: {self.precision}.")

    @property
    def resolutions(self) -> tuple[int, ...]:
        """(4, 8, ..., resolution): one block of the generator and one of the discriminator for each."""
        return tuple(2**i for i in range(2, self.resolution.bit_length()))

    @property
    def style_layers(self) -> int:
        """How many layers of the synthesis take a style: two per resolution, those of 4x4 first."""
        return 2 * len(self.resolutions)

    def feature_maps(self, resolution: int) -> int:
        """Feature maps of the block at `resolution`, as a generator's output and a discriminator's input."""
        return max(1, min(self.fmap_base * 2 // resolution, self.fmap_max))


def small_64(channels: int = 1) -> NetworkOptions:
    """Info-StyleGAN*: sizes that meet the published 0.74M at 64x64 (741,067 with 1 channel and 5 codes)."""
    return NetworkOptions(64, channels, fmap_base=1024, fmap_max=64, noise_size=64, style_size=64, mapping_layers=5)


def small_128(channels: int = 3) -> NetworkOptions:
    """Info-StyleGAN*: sizes that meet the published 3.44M at 128x128 (3,438,748 with 3 channels and 9 codes)."""
    return NetworkOptions(128, channels, fmap_base=2048, fmap_max=128, noise_size=256, style_size=256, mapping_layers=2)
