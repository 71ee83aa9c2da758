"""Mixed precision: which tensors have 16 bits, and how close results stay to float32.

Tolerances are in units of the dtype's rounding error u (half the distance between adjacent numbers near 1): a value is
rounded about ten times in sequence. Gradients differ more: a fraction of about u of the leaky ReLUs' inputs is so close
to 0 that rounding changes the sign, and with it 0.8 of the gradient; the norm of that is about sqrt(u).
"""

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.networks import layers
from ssgan_tf.networks.discriminator import Discriminator
from ssgan_tf.networks.options import PRECISIONS
from ssgan_tf.networks.style_generator import StyleGenerator

ROUNDING = {"mixed_bfloat16": 2.0**-9, "mixed_float16": 2.0**-11}
NARROW = {"mixed_bfloat16": tf.bfloat16, "mixed_float16": tf.float16}
MIXED = list(ROUNDING)
LOSS_SCALE = 2.0**15  # initial value of dynamic loss scaling


@pytest.fixture
def make(tiny):
    """Makes (generator, discriminator) with the same weights in every precision."""

    def make_networks(precision: str, **changes) -> tuple[StyleGenerator, Discriminator]:
        tf.keras.utils.set_random_seed(3)
        options = tiny(precision=precision, noise_inputs=True, **changes)
        generator, discriminator = StyleGenerator(options, 3), Discriminator(options, 3)
        normal = np.random.default_rng(5).normal
        for block in generator.synthesis.blocks:
            for epilogue in (block.epilogue0, block.epilogue1):
                epilogue.noise_weight.assign(0.3 * normal(size=epilogue.noise_weight.shape))
        constant = generator.synthesis.blocks[0].constant  # ones would be normalised to rounding errors
        constant.assign(normal(size=constant.shape))
        return generator, discriminator

    return make_networks


