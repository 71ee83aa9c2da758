"""Parameters, FLOPs and memory of networks and of a training step, computed from their sizes alone.

A multiply-add is two FLOPs. Convolutions, transposed convolutions, blurs and dense layers are counted as they are
computed: a resampling convolution is 4x4 with stride 2, and zero padding counts like pixels. Elementwise work (bias,
leaky ReLU, normalization, fading, MixUp, losses, optimizer, moving averages) and work on kernels are left out. They are
1 % of a step's FLOPs, but about 10 % of its time on CPUs, since memory speed limits them.
"""

import dataclasses
from collections.abc import Iterable
from typing import NamedTuple

from ssgan_tf import models
from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.models.semi_stylegan.model import SemiStyleGANOptions
from ssgan_tf.networks.options import NetworkOptions


class Work(NamedTuple):
    """Multiply-adds of layers for one image.

    Args:
        forward: Work from inputs to outputs.
        weights: Work for the gradients of the weights, given those of the outputs.
        inputs: Work for the gradients of the layers' inputs, without the inputs of the network.
        images: Work for the gradients of images, if they are the network's input.
    """

    forward: int = 0
    weights: int = 0
    inputs: int = 0
    images: int = 0

    @property
    def backward(self) -> int:
        """Backward pass to the weights, for a step of this network."""
        return self.weights + self.inputs

    @property
    def to_images(self) -> int:
        """Backward pass through the network to its images, with constant weights."""
        return self.inputs + self.images


def _layer(multiply_adds: int) -> Work:
    return Work(multiply_adds, multiply_adds, multiply_adds)


def _first(multiply_adds: int, to_images: bool) -> Work:
    """Work of a first layer. Its input needs no gradient unless it is an image that a loss differentiates."""
    return Work(multiply_adds, multiply_adds, 0, multiply_adds if to_images else 0)


def _blur(resolution: int, maps: int) -> Work:
    return Work(9 * resolution**2 * maps, 0, 9 * resolution**2 * maps)


def _add(works: Iterable[Work]) -> Work:
    return Work(*map(sum, zip(*works, strict=True)))


def mapping_work(network: NetworkOptions, code_size: int) -> Work:
    """Returns the work of the mapping network, (z, c) -> w."""
    z, w = network.noise_size, network.style_size
    hidden = [_layer(2 * z * w)] + [_layer(w * w)] * (network.mapping_layers - 1)
    return _add([_first(_code_inputs(network, code_size) * z, to_images=False), *hidden])


def _code_inputs(network: NetworkOptions, code_size: int) -> int:
    """Returns the number of inputs of the code embedding."""
    return (1 + 2 * network.code_features) * code_size


