"""InfoGAN-CR's networks: published sizes, spectral norm, batch norm, every layer written out."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_addons as tfa

from ssgan_tf.networks import conv_gan
from ssgan_tf.networks.conv_gan import ContrastiveDiscriminator, Discriminator, Generator
from ssgan_tf.networks.layers import count_parameters
from ssgan_tf.networks.normalization import BatchNorm, SpectralConv, SpectralDense, initial_value


def make(family: str, resolution: int, channels: int, codes: int, noise: int):
    tf.keras.utils.set_random_seed(1)
    return (
        Generator(family, resolution, channels, noise + codes),
        Discriminator(family, resolution, channels, codes),
        ContrastiveDiscriminator(family, resolution, channels, codes),
    )


def images(count: int, resolution: int, channels: int, seed: int = 0) -> tf.Tensor:
    return tf.random.stateless_uniform([count, resolution, resolution, channels], [seed, 0], -1.0, 1.0)


@pytest.mark.parametrize(
    ("family", "sizes", "expected"),
    [
        ("dsprites", (64, 1, 5, 5), (251_393, 263_878, 247_749)),  # published: 763,020
        # One 32 -> 32 layer less or more in each network, in the generator with batch norm; two more channels.
        ("dsprites", (32, 1, 5, 5), (251_393 - 16_416 - 64, 263_878 - 16_416, 247_749 - 16_416)),
        ("dsprites", (128, 1, 5, 5), (251_393 + 16_416 + 64, 263_878 + 16_416, 247_749 + 16_416)),
        ("dsprites", (64, 3, 5, 5), (251_393 + 2 * 513, 263_878 + 2 * 512, 247_749 + 4 * 512)),
        (
            "celeba",
            (32, 3, 5, 100),
            (
                108 * 1024 + 1027 * 4096 + (25 * 256 + 3) * 128 + (25 * 128 + 3) * 64 + 25 * 192 + 3,
                76 * 64 + 1601 * 128 + 3201 * 256 + 6401 * 512 + 2049 * 6,
                151 * 64 + 1603 * 128 + 3203 * 256 + 6403 * 512 + 2049 * 5,
            ),
        ),
    ],
)
def test_published_sizes(family, sizes, expected):
    networks = make(family, *sizes)
    assert tuple(map(count_parameters, networks)) == expected


@pytest.mark.parametrize(("family", "resolution"), [("dsprites", r) for r in (8, 32, 64)] + [("celeba", 32)])
def test_shapes_and_ranges(family, resolution):
    generator, discriminator, contrastive = make(family, resolution, 3, 4, 2)
    latents = tf.random.stateless_uniform([5, 6], [1, 2], -1.0, 1.0)
    for layer in generator.layers_in_order:
        layer.kernel.assign(30 * layer.kernel)  # so that the last layer saturates
    found = generator(latents)
    assert found.shape == [5, resolution, resolution, 3]
    assert -1 <= np.min(found) < -0.5 and 0.5 < np.max(found) <= 1
    realness, codes = discriminator(found)
    assert (realness.shape, codes.shape) == ([5], [5, 4])
    assert contrastive(tf.concat([found, found], axis=-1)).shape == [5, 4]
    pyramid = discriminator.pyramid(found)
    smallest = {"dsprites": 4, "celeba": 2}[family]
    assert [level.shape[1] for level in pyramid] == [
        resolution // 2**i for i in range(1, (resolution // smallest).bit_length())
    ]
    np.testing.assert_allclose(discriminator.realness(pyramid[-1]), realness, atol=1e-6)
    np.testing.assert_allclose(discriminator.codes(pyramid[-1]), codes, atol=1e-6)


def test_weights_start_as_published():
    generator, discriminator, contrastive = make("dsprites", 64, 1, 5, 5)
    for network, truncated in ((generator, False), (discriminator, True), (contrastive, True)):
        for variable in network.trainable_variables:
            values = variable.numpy()
            if "kernel" in variable.name and values.size > 10_000:
                cut = truncated and values.ndim == 4
                # A normal truncated at two standard deviations has 0.88 of the standard deviation.
                assert values.std() == pytest.approx(0.02 * (0.8796 if cut else 1), rel=0.03), variable.name
                assert (np.abs(values).max() <= 0.04) == cut, variable.name
            elif "bias" in variable.name or "offset" in variable.name:
                assert not values.any()
            elif "scale" in variable.name:
                assert (values == 1).all()
    kernels = [v.numpy().ravel()[:100] for v in contrastive.trainable_variables if "kernel" in v.name]
    assert np.abs(np.corrcoef(kernels) - np.eye(len(kernels))).max() < 0.5  # no two are alike


def test_new_initial_weights_are_distributed_like_the_first_ones():
    for family, resolution in (("dsprites", 64), ("celeba", 32)):
        contrastive = make(family, resolution, 1, 5, 5)[2]
        first, same, other = (contrastive.initial_weights(tf.constant([0, i])) for i in (3, 3, 4))
        for variable, a, b, c in zip(contrastive.trainable_variables, first, same, other, strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.shape == variable.shape
            # Zeros and ones stay the same; kernels have the same spread and nothing else in common.
            assert np.std(a) == pytest.approx(np.std(variable), rel=0.15)
            assert np.mean(a) == pytest.approx(np.mean(variable), abs=2e-3)
            if "kernel" in variable.name:
                assert np.any(a != c) and np.any(a != variable)
                assert (np.abs(a).max() <= 0.04) == (variable.shape.rank == 4)
    assert (initial_value(tf.Variable([3.0, 4.0], name="a/scale"), tf.constant([0, 0])).numpy() == 1).all()


@pytest.mark.parametrize("layer", [SpectralDense(6), SpectralConv(6, 4)], ids=["dense", "conv"])
def test_sigma_becomes_the_largest_singular_value(layer):
    layer.build([None, 9] if isinstance(layer, SpectralDense) else [None, 8, 8, 3])
    layer.kernel.assign(tf.random.stateless_normal(layer.kernel.shape, [1, 1]))
    largest = np.linalg.svd(layer.kernel.numpy().reshape(-1, 6), compute_uv=False)[0]
    assert layer.power_iteration()[0] < 0.999 * largest
    for _ in range(200):
        layer.update_spectral_norm()
    assert float(layer.power_iteration()[0]) == pytest.approx(largest, rel=1e-5)
    found = np.linalg.svd(layer.normalized_kernel().numpy().reshape(-1, 6), compute_uv=False)[0]
    assert found == pytest.approx(1, rel=1e-5)


def test_one_iteration_equals_that_of_addons():
    """Starting from one vector, our layer and TensorFlow Addons' have the same kernel and the same next vector."""
    ours = SpectralConv(6, 4)
    ours.build([None, 8, 8, 3])
    theirs = tfa.layers.SpectralNormalization(tf.keras.layers.Conv2D(6, 4, 2, "same"))
    theirs.build([None, 8, 8, 3])
    theirs.layer.kernel.assign(ours.kernel)
    theirs.u.assign(ours.u)
    x = images(2, 8, 3)
    ours.bias.assign(tf.range(6, dtype=tf.float32))
    theirs.layer.bias.assign(ours.bias)
    np.testing.assert_allclose(ours(x), theirs(x, training=True), atol=1e-5)
    np.testing.assert_allclose(ours.normalized_kernel(), theirs.layer.kernel, rtol=1e-5, atol=1e-7)
    before = ours.u.numpy()
    ours.update_spectral_norm()
    np.testing.assert_allclose(ours.u, theirs.u, atol=1e-6)
    assert np.abs(before - ours.u).max() > 0.1