@pytest.fixture
def inputs(rng) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Noise [8,Z], codes [8,K], images [8,16,16,C]."""
    shapes = [8, 8], [8, 3], [8, 16, 16, 3]
    noise, codes, images = (tf.constant(rng.uniform(-1, 1, size=shape), tf.float32) for shape in shapes)
    return noise, codes, images


def results(networks, inputs, fade=None, scale: float = 1.0) -> dict[str, list[np.ndarray]]:
    """Returns outputs of both networks, and gradients of both losses and of R1, each loss multiplied by `scale`."""
    (generator, discriminator), (noise, codes, images) = networks, inputs
    with tf.GradientTape(persistent=True) as tape:
        fake = generator((noise, codes), fade=fade, noise_seed=[1, 2])
        logits, found = discriminator(fake, fade=fade)
        loss = tf.reduce_mean(tf.nn.softplus(-logits)) + tf.reduce_mean(tf.norm(found - codes, axis=1))
        with tf.GradientTape() as inner:
            inner.watch(images)
            real = scale * discriminator.realness(discriminator.trunk(images, fade))
        slope = inner.gradient(real, images) / scale
        r1 = tf.reduce_mean(tf.reduce_sum(slope**2, axis=[1, 2, 3]))
        loss, r1 = scale * loss, scale * r1

    def gradients(of, network):
        found = tape.gradient(of, network.trainable_variables, unconnected_gradients="zero")
        return [g.numpy() / scale for g in found]

    return {
        "image": [fake.numpy()],
        "logits": [logits.numpy()],
        "codes": [found.numpy()],
        "gradient of G": gradients(loss, generator),
        "gradient of D": gradients(loss, discriminator),
        "slope": [slope.numpy()],
        "gradient of R1": gradients(r1, discriminator),
    }


def relative_error(found: list[np.ndarray], expected: list[np.ndarray]) -> float:
    a, b = (np.concatenate([np.ravel(x) for x in values]) for values in (found, expected))
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


@pytest.mark.parametrize("fade", [None, 0.3])
@pytest.mark.parametrize("precision", MIXED)
def test_outputs_and_gradients_of_both_orders_are_close_to_float32(precision, fade, make, inputs):
    expected = results(make("float32"), inputs, fade)
    found = results(make(precision), inputs, fade, scale=1024.0)
    u = ROUNDING[precision]
    for name, values in expected.items():
        error = relative_error(found[name], values)
        assert error < (10 * u if name in ("image", "logits", "codes") else 4 * u**0.5), name
        assert error > 0, f"{name} was computed in float32"


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_weight_is_float32_and_has_the_same_name(precision, make):
    for network, reference in zip(make(precision), make("float32"), strict=True):
        assert {v.dtype for v in network.variables} == {tf.float32}
        assert [(v.name, v.shape) for v in network.variables] == [(v.name, v.shape) for v in reference.variables]


@pytest.mark.parametrize(("resolution", "fade"), [(16, None), (16, 0.5), (8, 0.5)])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_images_logits_and_codes_are_float32(precision, resolution, fade, make, inputs):
    generator, discriminator = make(precision)
    noise, codes, _ = inputs
    images = generator((noise, codes), resolution=resolution, fade=fade, noise_seed=[1, 2])
    features = discriminator.trunk(images, fade)
    heads = [*discriminator(images, fade), discriminator.codes(features), discriminator.code_features(features)]
    assert [x.dtype for x in (images, *heads)] == [tf.float32] * 5
    assert features.dtype == NARROW.get(precision, tf.float32)


@pytest.mark.parametrize("precision", MIXED)
def test_convolutions_have_16_bits_and_everything_dense_32(precision, make, inputs):
    generator, discriminator = make(precision)

    @tf.function
    def both(noise, codes):
        return discriminator(generator((noise, codes), noise_seed=[1, 2]))

    operations = both.get_concrete_function(*inputs[:2]).graph.get_operations()
    convolutions = [o for o in operations if "onv2d" in o.type.lower()]
    wide = {o.name for o in convolutions if o.get_attr("T") == tf.float32}
    # Synthesis 3 + 2 and 2 blurs; from_rgb; 2 x (2 and a blur); the last convolution, once for each head.
    assert len(convolutions) - len(wide) == 7 + 1 + 6 + 2
    assert {o.get_attr("T") for o in convolutions if o.name not in wide} == {NARROW[precision]}
    assert len(wide) == 1 and "to_rgb16" in wide.pop()
    dense = [o.get_attr("T") for o in operations if o.type == "MatMul"]
    assert dense == [tf.float32] * (3 + 6 + 4)  # mapping, styles, heads and the dense layer before each


@pytest.mark.parametrize("precision", MIXED)
def test_a_new_network_has_finite_gradients_under_loss_scaling(precision, tiny, inputs):
    """The 4x4 constant starts as ones, which have no variance, and 1 / sqrt(1e-8) is 10,000."""
    tf.keras.utils.set_random_seed(3)
    networks = StyleGenerator(tiny(precision=precision), 3), Discriminator(tiny(precision=precision), 3)
    for name, values in results(networks, inputs, scale=LOSS_SCALE).items():
        assert all(np.isfinite(x).all() for x in values), name


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_the_epilogue_keeps_large_values_and_constant_maps_in_range(dtype, rng, randomize):
    epilogue = layers.StyleEpilogue()
    epilogue(tf.zeros([1, 4, 4, 3]), tf.zeros([1, 6]))
    randomize(epilogue)
    w = tf.constant(50 * rng.normal(size=[2, 6]), tf.float32)
    x = tf.cast(tf.constant([np.full([8, 8, 3], 6e4), rng.choice([-6e4, 6e4], [8, 8, 3])], tf.float32), dtype)
    y = epilogue(x, w)
    assert y.dtype == dtype
    constant, various = tf.cast(y, tf.float32).numpy()
    # A constant map leaves only float32's rounding error: 6e4 times 1 / sqrt(1e-8), times the style, times 2^-24.
    assert np.abs(constant).max() < 6e4 * 1e4 * 500 * 2.0**-24
    expected = epilogue(tf.cast(x, tf.float32), w)[1]
    np.testing.assert_allclose(various, expected, rtol=2.0**-7, atol=0.01)


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_minibatch_stddev_of_equal_images_has_a_gradient(dtype):
    """The epsilon 1e-8, which keeps the root's gradient finite, would be 0 in float16."""
    x = tf.cast(tf.tile(tf.random.stateless_normal([1, 4, 4, 3], [0, 0]), [8, 1, 1, 1]), dtype)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layers.minibatch_stddev(x)
    assert y.dtype == dtype
    np.testing.assert_allclose(tf.cast(y, tf.float32), np.full([8, 4, 4, 1], 1e-4), rtol=1e-2)
    assert np.isfinite(tf.cast(tape.gradient(y, x), tf.float32)).all()


def test_casts_leave_float32_and_float64_unchanged():
    for dtype in (tf.float32, tf.float64):
        x = tf.ones([2], dtype)
        assert layers.to_compute_dtype(x, "float32") is x and layers.to_float32(x) is x
    for precision, dtype in NARROW.items():
        x = layers.to_compute_dtype(tf.ones([2]), precision)
        assert x.dtype == dtype and layers.to_float32(x).dtype == tf.float32