def synthesis_work(network: NetworkOptions, resolution: int, fading: bool = False) -> Work:
    """Returns the work of the synthesis network at `resolution`, w -> image.

    Args:
        network: Sizes of the networks.
        resolution: Resolution of the image.
        fading: Whether the newest block is being faded in.
    """
    parts, network = [], network.generator
    for r in _resolutions_up_to(network, resolution):
        maps = network.feature_maps(r)
        if r > 4:
            parts += [_layer(16 * (r // 2) ** 2 * network.feature_maps(r // 2) * maps), _blur(r, maps)]
        parts.append(_layer(9 * r**2 * maps * maps))
        if network.synthesis == "adain":
            parts += [_layer(network.style_size * 2 * maps)] * 2
            continue
        # Modulated: two convolutions at 4x4 too, each with a style for its inputs and factors for its outputs.
        parts += [_layer(9 * r**2 * maps * maps)] * (r == 4)
        for inputs in _modulated_inputs(network, r):
            parts += [_layer(network.style_size * inputs), _layer(inputs * maps)]
    parts += [_layer(r**2 * network.feature_maps(r) * network.channels) for r in _image_resolutions(resolution, fading)]
    return _add(parts)


def _modulated_inputs(network: NetworkOptions, resolution: int) -> tuple[int, int]:
    """Returns the numbers of input maps of a block's two modulated convolutions, in the options of the generator."""
    return network.feature_maps(max(4, resolution // 2)), network.feature_maps(resolution)


def trunk_work(network: NetworkOptions, resolution: int, fading: bool = False) -> Work:
    """Returns the work of the trunk that D and E share, image -> features. Takes the arguments of `synthesis_work`."""
    parts = [
        _first(r**2 * network.channels * network.feature_maps(r), to_images=True)
        for r in _image_resolutions(resolution, fading)
    ]
    for r in _resolutions_up_to(network, resolution)[1:]:
        maps, below = network.feature_maps(r), network.feature_maps(r // 2)
        parts += [_layer(9 * r**2 * maps * maps), _blur(r, maps), _layer(16 * (r // 2) ** 2 * maps * below)]
    return _add(parts)


def head_work(network: NetworkOptions, outputs: int) -> Work:
    """Returns the work of one head: features -> logit (`outputs` = 1) or codes (`outputs` = K)."""
    maps, width = network.feature_maps(4), network.feature_maps(2)
    return _add([_layer(9 * 16 * (maps + 1) * maps), _layer(16 * maps * width), _layer(width * outputs)])


def _resolutions_up_to(network: NetworkOptions, resolution: int) -> tuple[int, ...]:
    return tuple(r for r in network.resolutions if r <= resolution)


def _image_resolutions(resolution: int, fading: bool) -> tuple[int, ...]:
    """Returns the resolutions with an active to_rgb or from_rgb layer: two while a block fades in, else one."""
    return (resolution, resolution // 2) if fading else (resolution,)


def parameters(network: NetworkOptions, code_size: int) -> tuple[int, int]:
    """Returns the numbers of trainable parameters of the generator and of the discriminator/encoder."""
    z, w, k, channels = network.noise_size, network.style_size, code_size, network.channels
    generator = _code_inputs(network, k) * z + (2 * z + 1) * w + (network.mapping_layers - 1) * (w + 1) * w
    generator += 16 * network.generator.feature_maps(4)
    discriminator = 0
    for r in network.resolutions:
        maps, inputs = network.generator.feature_maps(r), _modulated_inputs(network.generator, r)
        generator += 9 * maps * maps + (maps + 1) * channels
        generator += 2 * maps * (2 if network.noise_inputs else 1)  # biases and noise weights
        if network.synthesis == "adain":
            generator += 2 * (w + 1) * 2 * maps + (9 * inputs[0] * maps if r > 4 else 0)
        else:
            generator += (w + 1) * sum(inputs) + 9 * inputs[0] * maps
        maps, below = network.feature_maps(r), network.feature_maps(r // 2)
        discriminator += (channels + 1) * maps
        discriminator += (9 * maps + 1) * maps + (9 * maps + 1) * below if r > 4 else 0
    maps, width = network.feature_maps(4), network.feature_maps(2)
    discriminator += (9 * (maps + 1) + 1) * maps + (16 * maps + 1) * width + (width + 1) * (1 + k)
    return generator, discriminator


def network_sizes(options: models.Options, spec: CodeSpec) -> dict[str, int]:
    """Returns {network: number of trainable parameters} of a model. Semi-StyleGAN's are computed without building it.

    Args:
        options: Options of the model.
        spec: Factors of the data set.
    """
    if isinstance(options, SemiStyleGANOptions):
        generator, discriminator = parameters(options.network, spec.size)
        return {"generator": generator, "discriminator/encoder": discriminator}
    return models.parameter_counts(options, spec)


@dataclasses.dataclass(frozen=True)
class StepFlops:
    """FLOPs of a training step on one device.

    Args:
        painting: FLOPs of generating the batch.
        discriminator: FLOPs of D/E's step on generated, labelled and mixed images.
        real: FLOPs of D/E's step on real images, with the average cost of the lazy R1 penalty.
        generator: FLOPs of G's step: through the trunk to the images, and from there to G's weights.
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
    """Returns the FLOPs of `SemiStyleGAN.train_step` on one device.

    Args:
        options: Objective and networks.
        code_size: Number of codes K.
        resolution: Resolution of the images.
        batch: Number of images on one device.
        labeled_batch: Number of labelled images on one device; unused without label losses.
        fading: Whether the newest block is being faded in.
    """
    # Work of the networks for one image.
    network, o = options.network, options
    mapping = mapping_work(network, code_size)
    synthesis = synthesis_work(network, resolution, fading)
    styles = 2 if o.style_mixing > 0 else 1
    trunk = trunk_work(network, resolution, fading)
    realness, codes = head_work(network, 1), head_work(network, code_size)
    labeled, mixed = labeled_batch * (o.beta > 0), labeled_batch * (o.alpha > 0)

    # Discriminator step. Only images whose codes enter a loss pass through the encoder's head.
    encoded = batch * (o.gamma_e > 0) + labeled + mixed
    separate = batch * o.augment.separate  # generated images that E sees in a pass of its own
    passed = batch + separate * (o.gamma_e > 0) + labeled + mixed
    discriminator = passed * (trunk.forward + trunk.backward)
    discriminator += batch * (realness.forward + realness.backward) + encoded * (codes.forward + codes.backward)
    penalty = r1_work(trunk, realness, last=network.feature_maps(2)) if o.r1 > 0 else 0
    real = trunk.forward + trunk.backward + realness.forward + realness.backward + penalty / o.r1_interval

    # Generator step.
    mixed = labeled_batch * (o.generator_alpha > 0)
    encoded = batch * (o.gamma_g > 0) + mixed
    generator = (batch + separate * (o.gamma_g > 0) + mixed) * (trunk.forward + trunk.to_images)
    generator += batch * (realness.forward + realness.to_images) + encoded * (codes.forward + codes.to_images)
    generator += batch * (styles * mapping.backward + synthesis.backward)
    painting = batch * (styles * mapping.forward + synthesis.forward)
    return StepFlops(2 * painting, 2 * discriminator, 2 * batch * real, 2 * generator)


def r1_work(trunk: Work, realness: Work, last: int) -> int:
    """Returns the multiply-adds that the penalty ||dD/dx||^2 / 2 adds to a step on one image.

    The slope dD/dx takes a backward pass to the image. The gradient of the slope runs through that pass in reverse,
    from the image up: it takes the convolutions of a forward pass and those for the weights' gradients. The rest is
    shared with the backward pass of the logit, which is counted already.

    Args:
        trunk: Work of D's trunk.
        realness: Work of D's head.
        last: Multiply-adds of the head's last layer; the slope of its output is the constant 1.
    """
    slope = trunk.to_images + realness.to_images
    return slope + trunk.forward + trunk.weights + realness.forward - last + realness.weights


@dataclasses.dataclass(frozen=True)
class Memory:
    """Peak memory of a training step on one device in bytes, reached in D/E's backward pass.

    Args:
        weights: Weights of G and D/E.
        average: Weights of the averaged generator.
        moments: Adam's two moments of every weight.
        gradients: Gradients of D/E, one set for each of its passes until the sets are added.
        kernels: Copies of G's and D/E's kernels, scaled and resampling, which a pass stores for its backward pass.
        activations: Activations of G and of each pass of D/E; an estimate, see `memory`.
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


def memory(options: SemiStyleGANOptions, code_size: int, resolution: int, batch: int, labeled_batch: int) -> Memory:
    """Returns the memory of a training step on one device, without TensorFlow's own.

    Activations are counted in units of the blocks' outputs for one image. The generator stores 8 units for its
    backward pass: for each of a block's two convolutions, the output before leaky ReLU, after it, with its mean
    removed, and with its style; of a modulated convolution, the input before and after its style, and the output
    before and after demodulation. The trunk stores 4: for each convolution, the input and the output before leaky
    ReLU. The slope of R1 takes 2 more. Gradients during the backward pass add 4 times the largest map. Measurements
    on CPUs are in docs/speed.md.

    Args:
        options: Objective and networks.
        code_size: Number of codes K.
        resolution: Resolution of the images.
        batch: Number of images on one device.
        labeled_batch: Number of labelled images on one device; unused without label losses.
    """
    # Weights and their copies.
    network, o = options.network, options
    generator, discriminator = parameters(network, code_size)
    g_resampling, d_resampling = (
        7 * sum(n.feature_maps(r) * n.feature_maps(r // 2) for r in n.resolutions[1:])
        for n in (network.generator, network)
    )
    compute_bytes = 4 if network.precision == "float32" else 2
    passes = 3 if o.r1 > 0 else 2  # generated, labelled and mixed images; real images; the slope of real images

    # Activations. Normalization, styles and demodulation stay float32 in mixed precision.
    g_maps, d_maps = (
        sum(r**2 * n.feature_maps(r) for r in _resolutions_up_to(n, resolution)) for n in (network.generator, network)
    )
    largest = resolution**2 * network.feature_maps(resolution)
    encoded = batch * (1 + (o.augment.separate and o.gamma_e > 0)) + labeled_batch * ((o.beta > 0) + (o.alpha > 0))
    stored = batch * g_maps * (4 * compute_bytes + 16) + (encoded * 4 + batch * 2 * passes) * d_maps * compute_bytes
    return Memory(
        weights=4 * (generator + discriminator),
        average=4 * generator,
        moments=8 * (generator + discriminator),
        gradients=4 * max(passes * (discriminator + d_resampling), generator + g_resampling),
        kernels=compute_bytes * (generator + g_resampling + 2 * (discriminator + d_resampling)),
        activations=stored + 4 * encoded * largest * compute_bytes,
    )