def test_a_call_does_not_change_the_vector():
    layer = SpectralDense(4)
    layer(tf.ones([2, 3]))
    before = layer.u.numpy()
    layer(tf.ones([2, 3]), training=True)
    np.testing.assert_array_equal(layer.u, before)


def test_the_gradient_goes_through_sigma_and_its_iteration():
    """Compares with finite differences of a NumPy twin in float64: kernel / (v W u) with v and u computed from W."""
    layer = SpectralDense(3)
    layer.build([None, 4])
    kernel, u = layer.kernel.numpy().astype(np.float64), layer.u.numpy().astype(np.float64)
    weight = np.random.default_rng(0).standard_normal(kernel.shape)

    def loss(w):
        v = u @ w.T
        v /= np.linalg.norm(v)
        n = v @ w
        n /= np.linalg.norm(n)
        return np.sum(weight * w / (v @ w @ n.T))

    with tf.GradientTape() as tape:
        value = tf.reduce_sum(tf.constant(weight, tf.float32) * layer.normalized_kernel())
    assert float(value) == pytest.approx(loss(kernel), rel=1e-4)
    found, expected = tape.gradient(value, layer.kernel).numpy(), np.zeros_like(kernel)
    for index in np.ndindex(*kernel.shape):
        step = np.zeros_like(kernel)
        step[index] = 1e-6
        expected[index] = (loss(kernel + step) - loss(kernel - step)) / 2e-6
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-3 * np.abs(expected).max())


