"""Modulated convolutions: the equations with a kernel per image in NumPy, their gradient, the block and the network."""

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.core.images import blur, upsample
from ssgan_tf.networks.modulated import ModulatedBlock, ModulatedConv
from ssgan_tf.networks.style_generator import StyleGenerator, mix_styles


@pytest.fixture
def inputs(rng) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Maps [4,8,8,3], styles [4,6] and noise [4,8,8,1]."""
    shapes = [4, 8, 8, 3], [4, 6], [4, 8, 8, 1]
    x, w, noise = (tf.constant(rng.normal(size=shape), tf.keras.backend.floatx()) for shape in shapes)
    return x, w, noise


@pytest.fixture
def make_conv(tiny, randomize, inputs):
    def make(up: bool = False, **changes) -> ModulatedConv:
        conv = ModulatedConv(5, tiny(noise_inputs=True, **changes), up)
        conv(inputs[0], inputs[1], tf.zeros([4, 1, 1, 1], inputs[0].dtype))
        randomize(conv)
        return conv

    return make


def kernels_of_each_image(conv: ModulatedConv, w: np.ndarray) -> np.ndarray:
    """Returns k'' of the module's equations, [B,3,3,I,O], without the normalisation of the style."""
    style = w @ conv.affine.kernel.numpy() / 6**0.5 + conv.affine.bias.numpy() + 1
    kernel = conv.conv.kernel.numpy() / 27**0.5  # equalised: 9 taps of 3 inputs, gain 1
    modulated = style[:, None, None, :, None] * kernel[None]
    return modulated / np.sqrt(np.sum(modulated**2, axis=(1, 2, 3), keepdims=True) + 1e-8)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("up", "edge_blur"), [(False, False), (True, False), (True, True)])
def test_equals_a_kernel_per_image(up, edge_blur, make_conv, inputs, convolve):
    conv = make_conv(up, edge_blur=edge_blur)
    x, w, noise = inputs
    if up:
        noise = upsample(noise)
    maps = upsample(x).numpy() if up else x.numpy()
    kernels = kernels_of_each_image(conv, w.numpy())
    y = np.concatenate([convolve(maps[i : i + 1], kernels[i]) for i in range(4)])
    if up:
        y = blur(tf.constant(y), repeat_edges=edge_blur).numpy()
    y = y + noise.numpy() * conv.noise_weight.numpy() + conv.bias.numpy()
    np.testing.assert_allclose(conv(x, w, noise), 2**0.5 * np.where(y > 0, y, 0.2 * y), rtol=1e-6, atol=1e-7)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("up", [False, True])
def test_gradients_equal_finite_differences(up, make_conv, inputs, rng):
    """Along one random direction of the maps, of the styles and of every weight."""
    conv = make_conv(up)
    x, w, noise = inputs
    points = [tf.Variable(x), tf.Variable(w), *conv.trainable_variables]
    noise = upsample(noise) if up else noise

    def loss() -> tf.Tensor:
        return tf.reduce_sum(conv(tf.identity(points[0]), tf.identity(points[1]), noise) ** 3)

    with tf.GradientTape() as tape:
        value = loss()
    assert len(points) == 7  # kernel, affine's kernel and bias, bias, noise weight
    for point, gradient in zip(points, tape.gradient(value, points), strict=True):
        direction, start = rng.normal(size=point.shape), point.numpy()
        ends = []
        for sign in (1, -1):
            point.assign(start + sign * 1e-6 * direction)
            ends.append(float(loss()))
        point.assign(start)
        expected = (ends[0] - ends[1]) / 2e-6
        assert float(tf.reduce_sum(gradient * direction)) == pytest.approx(expected, rel=1e-5, abs=1e-6), point.name


