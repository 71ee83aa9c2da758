"""Phases, and the steps of a schedule."""

import dataclasses

import pytest

from ssgan_tf.core.schedule import BATCHES_1_GPU, PUBLISHED_LENGTHS, Phase, Schedule, Segment, progressive


def test_the_published_schedule():
    """Half a phase at 8x8, then one for each resolution; the last one gets the rest of the run."""
    phases = progressive(1024, 1_280_000)
    assert [p.resolution for p in phases] == [8, 16, 32, 64, 128, 256, 512, 1024]
    assert [p.images for p in phases] == [640_000, *[1_280_000] * 6, 0]
    assert [p.fade_images for p in phases] == [0, *[640_000] * 7]
    assert [p.batch for p in phases] == [256, 128, 64, 32, 32, 32, 32, 32]
    assert [p.learning_rate for p in phases] == [0.001, 0.001, 0.001, 0.001, 0.0015, 0.002, 0.003, 0.003]
    assert all(p.fresh_optimizers and p.labeled_batch == p.batch for p in phases)
    alone = progressive(1024, 1_280_000, BATCHES_1_GPU)
    assert [p.batch for p in alone] == [128, 128, 64, 32, 16, 8, 4, 4]


@pytest.mark.parametrize(
    ("name", "resolution", "phase", "total", "last"),
    [("dsprites", 64, 2_220_000, 44_400_000, 38_850_000), ("isaac3d", 512, 1_480_000, 29_600_000, 21_460_000),
     ("falcor3d", 1024, 1_280_000, 25_600_000, 17_280_000), ("ffhq", 256, 1_200_000, 25_000_000, 19_600_000)],
)  # fmt: skip
def test_the_last_resolution_gets_the_published_rest(name, resolution, phase, total, last):
    length = PUBLISHED_LENGTHS[name]
    assert length == (phase, total)
    assert length.total - sum(p.images for p in progressive(resolution, length.phase)) == last


GROWING = (
    Phase(8, images=80, batch=8, labeled_batch=4, learning_rate=0.1),
    Phase(16, images=80, fade_images=40, batch=4, labeled_batch=1),
    Phase(32, fade_images=6, batch=2, labeled_batch=2),
)


def test_segments():
    one, two, three = GROWING
    assert Schedule(GROWING).segments == (
        Segment(one, False, 0, 10, 0, 0, 0),
        Segment(two, True, 10, 20, 10, 80, 40),
        Segment(two, False, 20, 30, 10, 120, 50),
        Segment(three, True, 30, 33, 30, 160, 60),
        Segment(three, False, 33, None, 30, 166, 66),
    )


def test_every_step_belongs_to_one_segment():
    schedule = Schedule(GROWING)
    at = [schedule.segments.index(schedule.at(step)) for step in (0, 9, 10, 19, 20, 29, 30, 32, 33, 10**9)]
    assert at == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_images_and_steps_are_inverse_to_each_other():
    schedule = Schedule(GROWING)
    assert [schedule.images(step) for step in (0, 1, 10, 11, 30, 31, 33, 40)] == [0, 8, 80, 84, 160, 162, 166, 180]
    for step in range(50):
        assert schedule.steps(schedule.images(step)) == step
        assert schedule.steps(schedule.images(step) + 1) == step + 1
    assert [schedule.at(step).labeled(step) for step in (9, 10, 12, 31, 40)] == [36, 40, 42, 62, 80]


def test_without_growing_there_is_one_segment():
    (segment,) = Schedule((Phase(),)).segments
    assert (segment.fading, segment.start, segment.end) == (False, 0, None)


def test_a_length_below_one_batch_still_has_a_step():
    phases = (Phase(8, images=1, batch=64), Phase(16, fade_images=1, batch=64))
    assert [s.start for s in Schedule(phases).segments] == [0, 1, 2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"resolution": -1}, "^resolution: expected 0 or more. Received: -1"),
        ({"images": -1}, "^images: expected 0 or more"),
        ({"images": 5, "fade_images": 6}, "^fade_images: expected at most the phase's 5 images. Received: 6"),
        ({"batch": 0}, "^batch: expected 1 image or more. Received: 0"),
        ({"labeled_batch": 33}, "^labeled_batch: expected 1 to batch=32 images .* Received: 33"),
        ({"labeled_batch": 0}, "^labeled_batch: expected 1 to batch=32"),
        ({"learning_rate": 0.0}, "^learning_rate: expected a positive number. Received: 0.0"),
        ({"decay_images": -1}, "^decay_images: expected 0 or more"),
    ],
)
def test_a_phase_out_of_range(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(Phase(), **change)


@pytest.mark.parametrize(
    ("phases", "message"),
    [
        ((), "^phases: expected one or more"),
        ((Phase(8), Phase(16)), "^phases.0.images: expected 1 or more before the last phase. Received: 0"),
        ((Phase(8, images=9),), r"^phases.0.images: expected 0 \(the rest of the run\) in the last phase. Received: 9"),
        ((Phase(8, images=9), Phase(32)), "^phases.1.resolution: expected 8 or 16 after a phase at 8. Received: 32"),
        ((Phase(8, images=9), Phase(8, fade_images=5)), "^phases.1.fade_images: expected 0, since no phase at half"),
        ((Phase(8, fade_images=5),), "^phases.0.fade_images: expected 0"),
    ],
)
def test_phases_that_do_not_fit_each_other(phases, message):
    with pytest.raises(ValueError, match=message):
        Schedule(phases)