def test_batch_norm_in_training_and_inference_mode():
    norm = BatchNorm()
    x = tf.constant([[1.0, 10.0], [3.0, 10.0]])
    y, (mean, variance) = norm(x, True)
    norm.scale.assign([2.0, 1.0])
    norm.offset.assign([5.0, 7.0])
    np.testing.assert_allclose(mean, [2, 10])
    np.testing.assert_allclose(variance, [1, 0])
    np.testing.assert_allclose(y, [[-1 / np.sqrt(1 + 1e-5), 0], [1 / np.sqrt(1 + 1e-5), 0]], rtol=1e-5)
    np.testing.assert_allclose(norm(x, True)[0], [[3, 7], [7, 7]], rtol=1e-4)
    np.testing.assert_array_equal(norm.mean, [0, 0])  # training changes nothing
    norm.mean.assign([1.0, 8.0])
    norm.variance.assign([4.0, 1.0])
    y, moments = norm(x, False)
    np.testing.assert_allclose(y, [[5, 9], [7, 9]], rtol=1e-4)
    np.testing.assert_array_equal(moments, [[1, 8], [4, 1]])


both_families = pytest.mark.parametrize(("family", "sizes"), [("dsprites", (64, 1, 5, 5)), ("celeba", (32, 3, 5, 100))])


def to_float32(network: tf.keras.Model) -> None:
    """Assigns random weights, large enough to tell activations apart; no bias, scale or offset is 0 or 1."""
    rng = np.random.default_rng(3)
    for variable in network.trainable_variables:
        size = 2 / np.sqrt(np.prod(variable.shape[:-1])) if variable.shape.rank > 1 else 0.5
        variable.assign(size * rng.standard_normal(variable.shape) + ("scale" in variable.name))


def leaky(x: tf.Tensor) -> tf.Tensor:
    return tf.where(x > 0, x, 0.2 * x)


def divided(layer) -> np.ndarray:
    """Returns the kernel divided by sigma, from one power iteration."""
    matrix = layer.kernel.numpy().reshape(-1, layer.kernel.shape[-1])
    v = matrix @ layer.u.numpy()[0]
    v /= np.linalg.norm(v)
    return layer.kernel.numpy() / np.linalg.norm(v @ matrix)


def normed(x: tf.Tensor, norm: BatchNorm, moments: list) -> tf.Tensor:
    """Normalises x by the batch's own moments and appends them to `moments`."""
    axes = tuple(range(x.shape.rank - 1))
    moments += [np.mean(x, axes), np.var(x, axes)]
    return (x - moments[-2]) / np.sqrt(moments[-1] + 1e-5) * norm.scale + norm.offset


