"""Inference: encoding, sampling and generating do not depend on how images are batched; PSNR and SSIM."""

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.core.images import to_uint8
from ssgan_tf.core.priors import GridPrior
from ssgan_tf.evaluate import inference, predictions

PRIOR = GridPrior(CodeSpec((FactorSpec("a", 3), FactorSpec("b", 5))))
IMAGES = np.random.default_rng(0).integers(0, 256, [23, 4, 4, 3], np.uint8)


def corner(images):
    """Encoder whose codes are two pixels."""
    return tf.stack([images[:, 0, 0, 0], images[:, 1, 2, 1]], axis=1)


def generate(noise, codes):
    """Generator that shows its code in those pixels and noise in the others; values leave [-1, 1] on purpose."""
    pixels = tf.tile(noise[:, :1, None, None] * 3.0, [1, 4, 4, 3])
    first = tf.one_hot(0, 4)[:, None, None] * tf.one_hot(0, 4)[None, :, None] * tf.one_hot(0, 3)
    second = tf.one_hot(1, 4)[:, None, None] * tf.one_hot(2, 4)[None, :, None] * tf.one_hot(1, 3)
    pixels *= 1 - first - second
    return pixels + codes[:, 0, None, None, None] * first + codes[:, 1, None, None, None] * second


@pytest.mark.parametrize("batch", [1, 5, 23, 256])
def test_every_image_is_encoded_in_order(batch):
    codes = inference.encode_images(corner, IMAGES, batch)
    assert codes.shape == (23, 2)
    assert codes.dtype == np.float32
    expected = np.stack([IMAGES[:, 0, 0, 0], IMAGES[:, 1, 2, 1]], axis=1) / np.float32(127.5) - 1
    assert np.allclose(codes, expected, atol=1e-6)


def test_batches_are_no_larger_than_requested():
    sizes = []

    def encoder(images):
        tf.py_function(lambda x: sizes.append(len(x)), [images], [])
        return corner(images)

    inference.encode_images(encoder, IMAGES, 10)
    assert sizes == [10, 10, 3]
    noise, codes = inference.sample_latents(PRIOR, 6, 23, 0)
    assert [len(images) for images in inference.generate_images(generate, noise, codes, 10)] == [10, 10, 3]


@pytest.mark.parametrize("batch", [1, 7, 100])
def test_generated_images_are_8_bit_and_show_their_codes(batch):
    noise, codes = inference.sample_latents(PRIOR, 6, 40, seed=3)
    images = np.concatenate(list(inference.generate_images(generate, noise, codes, batch)))
    assert images.dtype == np.uint8 and images.shape == (40, 4, 4, 3)
    assert np.array_equal(images, to_uint8(generate(noise, codes)))  # 256 levels, clipped at both ends
    assert images.min() == 0 and images.max() == 255
    encoded = inference.encode_images(corner, images)
    assert np.allclose(encoded, codes, atol=0.6 / 127.5)  # half a level, and rounding
    factors = PRIOR.spec.decode(codes.numpy())
    assert set(factors[:, 0]) == {0, 1, 2} and set(factors[:, 1]) == {0, 1, 2, 3, 4}


def test_latents_are_a_function_of_the_seed():
    first, again, other = (inference.sample_latents(PRIOR, 6, 40, seed) for seed in (1, 1, 2))
    for one, same, different in zip(first, again, other, strict=True):
        assert np.array_equal(one, same) and not np.array_equal(one, different)


def test_psnr_and_ssim_of_equal_and_of_different_images():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, [3, 16, 16, 3], np.uint8)
    psnr, ssim = predictions.compare_images(images, images)
    assert psnr.tolist() == [100.0] * 3 and ssim == pytest.approx([1.0] * 3)
    grey = np.full_like(images, 100)
    psnr, ssim = predictions.compare_images(grey, grey + np.uint8(16))
    assert psnr == pytest.approx([20 * np.log10(255 / 16)] * 3, abs=1e-3)
    # Without structure only the means matter: (2 ab + C1) / (a^2 + b^2 + C1), C1 = (0.01 * 255)^2.
    c1 = 2.55**2
    assert ssim == pytest.approx([(2 * 100 * 116 + c1) / (100**2 + 116**2 + c1)] * 3, abs=5e-4)
    _, shuffled = predictions.compare_images(images, np.roll(images, 5, axis=1))
    assert np.all(np.abs(shuffled) < 0.2)


def test_images_smaller_than_its_window_have_no_ssim():
    small = np.zeros([2, 10, 32, 3], np.uint8)
    psnr, ssim = predictions.compare_images(small, small)
    assert psnr.tolist() == [100.0, 100.0] and np.isnan(ssim).all()


def test_a_generator_that_diverged_raises_instead_of_returning_black_images():
    noise, codes = inference.sample_latents(PRIOR, 6, 5, 0)
    with pytest.raises(ValueError, match="NaN or infinite. It has diverged"):
        list(inference.generate_images(lambda noise, codes: generate(noise, codes) / 0.0, noise, codes))