@pytest.mark.usefixtures("float64")
def test_demodulation_cancels_the_scale_of_style_and_kernel(make_conv, inputs):
    conv = make_conv()
    before = conv(*inputs)
    # w = 0 leaves affine's bias: the style is bias + 1, and its double is 2 bias + 1 + 1.
    w = tf.zeros_like(inputs[1])
    plain = conv(inputs[0], w, inputs[2])
    conv.affine.bias.assign(2 * conv.affine.bias + 1)
    np.testing.assert_allclose(conv(inputs[0], w, inputs[2]), plain, rtol=1e-6, atol=1e-7)
    conv.affine.bias.assign((conv.affine.bias - 1) / 2)
    conv.conv.kernel.assign(3 * conv.conv.kernel)
    np.testing.assert_allclose(conv(*inputs), before, rtol=1e-6, atol=1e-7)


def test_maps_keep_their_scale_whatever_the_style(tiny, rng):
    """Initially maps of N(0,1) have outputs with a mean square near 1: sqrt(2) makes up for the leaky ReLU."""
    tf.keras.utils.set_random_seed(0)
    conv = ModulatedConv(32, tiny())
    x, w = rng.normal(size=[8, 16, 16, 32]), 10 * rng.normal(size=[8, 6])
    y = conv(tf.constant(x, tf.float32), tf.constant(w, tf.float32))
    assert float(tf.reduce_mean(y**2)) == pytest.approx(1, rel=0.15)


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_16_bits_stay_near_float32_and_in_range(dtype, make_conv, inputs):
    """A style whose squares exceed float16's maximum of 65,504 does not matter."""
    conv = make_conv()
    x, w, noise = inputs
    w = 3e4 * w
    with tf.GradientTape(persistent=True) as tape:
        found, expected = conv(tf.cast(x, dtype), w, noise), conv(x, w, noise)
        sums = [tf.reduce_sum(tf.cast(y, tf.float32) ** 2) for y in (found, expected)]
    assert found.dtype == dtype
    u = 2.0**-11 if dtype == tf.float16 else 2.0**-8
    np.testing.assert_allclose(tf.cast(found, tf.float32), expected, rtol=0.1, atol=10 * u * np.abs(expected).max())
    narrow, wide = (tape.gradient(total, conv.trainable_variables) for total in sums)
    for a, b in zip(narrow, wide, strict=True):
        assert np.linalg.norm(a - b) <= 4 * u**0.5 * np.linalg.norm(b) + 1e-3


# --- Block and network.


@pytest.fixture
def make(tiny, randomize):
    def make_generator(**changes) -> StyleGenerator:
        generator = StyleGenerator(tiny(synthesis="modulated", **changes), code_size=3)
        randomize(generator)
        return generator

    return make_generator


@pytest.fixture
def styles(rng) -> tf.Tensor:
    """A different style for each image and layer of the tiny network, [4,6,8]."""
    return tf.constant(rng.normal(size=[4, 6, 8]), tf.float32)


@pytest.mark.parametrize("resolution", [8, 16])
def test_the_network_is_the_blocks_written_out_each_layer_with_its_own_style(resolution, make, styles):
    synthesis = make().synthesis
    x = tf.repeat(synthesis.blocks[0].constant, 4, axis=0)
    for i, block in enumerate(synthesis.blocks[: 2 if resolution == 8 else 3]):
        assert (block.conv0.up, block.conv1.up) == (i > 0, False)
        x = block.conv1(block.conv0(x, styles[:, 2 * i]), styles[:, 2 * i + 1])
    image = synthesis.to_rgb[i](x)
    assert image.shape == (4, resolution, resolution, 3)
    np.testing.assert_allclose(synthesis(styles, resolution), image, rtol=1e-4, atol=1e-4)