@both_families
def test_the_generator_is_the_published_one(family, sizes):
    """Layer by layer. dSprites: activation, leaky after deconvolutions, then norm. CelebA: norm, then ReLU."""
    generator = make(family, *sizes)[0]
    to_float32(generator)
    latents = tf.random.stateless_uniform([4, sizes[2] + sizes[3]], [1, 2], -1.0, 1.0)
    *hidden, last = generator.layers_in_order
    x, moments = latents, []

    def deconvolve(x, layer):
        shape = [4, 2 * x.shape[1], 2 * x.shape[2], layer.kernel.shape[2]]
        return tf.nn.conv2d_transpose(x, layer.kernel, shape, 2) + layer.bias

    for i, (layer, norm) in enumerate(zip(hidden, generator.norms, strict=True)):
        x = x @ layer.kernel + layer.bias if i < 2 else deconvolve(x, layer)
        if family == "celeba":
            x = tf.nn.relu(normed(x, norm, moments))
        else:
            x = normed(tf.nn.relu(x) if i < 2 else leaky(x), norm, moments)
        if i == 1:
            x = tf.reshape(x, [4, 4, 4, -1])
    x = deconvolve(x, last)
    expected = tf.tanh(x) if family == "celeba" else 2 * tf.sigmoid(x) - 1  # from [0, 1]
    found, found_moments = generator.generate(latents, training=True)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert len(moments) == len(generator.moving_averages)
    for x, y in zip(found_moments, moments, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-3, atol=1e-4)


@both_families
def test_the_discriminators_are_the_published_ones(family, sizes):
    _, discriminator, contrastive = make(family, *sizes)
    to_float32(discriminator)
    to_float32(contrastive)
    pairs = images(4, sizes[0], 2 * sizes[1])

    def inside(x):
        return (x + 1) / 2 if family == "dsprites" else x

    x = inside(pairs[..., : sizes[1]])
    for layer in discriminator.convs:
        x = leaky(tf.nn.conv2d(x, divided(layer), 2, "SAME") + layer.bias)
    x = tf.reshape(x, [4, -1])
    if family == "dsprites":
        x = leaky(x @ divided(discriminator.dense) + discriminator.dense.bias)
    realness, codes = discriminator(pairs[..., : sizes[1]])
    head = discriminator.realness_head
    np.testing.assert_allclose(realness, (x @ divided(head) + head.bias)[:, 0], atol=1e-5)
    if family == "dsprites":
        x = leaky(x @ divided(discriminator.code_dense) + discriminator.code_dense.bias)
    head = discriminator.code_head
    np.testing.assert_allclose(codes, x @ divided(head) + head.bias, atol=1e-5)

    x = inside(pairs)
    for i, layer in enumerate(contrastive.convs):
        x = tf.nn.conv2d(x, divided(layer) if family == "dsprites" else layer.kernel, 2, "SAME") + layer.bias
        x = leaky(normed(x, contrastive.norms[i - 1], []) if i and family == "celeba" else x)
    x = tf.reshape(x, [4, -1])
    if family == "dsprites":
        x = leaky(x @ divided(contrastive.dense) + contrastive.dense.bias)
    np.testing.assert_allclose(contrastive(pairs), x @ contrastive.head.kernel + contrastive.head.bias, atol=1e-3)


def test_only_training_mode_depends_on_the_batch():
    generator = make("dsprites", 16, 1, 4, 2)[0]
    latents = tf.random.stateless_uniform([6, 6], [1, 2], -1.0, 1.0)
    whole, moments = generator.generate(latents, training=False)
    np.testing.assert_allclose(whole[:3], generator(latents[:3]), atol=1e-6)
    for moment, average in zip(moments, generator.moving_averages, strict=True):
        np.testing.assert_array_equal(moment, average)
    trained = generator.generate(latents, training=True)[0]
    assert np.abs(trained[:3] - generator.generate(latents[:3], training=True)[0]).max() > 1e-4
    before = [average.numpy() for average in generator.moving_averages]
    generator.generate(latents, training=True)
    for average, old in zip(generator.moving_averages, before, strict=True):
        np.testing.assert_array_equal(average, old)


def test_update_spectral_norm_updates_every_vector_of_a_network():
    _, discriminator, contrastive = make("dsprites", 16, 1, 4, 2)
    for network, layers in ((discriminator, 6), (contrastive, 3)):
        vectors = [v for v in network.variables if v.name.endswith("/u:0")]
        assert len(vectors) == layers
        before = [v.numpy() for v in vectors]
        conv_gan.update_spectral_norm(network)
        assert all(np.any(v != old) for v, old in zip(vectors, before, strict=True))
