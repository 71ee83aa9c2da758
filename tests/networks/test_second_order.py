"""Second-order gradients, as R1 takes them, against central finite differences in double precision.

R1 is P = 1/2 ||dD/dx||^2, and training needs dP/dweights. TensorFlow has ops whose gradient of a gradient fails
(resize) or is silently wrong (tf.nn.moments), so every layer and the whole discriminator are checked.
"""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.core.images import blur, downsample, upsample
from ssgan_tf.networks import layers
from ssgan_tf.networks.discriminator import Discriminator
from ssgan_tf.networks.style_generator import StyleGenerator

STEP = 1e-7  # so small that hardly any leaky ReLU changes sides within it
pytestmark = pytest.mark.usefixtures("float64")


def penalty(function: Callable[[tf.Tensor], tf.Tensor], x: tf.Tensor) -> tf.Tensor:
    """Returns the penalty P = 1/2 ||d f(x) / dx||^2 of a scalar f."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = function(x)
    return tf.reduce_sum(tape.gradient(value, x) ** 2) / 2


def check(function, x: np.ndarray, variables: list[tf.Variable], rng) -> None:
    """Compares dP/dx and dP/dvariable, each along one random direction, with finite differences."""
    point = tf.Variable(x)
    with tf.GradientTape() as tape:
        value = penalty(function, tf.identity(point))
    everything = [point, *variables]
    for variable, gradient in zip(everything, tape.gradient(value, everything), strict=True):
        direction = rng.normal(size=variable.shape)
        start = variable.numpy()
        ends = []
        for sign in (1, -1):
            variable.assign(start + sign * STEP * direction)
            ends.append(float(penalty(function, tf.identity(point))))
        variable.assign(start)
        measured = (ends[0] - ends[1]) / (2 * STEP)
        # None if P does not depend on it, as for a bias that only shifts a linear function.
        computed = 0.0 if gradient is None else float(tf.reduce_sum(gradient * direction))
        assert computed == pytest.approx(measured, rel=1e-5, abs=1e-7 * float(value)), variable.name


LAYERS: dict[str, Callable[[], Callable[[tf.Tensor], tf.Tensor]]] = {
    "conv": lambda: layers.Conv(3),
    "conv 1x1": lambda: layers.Conv(3, kernel_size=1),
    "conv down": lambda: layers.Conv(3, resample="down"),
    "conv up": lambda: layers.Conv(3, resample="up"),
    "blur": lambda: blur,
    "blur that repeats edges": lambda: lambda x: blur(x, repeat_edges=True),
    "upsample": lambda: upsample,
    "downsample": lambda: downsample,
    "leaky relu": lambda: layers.leaky_relu,
    "minibatch stddev": lambda: lambda x: layers.minibatch_stddev(x, 2),
}


@pytest.mark.parametrize("name", LAYERS)
def test_image_layer(name, rng, randomize):
    """Takes f(x) = sum of layer(x)^3, so that dP/dx and dP/dbias are not zero even if the layer is linear."""
    layer = LAYERS[name]()
    x = rng.normal(size=[4, 8, 8, 2])
    layer(tf.constant(x))
    variables = []
    if isinstance(layer, tf.keras.layers.Layer):
        randomize(layer)
        variables = layer.trainable_variables
    check(lambda images: tf.reduce_sum(layer(images) ** 3), x, variables, rng)


@pytest.mark.parametrize("make", [lambda: layers.Dense(4), lambda: layers.pixel_norm], ids=["dense", "pixel norm"])
def test_row_layer(make, rng, randomize):
    layer = make()
    x = rng.normal(size=[3, 5])
    layer(tf.constant(x))
    variables = []
    if isinstance(layer, tf.keras.layers.Layer):
        randomize(layer)
        variables = layer.trainable_variables
    check(lambda rows: tf.reduce_sum(layer(rows) ** 3), x, variables, rng)


def test_style_epilogue(rng, randomize):
    layer = layers.StyleEpilogue(noise=True)
    w, noise = tf.constant(rng.normal(size=[2, 6])), tf.constant(rng.normal(size=[2, 8, 8, 1]))
    x = rng.normal(size=[2, 8, 8, 3])
    layer(tf.constant(x), w, noise)
    randomize(layer)
    check(lambda images: tf.reduce_sum(layer(images, w, noise) ** 3), x, layer.trainable_variables, rng)


@pytest.mark.parametrize(("resolution", "fade"), [(16, None), (8, 0.3)])
def test_r1_of_the_whole_discriminator(resolution, fade, rng, tiny):
    """Checks dR1/dtheta for every weight, at full resolution and at a lower one while its block fades in."""
    tf.keras.utils.set_random_seed(3)
    discriminator = Discriminator(tiny(), code_size=3)
    images = rng.uniform(-1, 1, size=[4, resolution, resolution, 3])

    def logits(x):
        return tf.reduce_sum(discriminator.realness(discriminator.trunk(x, fade)))

    check(logits, images, discriminator.trainable_variables, rng)


def test_codes_of_generated_images_seen_through_the_generator(rng, tiny):
    """Checks d/dtheta ||d E(G(w)) / dw||^2, which a regulariser of the generator's Jacobian needs."""
    tf.keras.utils.set_random_seed(4)
    generator, discriminator = StyleGenerator(tiny(resolution=8, tanh=True), 3), Discriminator(tiny(resolution=8), 3)
    block = generator.synthesis.blocks[0]
    block.constant.assign(rng.normal(size=block.constant.shape))  # ones have no variance, only rounding errors
    target = tf.constant(rng.normal(size=[2, 3]))

    def loss(w):
        return tf.reduce_sum(discriminator.encode(generator.synthesis(w)) * target)

    check(loss, rng.normal(size=[2, 8]), generator.synthesis.trainable_variables, rng)
