"""What networks and a training step cost, counted from their sizes alone: parameters, FLOPs, memory.

A FLOP is half a multiply-add. Convolutions, transposed ones, blurs and dense layers are counted, as they are computed
(a resampling convolution is one of 4x4 with stride 2) and with the zeros outside an image as if they were pixels. Left
out is what is done to each number alone - bias, leaky ReLU, norm, fading, MixUp, losses, optimizer, averages - and
what is done to kernels. That is 1 % of a step's FLOPs and, being bound by memory, some 10 % of its time on CPUs.
"""

import dataclasses
from collections.abc import Iterable
from typing import NamedTuple

from ssgan_tf import models
from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.models.semi_stylegan.model import SemiStyleGANOptions
from ssgan_tf.networks.options import NetworkOptions


class Work(NamedTuple):
    """Multiply-adds of some layers for one image.

    Args:
        forward: from inputs to outputs.
        weights: for the gradients of their weights, given those of their outputs.
        inputs: for the gradients of their inputs, but for the images, noise and codes that the networks begin with.
        images: for the gradients of those.
    """

    forward: int = 0
    weights: int = 0
    inputs: int = 0
    images: int = 0

    @property
    def backward(self) -> int:
        """A step of the network itself."""
        return self.weights + self.inputs

    @property
    def to_images(self) -> int:
        """Through the network to its images, its weights held."""
        return self.inputs + self.images


def _layer(multiply_adds: int) -> Work:
    return Work(multiply_adds, multiply_adds, multiply_adds)


def _first(multiply_adds: int, to_images: bool) -> Work:
    """A layer whose input is an image, or codes, for which nobody asks a gradient."""
    return Work(multiply_adds, multiply_adds, 0, multiply_adds if to_images else 0)


def _blur(resolution: int, maps: int) -> Work:
    return Work(9 * resolution**2 * maps, 0, 9 * resolution**2 * maps)


def _add(works: Iterable[Work]) -> Work:
    return Work(*map(sum, zip(*works, strict=True)))


def mapping_work(network: NetworkOptions, code_size: int) -> Work:
    """Of the mapping network, (z, c) -> w."""
    z, w = network.noise_size, network.style_size
    hidden = [_layer(2 * z * w)] + [_layer(w * w)] * (network.mapping_layers - 1)
    return _add([_first(code_size * z, to_images=False), *hidden])


