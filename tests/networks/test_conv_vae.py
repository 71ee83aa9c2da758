"""The VAE baselines' networks: published sizes, shapes at every resolution, kernel sizes of each layer."""

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.networks.conv_vae import ConvDecoder, ConvEncoder, TotalCorrelationDiscriminator, check_sizes
from ssgan_tf.networks.layers import count_parameters


def count(resolution: int, channels: int, latents: int) -> int:
    sizes = (resolution, channels, latents)
    with tf.Graph().as_default():
        return count_parameters(ConvEncoder(*sizes)) + count_parameters(ConvDecoder(*sizes))


@pytest.mark.parametrize(
    ("resolution", "channels", "latents", "expected"),
    [
        (64, 1, 10, 690_517),  # published as 0.69M
        (64, 1, 5, 686_667),
        # By hand: an outer layer of 32 maps has 16 * 32 * 32 + 32 weights in each of encoder and decoder; another
        # channel has 2 * 16 * 32 weights and one bias.
        (64, 3, 10, 690_517 + 2 * (2 * 16 * 32) + 2),
        (128, 3, 10, 690_517 + 2 * (2 * 16 * 32) + 2 + 2 * (16 * 32 * 32 + 32)),
        (128, 3, 10, 725_399),  # as in the docstring
        (32, 3, 6, 656_655),  # as in the configs
    ],
)
def test_published_and_own_sizes(resolution, channels, latents, expected):
    assert count(resolution, channels, latents) == expected


def test_size_of_the_discriminator():
    with tf.Graph().as_default():
        sizes = [count_parameters(TotalCorrelationDiscriminator(k)) for k in (10, 5)]
    assert sizes == [5_018_002, 5_699_669 - 686_667]
    assert sizes[0] + count(64, 1, 10) == 5_708_519


def test_layers_at_64x64():
    """Compares with disentanglement_lib's, one by one."""
    encoder, decoder = ConvEncoder(64, 1, 10), ConvDecoder(64, 1, 10)
    assert [conv.kernel.shape.as_list() for conv in encoder.convs] == [
        [4, 4, 1, 32], [4, 4, 32, 32], [2, 2, 32, 64], [2, 2, 64, 64],
    ]
    assert encoder.dense.kernel.shape == [1024, 256]
    assert [dense.kernel.shape.as_list() for dense in decoder.dense] == [[10, 256], [256, 1024]]
    assert [conv.kernel.shape.as_list() for conv in decoder.convs] == [  # of a transposed convolution: [h,w,out,in]
        [4, 4, 64, 64], [4, 4, 32, 64], [4, 4, 32, 32], [4, 4, 1, 32],
    ]
    discriminator = TotalCorrelationDiscriminator(10)
    assert [dense.kernel.shape.as_list() for dense in discriminator.hidden] == [[10, 1000]] + [[1000, 1000]] * 5
    assert discriminator.logits.kernel.shape == [1000, 2]


def test_initial_weights_are_glorots():
    kernel = ConvEncoder(16, 3, 4).dense.kernel.numpy()
    limit = np.sqrt(6 / (1024 + 256))
    assert np.abs(kernel).max() == pytest.approx(limit, rel=1e-3) and kernel.std() == pytest.approx(
        limit / np.sqrt(3), rel=0.01
    )


@pytest.mark.parametrize("resolution", [16, 32, 128])
def test_shapes(resolution):
    encoder, decoder = ConvEncoder(resolution, 3, 7), ConvDecoder(resolution, 3, 7)
    images = tf.random.stateless_uniform([2, resolution, resolution, 3], [0, 1], -1.0, 1.0)
    pyramid = encoder.pyramid(images)
    halves = [resolution // 2**i for i in range(1, len(pyramid) + 1)]
    assert [level.shape[1] for level in pyramid] == halves and pyramid[-1].shape == [2, 4, 4, 64]
    mean, log_variance = encoder(images)
    assert mean.shape == log_variance.shape == [2, 7]
    np.testing.assert_array_equal(encoder.mean(pyramid[-1]), mean)
    assert decoder(mean).shape == images.shape
    assert TotalCorrelationDiscriminator(7)(mean).shape == [2, 2]


def test_the_encoder_sees_images_in_0_1():
    encoder = ConvEncoder(16, 1, 3)
    black = encoder.pyramid(-tf.ones([1, 16, 16, 1]))  # 0 inside the network, and biases start at 0
    assert all(float(tf.reduce_max(tf.abs(level))) == 0 for level in black)


def test_leaky_relus_of_the_discriminator_have_slope_one_fifth():
    """With a single weight of -1 in the first layer, 1 becomes -0.2."""
    discriminator = TotalCorrelationDiscriminator(1)
    first = discriminator.hidden[0]
    first.kernel.assign(-tf.ones_like(first.kernel))
    np.testing.assert_allclose(first(tf.ones([1, 1])), -0.2 * np.ones([1, 1000]), rtol=1e-6)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((8, 3, 10), "resolution: expected a power of two from 16 to 1024. Received: 8"),
        ((48, 3, 10), "resolution: .* Received: 48"),
        ((64, 2, 10), r"channels: expected 1 \(grey\) or 3 \(RGB\). Received: 2"),
        ((64, 1, 0), "latents: expected 1 or more. Received: 0"),
    ],
)
def test_errors_name_the_field(sizes, message):
    with pytest.raises(ValueError, match="^" + message):
        check_sizes(*sizes)
