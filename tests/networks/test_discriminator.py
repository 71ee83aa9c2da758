"""The shared discriminator/encoder: dependence on the batch, lower resolutions, fading, the two heads."""

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.core.images import blur, downsample
from ssgan_tf.networks import layers
from ssgan_tf.networks.discriminator import Discriminator


@pytest.fixture
def make(tiny, randomize):
    def make_discriminator(**changes) -> Discriminator:
        discriminator = Discriminator(tiny(**changes), code_size=3)
        randomize(discriminator)
        return discriminator

    return make_discriminator


@pytest.fixture
def images(rng) -> tf.Tensor:
    return tf.constant(rng.uniform(-1, 1, [4, 16, 16, 3]), tf.float32)


@pytest.fixture
def others(images, rng) -> tf.Tensor:
    """The same first image in a batch with three different ones."""
    return tf.concat([images[:1], tf.constant(rng.uniform(-9, 9, [3, 16, 16, 3]), tf.float32)], axis=0)


def test_shapes(make, images):
    logits, codes = make()(images)
    assert logits.shape == (4,) and codes.shape == (4, 3)


def test_the_code_does_not_depend_on_the_rest_of_the_batch(make, images, others):
    discriminator = make()
    codes = discriminator.encode(images)
    np.testing.assert_array_equal(codes[0], discriminator.encode(others)[0])
    np.testing.assert_allclose(codes[:1], discriminator.encode(images[:1]), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(codes[::-1], discriminator.encode(images[::-1]), rtol=1e-5, atol=1e-6)


def test_realness_does_depend_on_the_group_and_only_on_the_group(make, images, others):
    """With groups of 2 in a batch of 4, image 0 is grouped with image 2 (i mod 2)."""
    discriminator = make(stddev_group=2)
    logits = discriminator(images)[0].numpy()
    assert abs(logits[0] - discriminator(others)[0][0]) > 1e-3 * abs(logits[0])
    same_group = tf.stack([images[0], others[1], images[2], others[3]])
    np.testing.assert_allclose(discriminator(same_group)[0][0], logits[0], rtol=1e-5)


def test_codes_of_a_single_pass_depend_on_the_batch(make, images, others):
    discriminator = make(batch_independent_codes=False)
    codes = discriminator.encode(images)[0].numpy()
    assert np.abs(codes - discriminator.encode(others)[0]).max() > 1e-3 * np.abs(codes).max()


def test_both_heads_have_the_same_inputs_in_a_single_pass(make, images):
    """With batch_independent_codes=False it is one network with two outputs: equal heads give equal outputs."""
    discriminator = make(batch_independent_codes=False)
    kernel, bias = discriminator.realness_head.get_weights()
    discriminator.code_head.set_weights([np.repeat(kernel, 3, axis=1), np.repeat(bias, 3)])
    logits, codes = discriminator(images)
    # On some CPUs the products with one and three columns round differently.
    np.testing.assert_allclose(codes, np.repeat(logits[:, None], 3, axis=1), rtol=1e-6)


def test_the_heads_differ_in_the_stddev_channel_alone(make, images):
    """With the channel's weights at zero, both heads see the same features."""
    discriminator = make()
    kernel = discriminator.final_conv.kernel
    kernel.assign(tf.concat([kernel[:, :, :-1], tf.zeros_like(kernel[:, :, -1:])], axis=2))
    head, bias = discriminator.realness_head.get_weights()
    discriminator.code_head.set_weights([np.repeat(head, 3, axis=1), np.repeat(bias, 3)])
    logits, codes = discriminator(images)
    np.testing.assert_allclose(codes, np.repeat(logits[:, None], 3, axis=1), rtol=1e-5, atol=1e-5)


def test_the_code_head_is_linear(make, images):
    """There is no sigmoid: doubling the head's weights doubles the code, even far outside [0, 1]."""
    discriminator = make()
    codes = discriminator.encode(images).numpy()
    assert np.abs(codes).max() > 1.5
    discriminator.code_head.set_weights([2 * w for w in discriminator.code_head.get_weights()])
    np.testing.assert_allclose(discriminator.encode(images), 2 * codes, rtol=1e-5)


@pytest.mark.parametrize("edge_blur", [False, True])
def test_the_trunk_is_blocks_of_conv_blur_conv_down(edge_blur, make, images):
    discriminator = make(edge_blur=edge_blur)
    x = layers.leaky_relu(discriminator.from_rgb[2](images))  # 16x16
    for block in (discriminator.blocks[1], discriminator.blocks[0]):
        x = layers.leaky_relu(block.conv(x))
        x = layers.leaky_relu(block.conv_down(blur(x, repeat_edges=edge_blur)))
    assert x.shape == (4, 4, 4, 8)
    np.testing.assert_allclose(discriminator.trunk(images), x, rtol=1e-6)


def test_a_lower_resolution_enters_at_its_own_block(make, images):
    """Blocks above it are not used: changing their weights changes nothing."""
    discriminator = make()
    small = downsample(images)
    before = discriminator.trunk(small)
    np.testing.assert_allclose(
        before, discriminator.blocks[0](layers.leaky_relu(discriminator.from_rgb[1](small))), rtol=1e-6
    )
    for variable in (*discriminator.blocks[1].variables, *discriminator.from_rgb[2].variables):
        variable.assign(tf.zeros_like(variable))
    np.testing.assert_array_equal(discriminator.trunk(small), before)


def test_fade_one_is_no_fade_and_fade_zero_the_level_below(make, images):
    discriminator = make()
    full, below = discriminator.trunk(images), discriminator.trunk(downsample(images))
    np.testing.assert_allclose(discriminator.trunk(images, fade=1.0), full, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(discriminator.trunk(images, fade=0.0), below, rtol=1e-4, atol=1e-4)
    assert np.abs(full - below).max() > 1


def test_fade_is_linear_before_the_block_below(make, images):
    """At 8x8 only one block fades in; its output and the halved image's features are mixed 3 : 1."""
    discriminator = make()
    small = downsample(images)
    upper = discriminator.trunk(small)
    lower = layers.leaky_relu(discriminator.from_rgb[0](downsample(small)))
    np.testing.assert_allclose(discriminator.trunk(small, fade=0.75), 0.75 * upper + 0.25 * lower, rtol=1e-4, atol=1e-4)


def test_all_weights_exist_at_once(make, images):
    """Weights exist even for heads that a fixed-resolution run never uses: 3 from_rgb, 2 blocks, the last, 2 heads."""
    discriminator = make()
    names = {v.name for v in discriminator.variables}
    assert len(discriminator.variables) == 2 * (3 + 2 * 2 + 2 + 2) == len(names)
    discriminator(images), discriminator.trunk(images[:, ::2, ::2], fade=0.5)
    assert len(discriminator.variables) == len(names)