def synthesis_work(network: NetworkOptions, resolution: int, fading: bool = False) -> Work:
    """Of the synthesis of an image at `resolution`, w -> image; `fading`: its newest block is being faded in."""
    parts = []
    for r in _up_to(network, resolution):
        maps = network.feature_maps(r)
        if r > 4:
            parts += [_layer(16 * (r // 2) ** 2 * network.feature_maps(r // 2) * maps), _blur(r, maps)]
        parts += [_layer(9 * r**2 * maps * maps), *[_layer(network.style_size * 2 * maps)] * 2]
    parts += [_layer(r**2 * network.feature_maps(r) * network.channels) for r in _shown(resolution, fading)]
    return _add(parts)


def trunk_work(network: NetworkOptions, resolution: int, fading: bool = False) -> Work:
    """Of the trunk that D and E share, image at `resolution` -> features."""
    parts = [
        _first(r**2 * network.channels * network.feature_maps(r), to_images=True) for r in _shown(resolution, fading)
    ]
    for r in _up_to(network, resolution)[1:]:
        maps, below = network.feature_maps(r), network.feature_maps(r // 2)
        parts += [_layer(9 * r**2 * maps * maps), _blur(r, maps), _layer(16 * (r // 2) ** 2 * maps * below)]
    return _add(parts)


def head_work(network: NetworkOptions, outputs: int) -> Work:
    """Of what makes the logit (1 output) or the codes (K) of features."""
    maps, width = network.feature_maps(4), network.feature_maps(2)
    return _add([_layer(9 * 16 * (maps + 1) * maps), _layer(16 * maps * width), _layer(width * outputs)])


def _up_to(network: NetworkOptions, resolution: int) -> tuple[int, ...]:
    return tuple(r for r in network.resolutions if r <= resolution)


def _shown(resolution: int, fading: bool) -> tuple[int, ...]:
    """Where images are made of maps, or maps of images."""
    return (resolution, resolution // 2) if fading else (resolution,)


def parameters(network: NetworkOptions, code_size: int) -> tuple[int, int]:
    """How many numbers are trained in the generator, and in the discriminator/encoder."""
    z, w, k, channels = network.noise_size, network.style_size, code_size, network.channels
    generator = k * z + (2 * z + 1) * w + (network.mapping_layers - 1) * (w + 1) * w + 16 * network.feature_maps(4)
    discriminator = 0
    for r in network.resolutions:
        maps, below = network.feature_maps(r), network.feature_maps(r // 2)
        generator += 9 * maps * maps + 2 * (w + 1) * 2 * maps + (maps + 1) * channels
        generator += 2 * maps * (2 if network.noise_inputs else 1)  # bias, and the noise's weight
        discriminator += (channels + 1) * maps
        if r > 4:
            generator += 9 * below * maps
            discriminator += (9 * maps + 1) * maps + (9 * maps + 1) * below
    maps, width = network.feature_maps(4), network.feature_maps(2)
    discriminator += (9 * (maps + 1) + 1) * maps + (16 * maps + 1) * width + (width + 1) * (1 + k)
    return generator, discriminator


def network_sizes(options: models.Options, spec: CodeSpec) -> dict[str, int]:
    """How many numbers each network of a model has that are trained; Semi-StyleGAN's are not made for it.

    Args:
        options: of the model.
        spec: the data set's factors.
    """
    if isinstance(options, SemiStyleGANOptions):
        generator, discriminator = parameters(options.network, spec.size)
        return {"generator": generator, "discriminator/encoder": discriminator}
    return models.parameters(options, spec)


@dataclasses.dataclass(frozen=True)
class StepFlops:
    """FLOPs of a training step on one device.

    Args:
        painting: the generated batch.
        discriminator: D/E's step on generated, labelled and mixed images.
        real: its step on real images, with the R1 penalty at its average.
        generator: G's step: through the trunk to the images, and from those to its weights.
    """

    painting: float
    discriminator: float
    real: float
    generator: float

    @property
    def total(self) -> float:
        return self.painting + self.discriminator + self.real + self.generator


def step_flops(
    options: SemiStyleGANOptions,
    code_size: int,
    resolution: int,
    batch: int,
    labeled_batch: int,
    fading: bool = False,
) -> StepFlops:
    """FLOPs of a training step as models/semi_stylegan.py takes it.

    Args:
        options: the objective and its networks.
        code_size: K.
        resolution: of the images.
        batch: images on one device.
        labeled_batch: labelled images on one device; unused without label losses.
        fading: the newest block is being faded in.
    """
    network, o = options.network, options
    mapping = mapping_work(network, code_size)
    synthesis = synthesis_work(network, resolution, fading)
    styles = 2 if o.style_mixing > 0 else 1
    trunk = trunk_work(network, resolution, fading)
    realness, codes = head_work(network, 1), head_work(network, code_size)
    labeled, mixed = labeled_batch * (o.beta > 0), labeled_batch * (o.alpha > 0)

    read = batch * (o.gamma_e > 0) + labeled + mixed  # images whose codes are looked at
    discriminator = (batch + labeled + mixed) * (trunk.forward + trunk.backward)
    discriminator += batch * (realness.forward + realness.backward) + read * (codes.forward + codes.backward)
    slope = r1_work(trunk, realness, last=network.feature_maps(2)) if o.r1 > 0 else 0
    real = trunk.forward + trunk.backward + realness.forward + realness.backward + slope / o.r1_interval
    read = batch * (o.gamma_g > 0) + mixed
    generator = (batch + mixed) * (trunk.forward + trunk.to_images)
    generator += batch * (realness.forward + realness.to_images) + read * (codes.forward + codes.to_images)
    generator += batch * (styles * mapping.backward + synthesis.backward)
    painting = batch * (styles * mapping.forward + synthesis.forward)
    return StepFlops(2 * painting, 2 * discriminator, 2 * batch * real, 2 * generator)


def r1_work(trunk: Work, realness: Work, last: int) -> int:
    """Multiply-adds that the penalty ||dD/dx||^2 / 2 adds to a step on one image.

    The slope is a backward pass to the image. Its own gradient runs through that pass again, from the image up - the
    same convolutions as forward, and those for the weights - and joins the way back of the logit, which is there.

    Args:
        trunk: of D.
        realness: of its head.
        last: multiply-adds of the head's last layer. The slope of its output is the constant 1.
    """
    slope = trunk.to_images + realness.to_images
    return slope + trunk.forward + trunk.weights + realness.forward - last + realness.weights


@dataclasses.dataclass(frozen=True)
class Memory:
    """Bytes on one device at the fullest moment of a training step, D/E's way back.

    Args:
        weights: of G and D/E.
        average: the averaged generator.
        moments: two numbers for each weight, Adam's.
        gradients: D/E's, one set for each of its passes until they are added up.
        kernels: copies of G's and D/E's kernels as a pass uses them, scaled and resampling; kept until its way back.
        activations: of G, and of each of D/E's passes. An estimate, see `memory`.
    """

    weights: int
    average: int
    moments: int
    gradients: int
    kernels: int
    activations: int

    @property
    def total(self) -> int:
        return sum(dataclasses.astuple(self))


def memory(
    options: SemiStyleGANOptions, code_size: int, resolution: int, batch: int, labeled_batch: int
) -> Memory:
    """Memory of a training step on one device, apart from what TensorFlow takes by itself.

    Activations are counted in maps: numbers of all the blocks' outputs for one image. The generator keeps 8 for its
    way back (before and after leaky ReLU, without its mean, with its style, for both convolutions of a block), the
    trunk 4 (before leaky ReLU and what a convolution reads, for both), and the slope that R1 takes 2 more. On the way
    back there are 3 gradients of the largest map at a time. Measured on CPUs: docs/speed.md.

    Args:
        options: the objective and its networks.
        code_size: K.
        resolution: of the images.
        batch: images on one device.
        labeled_batch: labelled images on one device; unused without label losses.
    """
    network, o = options.network, options
    generator, discriminator = parameters(network, code_size)
    resampling = 7 * sum(network.feature_maps(r) * network.feature_maps(r // 2) for r in network.resolutions[1:])
    narrow = 4 if network.precision == "float32" else 2
    passes = 3 if o.r1 > 0 else 2  # generated, labelled and mixed images; real ones; their slope

    maps = sum(r**2 * network.feature_maps(r) for r in _up_to(network, resolution))
    largest = resolution**2 * network.feature_maps(resolution)
    read = batch + labeled_batch * ((o.beta > 0) + (o.alpha > 0))
    # Norm and style stay float32 in mixed precision.
    kept = batch * maps * (4 * narrow + 16) + (read * 4 + batch * 2 * passes) * maps * narrow
    return Memory(
        weights=4 * (generator + discriminator),
        average=4 * generator,
        moments=8 * (generator + discriminator),
        gradients=4 * max(passes * (discriminator + resampling), generator + resampling),
        kernels=narrow * (generator + resampling + 2 * (discriminator + resampling)),
        activations=kept + 4 * read * largest * narrow,
    )
