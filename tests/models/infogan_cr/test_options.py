"""InfoGAN-CR: options, contrastive pairs, and the schedule of the contrastive loss."""

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.models.infogan_cr.options import ContrastiveSchedule, InfoGANCROptions, sample_apart, sample_pairs


@pytest.mark.parametrize("gap", [0.0, 0.5, 1.9, 2.0])
def test_pairs_share_one_code_and_the_noise(gap):
    pairs = sample_pairs(4000, 5, 3, gap, tf.constant([1, 2]))
    first, second, shared = pairs.first.numpy(), pairs.second.numpy(), pairs.shared.numpy()
    assert first.shape == second.shape == (4000, 5) and pairs.noise.shape == [4000, 3]
    column = np.eye(5, dtype=bool)[shared]
    np.testing.assert_array_equal(first[column], second[column])  # bit by bit
    apart = np.abs(first - second)[~column]
    assert apart.min() >= gap - 1e-6
    for values in (first, second, pairs.noise.numpy()):
        assert np.abs(values).max() <= 1
    assert np.bincount(shared, minlength=5).min() > 700  # 800 on average
    # The shared code is uniform for any gap.
    assert first[column].mean() == pytest.approx(0, abs=0.05) and first[column].var() == pytest.approx(1 / 3, abs=0.02)


def test_without_a_gap_codes_that_are_not_shared_are_independent_and_uniform():
    pairs = sample_pairs(20_000, 4, 1, 0.0, tf.constant([1, 3]))
    column = np.eye(4, dtype=bool)[pairs.shared]
    a, b = pairs.first.numpy()[~column], pairs.second.numpy()[~column]
    assert np.any(a != b) and abs(np.corrcoef(a, b)[0, 1]) < 0.02
    for values in (a, b):
        assert np.abs(np.histogram(values, 10, (-1, 1))[0] / len(values) - 0.1).max() < 0.01
    assert (a > b).mean() == pytest.approx(0.5, abs=0.02)


def test_with_a_gap_the_distribution_is_the_published_one():
    """With u, v ~ U(-1 + a/2, 1 - a/2), each moved by a/2, the difference is a + |u - v|."""
    gap = 0.8
    a, b = (x.numpy() for x in sample_apart([50_000], gap, tf.constant([1, 4])))
    difference = np.abs(a - b)
    width = 2 - gap
    assert difference.mean() == pytest.approx(gap + width / 3, abs=0.01)
    middle = (a + b) / 2
    assert middle.var() == pytest.approx(width**2 / 24, rel=0.03)
    assert (a > b).mean() == pytest.approx(0.5, abs=0.01)  # either one is larger with equal probability


def test_samples_are_a_function_of_the_seed():
    one, same, other = (sample_pairs(8, 5, 3, 0.1, tf.constant([1, i])) for i in (5, 5, 6))
    for a, b, c in zip(one, same, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert np.any(a != c)


@pytest.mark.parametrize(
    ("schedule", "events", "alpha", "gap"),
    [
        # At 0, 99, 100, 199, 200 and 1000 images.
        ((3.0, 100, 1.9, 200), [0, 0, 1, 1, 2, 2], [0, 0, 3, 3, 3, 3], [1.9, 1.9, 1.9, 1.9, 0, 0]),  # teapots
        ((2.0, 200, 0.0, 0), [0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 2, 2], [0] * 6),  # dSprites
        ((2.0, 0, 1.0, 0), [0] * 6, [2] * 6, [1] * 6),  # from the start, without an end
        ((0.0, 100, 0.0, 100), [0] * 6, [0] * 6, [0] * 6),  # InfoGAN
        ((1.0, 100, 1.0, 100), [0, 0, 2, 2, 2, 2], [0, 0, 1, 1, 1, 1], [1, 1, 0, 0, 0, 0]),  # both at once
    ],
)
def test_events_by_hand(schedule, events, alpha, gap):
    schedule = ContrastiveSchedule(*schedule)
    images = [tf.constant(n, tf.int64) for n in (0, 99, 100, 199, 200, 1000)]
    assert [int(schedule.count_events(n)) for n in images] == events
    np.testing.assert_allclose([schedule.alpha_at(n) for n in images], alpha)
    np.testing.assert_allclose([schedule.gap_at(n) for n in images], gap)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"family": "mnist"}, "^family: expected one of \\['dsprites', 'celeba'\\]. Received: 'mnist'"),
        ({"resolution": 48}, "^resolution: expected one of .* for the family 'dsprites'. Received: 48"),
        ({"family": "celeba", "resolution": 64}, "^resolution: expected one of \\(32,\\) for the family 'celeba'"),
        ({"channels": 2}, "^channels: expected 1 .* Received: 2"),
        ({"codes": 1}, "^codes: expected 2 or more. Received: 1"),
        ({"noise_size": -1}, "^noise_size: expected 0 or more"),
        ({"generator_updates": 0}, "^generator_updates: expected 1 or more"),
        ({"lambda_g": -1.0}, "^lambda_g: expected 0 or more. Received: -1.0"),
        ({"lambda_d": float("nan")}, "^lambda_d: expected 0 or more. Received: nan"),
        ({"cr_alpha": -1.0}, "^cr_alpha: expected 0 or more"),
        ({"cr_after_images": -1}, "^cr_after_images: expected 0 or more"),
        ({"gap": 2.1}, r"^gap: expected a number in \[0, 2\]. Received: 2.1"),
        ({"gap_after_images": -5}, "^gap_after_images: expected 0 or more"),
        ({"discriminator_rate": 0.0}, "^discriminator_rate: expected a positive number. Received: 0.0"),
        ({"cr_rate": -1.0}, "^cr_rate: expected a positive number"),
        ({"beta_1": 1.0}, "^beta_1: expected a number in"),
    ],
)
def test_errors_name_the_option(options, message):
    with pytest.raises(ValueError, match=message):
        InfoGANCROptions(**options)


def test_labels_are_refused():
    InfoGANCROptions().check_labels(0.0)
    with pytest.raises(ValueError, match="^data.labeled_fraction: expected 0 for a method that uses no labels"):
        InfoGANCROptions().check_labels(0.1)