def test_fading_style_mixing_truncation_and_seeds_work_as_with_adain(make, styles):
    generator = make(noise_inputs=True)
    synthesis, w = generator.synthesis, styles[:, 0]
    full, below = synthesis(w), upsample(synthesis(w, 8))
    np.testing.assert_allclose(synthesis(w, fade=0.25), 0.25 * full + 0.75 * below, rtol=1e-4, atol=1e-4)
    mixed = mix_styles(w, styles[:, 1], tf.constant([6, 6, 3, 1]), 6)
    np.testing.assert_allclose(synthesis(mixed)[:2], full[:2], rtol=1e-4, atol=1e-4)
    assert np.abs(synthesis(mixed) - full)[2:].max(axis=(1, 2, 3)).min() > 1e-3
    average = synthesis(tf.repeat(generator.w_average[None], 4, axis=0))
    np.testing.assert_allclose(synthesis(generator.truncate(w, 0.0)), average, rtol=1e-4, atol=1e-4)
    noisy = synthesis(w, noise_seed=[1, 2])
    np.testing.assert_array_equal(noisy, synthesis(w, noise_seed=[1, 2]))
    assert np.abs(noisy - full).max() > 0.1 < np.abs(noisy - synthesis(w, noise_seed=[1, 3])).max()


def test_initially_the_constant_is_standard_normal_and_all_weights_exist(tiny):
    """Embedding 1, mapping 2 x 2, 3 RGB heads x 2, constant 1, convolutions 6 x 4, mean style 1."""
    tf.keras.utils.set_random_seed(0)
    generator = StyleGenerator(tiny(synthesis="modulated", fmap_max=64, fmap_base=1024), code_size=3)
    assert np.std(generator.synthesis.blocks[0].constant) == pytest.approx(1, rel=0.1)
    assert len(generator.variables) == 1 + 4 + 6 + 1 + 24 + 1
    generator((tf.zeros([2, 8]), tf.zeros([2, 3])), resolution=8, fade=0.5)
    assert len(generator.variables) == 1 + 4 + 6 + 1 + 24 + 1


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_in_mixed_precision_convolutions_have_16_bits_and_dense_layers_32(precision, tiny):
    generator = StyleGenerator(tiny(resolution=8, synthesis="modulated", precision=precision), 3)
    graph = tf.function(generator.synthesis.call).get_concrete_function(tf.TensorSpec([2, 8])).graph
    dtypes = {"conv": [], "dense": []}
    for op in graph.get_operations():
        if "onv2d" in op.type.lower():
            dtypes["conv"].append(op.get_attr("T"))
        if op.type == "MatMul":
            dtypes["dense"].append(op.get_attr("T"))
    narrow = tf.bfloat16 if precision == "mixed_bfloat16" else tf.float16
    assert dtypes["conv"] == [narrow] * 5 + [tf.float32]  # 4, a blur and the RGB head
    assert dtypes["dense"] == [tf.float32] * 8  # styles and demodulation factors
    assert ModulatedBlock(4, tiny(precision=precision))(None, [tf.zeros([2, 8])] * 2).dtype == narrow


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_images_and_gradients_in_16_bits_are_close_to_float32(precision, tiny, styles, rng):
    """Gradients are multiplied by a loss scale; see test_precision.py for the tolerances."""
    direction = tf.constant(rng.normal(size=[4, 16, 16, 3]), tf.float32)
    results = []
    for kind, scale in (("float32", 1.0), (precision, 1024.0)):
        tf.keras.utils.set_random_seed(3)
        synthesis = StyleGenerator(tiny(synthesis="modulated", precision=kind), 3).synthesis
        with tf.GradientTape() as tape:
            images = synthesis(styles, fade=0.3)
            loss = scale * tf.reduce_mean(images * direction)
        gradients = tape.gradient(loss, synthesis.trainable_variables)
        results.append((images, np.concatenate([np.ravel(g) / scale for g in gradients if g is not None])))
    (wide, slope), (narrow, found) = results
    u = 2.0**-9 if precision == "mixed_bfloat16" else 2.0**-11
    assert 0 < np.linalg.norm(narrow - wide) < 10 * u * np.linalg.norm(wide)
    assert np.linalg.norm(found - slope) < 4 * u**0.5 * np.linalg.norm(slope)


def test_an_unknown_kind_of_synthesis_names_the_nearest(tiny):
    with pytest.raises(ValueError, match=r"^synthesis: expected one of \['adain', 'modulated'\]. .* 'modulated'\?"):
        tiny(synthesis="modulate")
