"""Progressive growing: the schedule, real images shrunk as generated ones are, and steps at a lower resolution."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.models.growing import Segment, make_segments, segment_at, shrink
from ssgan_tf.networks import layers


def test_the_published_schedule():
    """Half a phase at 8x8; then per resolution half a phase fading and half steady; the last one stays."""
    # 640 images a phase, 32 a step: half a phase is 10 steps.
    assert make_segments(8, 32, phase_images=640, batch=32) == [
        Segment(8, False, 0, 10),
        Segment(16, True, 10, 20),
        Segment(16, False, 20, 30),
        Segment(32, True, 30, 40),
        Segment(32, False, 40, None),
    ]


def test_without_growing_there_is_one_segment():
    assert make_segments(64, 64, phase_images=640, batch=32) == [Segment(64, False, 0, None)]


def test_a_phase_shorter_than_a_batch_still_has_a_step():
    assert make_segments(8, 16, phase_images=1, batch=64)[0] == Segment(8, False, 0, 1)


def test_every_step_belongs_to_one_segment():
    segments = make_segments(8, 32, phase_images=640, batch=32)
    at = [segments.index(segment_at(segments, step)) for step in (0, 9, 10, 19, 20, 29, 30, 39, 40, 10**9)]
    assert at == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_fade_rises_from_zero_to_one_over_its_segment():
    segment = Segment(16, True, 10, 20)
    values = [float(segment.fade(tf.constant(step, tf.int64))) for step in (10, 15, 19)]
    assert values == pytest.approx([0, 0.5, 0.9])
    assert Segment(16, False, 10, 20).fade(tf.constant(15)) is None


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
    return lambda: make(network=dataclasses.replace(network, resolution=16), grow_from=8, phase_images=24)


def full_size(batch):
    """The batch at 16x16: doubled, so that shrinking gives the original back."""
    return {k: layers.upsample(v) if k.endswith("image") else v for k, v in batch.items()}


def test_the_first_segment_trains_the_lower_blocks_alone(make_growing, batch):
    model = make_growing()
    model.enter(model.segments(6)[0])
    assert model.stage == "8x8"
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


def test_at_the_start_of_a_fade_d_sees_what_it_saw_before(make_growing, batch):
    """Fade 0: the new blocks have no say, in real, generated and mixed images alike."""
    before, fading = make_growing(), make_growing()
    segments = before.segments(6)
    for model, segment in ((before, segments[0]), (fading, segments[1])):
        model.enter(segment)
        model.step.assign(segments[1].start)
    assert fading.stage == "16x16 fading in"
    logs, expected = fading.train_step(full_size(batch)), before.train_step(full_size(batch))
    for name in ("adversarial", "supervised", "smoothness"):  # R1 counts four pixels for each of before
        key = f"discriminator/{name}"
        assert float(logs[key]) == pytest.approx(float(expected[key]), rel=1e-4)


def test_entering_a_segment_makes_keras_trace_anew(make_growing):
    model = make_growing()
    segments = model.segments(6)
    model.enter(segments[0])
    model.train_function = before = object()
    model.enter(segments[0])
    assert model.train_function is before
    model.enter(segments[1])
    assert model.train_function is None
