"""Progressive growing: real images reduced to match generated ones, and steps at a lower resolution."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.core.images import upsample
from ssgan_tf.core.schedule import Phase, Schedule, Segment
from ssgan_tf.models.progressive import fade_at, shrink


def test_fade_rises_from_zero_to_one_over_its_segment():
    segment = Segment(Phase(16), True, 10, 20)
    values = [float(fade_at(segment, tf.constant(step, tf.int64))) for step in (10, 15, 19)]
    assert values == pytest.approx([0, 0.5, 0.9])
    assert fade_at(Segment(Phase(16), False, 10, 20), tf.constant(15)) is None


def test_shrink_takes_means_and_fades_the_finest_detail():
    x = np.random.default_rng(0).normal(size=[2, 16, 16, 3])
    fine = x.reshape(2, 8, 2, 8, 2, 3).mean(axis=(2, 4))
    coarse = fine.reshape(2, 4, 2, 4, 2, 3).mean(axis=(2, 4)).repeat(2, axis=1).repeat(2, axis=2)
    images = tf.constant(x)
    np.testing.assert_allclose(shrink(images, 8, None), fine, atol=1e-12)
    np.testing.assert_allclose(shrink(images, 8, 0.0), coarse, atol=1e-12)
    np.testing.assert_allclose(shrink(images, 8, 0.25), 0.25 * fine + 0.75 * coarse, atol=1e-12)
    np.testing.assert_array_equal(shrink(images, 16, None), x)


@pytest.fixture
def make_growing(make, network):
    return lambda: make(network=dataclasses.replace(network, resolution=16))


PHASES = (Phase(8, images=12, batch=6, labeled_batch=3), Phase(16, fade_images=12, batch=6, labeled_batch=3))
SEGMENTS = Schedule(PHASES).segments


def full_size(batch):
    """Doubles the batch to 16x16, so that shrinking restores the original."""
    return {k: upsample(v) if k.endswith("image") else v for k, v in batch.items()}


def test_the_first_segment_trains_the_lower_blocks_alone(make_growing, batch):
    model = make_growing()
    model.set_segment(SEGMENTS[0])
    assert model.phase_label == "8x8"
    upper = [model.generator.synthesis.blocks[2], model.generator.synthesis.to_rgb[2], model.discriminator.blocks[1]]
    lower = [model.generator.synthesis.to_rgb[1], model.discriminator.from_rgb[1], model.discriminator.blocks[0]]
    before = [[v.numpy() for v in part.variables] for part in upper + lower]
    model.train_step(full_size(batch))
    changed = [
        any(np.any(v.numpy() != old) for v, old in zip(part.variables, olds, strict=True))
        for part, olds in zip(upper + lower, before, strict=True)
    ]
    assert changed == [False] * 3 + [True] * 3
    assert model.sample(tf.zeros([1, 8]), tf.zeros([1, 3])).shape == (1, 8, 8, 3)


def test_at_the_start_of_a_fade_the_losses_are_unchanged(make_growing, batch):
    """At fade 0 the new blocks have no effect on real, generated and MixUp images."""
    before, fading = make_growing(), make_growing()
    for model, segment in ((before, SEGMENTS[0]), (fading, SEGMENTS[1])):
        model.set_segment(segment)
        model.step.assign(SEGMENTS[1].start)
    assert fading.phase_label == "16x16 fading in"
    logs, expected = fading.train_step(full_size(batch)), before.train_step(full_size(batch))
    for name in ("adversarial", "supervised", "smoothness"):  # R1 has four pixels where there was one
        key = f"discriminator/{name}"
        assert float(logs[key]) == pytest.approx(float(expected[key]), rel=1e-4)


def test_a_new_segment_makes_keras_trace_again(make_growing):
    model = make_growing()
    model.set_segment(SEGMENTS[0])
    model.train_function = before = object()
    model.set_segment(SEGMENTS[0])
    assert model.train_function is before
    model.set_segment(SEGMENTS[1])
    assert model.train_function is None
