"""Held-out images: a share and combinations, the same for every run, and never in a batch of training."""

import dataclasses

import numpy as np
import pytest

from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.core.schedule import Phase, Schedule
from ssgan_tf.data import DataOptions, FactorDataset, pipeline
from ssgan_tf.data.held_out import choose_held_out, choose_held_out_labels, load_for
from ssgan_tf.data.labeled_subset import choose_labeled
from tests.support import fakes

SPEC = CodeSpec((FactorSpec("shape", 3, ("cube", "ball", "ring")), FactorSpec("hue", 5)))
FACTORS = np.stack(np.meshgrid(range(3), range(5), range(10), indexing="ij"), axis=-1).reshape(-1, 3)[:, :2].copy()
FACTORS[7, 0] = -1


def test_a_share_is_random_nested_and_always_the_same():
    rows = choose_held_out(FACTORS, SPEC, 0.2)
    assert len(rows) == len(set(rows)) == 30 and list(rows) == sorted(rows)
    assert np.array_equal(rows, choose_held_out(FACTORS[::-1], SPEC, 0.2))  # labels do not matter
    assert set(choose_held_out(FACTORS, SPEC, 0.1)) < set(rows)
    assert 40 < np.mean(rows) < 110, "not the first or the last images"
    assert not len(choose_held_out(FACTORS, SPEC))


@pytest.mark.parametrize(
    ("combination", "expected"),
    [
        ("shape=cube", lambda shape, hue: shape == 0),
        ("hue=3", lambda shape, hue: hue == 3),
        ("hue=1..3", lambda shape, hue: (1 <= hue) & (hue <= 3)),
        ("shape=ring + hue=0..1", lambda shape, hue: (shape == 2) & (hue <= 1)),
        ("shape=1+hue=4", lambda shape, hue: (shape == 1) & (hue == 4)),
    ],
)
def test_a_combination_holds_out_all_its_images(combination, expected):
    rows = choose_held_out(FACTORS, SPEC, 0.0, [combination])
    assert np.array_equal(rows, np.flatnonzero(expected(*FACTORS.T)))


def test_share_and_combinations_add_up():
    both = choose_held_out(FACTORS, SPEC, 0.2, ["hue=0", "shape=ring+hue=1"])
    matching = (FACTORS[:, 1] == 0) | (FACTORS == [2, 1]).all(axis=1)
    assert set(both) == {*choose_held_out(FACTORS, SPEC, 0.2), *np.flatnonzero(matching)}


@pytest.mark.parametrize(
    ("combination", "message"),
    [
        ("cube", "expected factors and values such as shape=0.*Received: 'cube'"),
        ("", "expected factors and values such as shape=0.*Received: ''"),
        ("shaep=cube", "Did you mean 'shape'|shape"),
        ("shape=cone", "shape: expected a label from 0 to 2, a range such as 0..1 or one of cube, ball, ring.*'cone'"),
        ("hue=5", "hue: expected a label from 0 to 4, a range such as 0..1. Received: '5'"),
        ("hue=-1", "Received: '-1'"),
        ("hue=3..1", r"Received: '3\.\.1'"),
        ("hue=1..x", r"Received: '1\.\.x'"),
        ("hue=0..4", "expected at least one image that is left for training"),
    ],
)
def test_bad_combinations_are_refused(combination, message):
    with pytest.raises(ValueError, match=message):
        choose_held_out(np.maximum(FACTORS, 0), SPEC, 0.0, [combination])


def test_a_combination_without_images_is_refused():
    with pytest.raises(ValueError, match="no image has the combination. Received: 'shape=1"):
        choose_held_out(FACTORS[:50], SPEC, 0.0, ["shape=1+hue=1"])


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory) -> str:
    return str(fakes.prepare(tmp_path_factory.mktemp("data")))


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(ValueError, match="held_out: expected a number in"):
        DataOptions(held_out=share)


def test_training_never_sees_them(data_dir):
    options = DataOptions(dataset=fakes.DATASET, held_out=0.25, held_out_combinations=("hue=0",))
    dataset = load_for(options, data_dir)
    hue = dataset.factors[:, dataset.spec.names.index("hue")]
    assert len(dataset.held_out) > 15 and set(np.flatnonzero(hue == 0)) <= set(dataset.held_out)
    labeled = choose_labeled(dataset.factors, 0.5, 0, excluded=dataset.kept_for_scores)
    assert len(labeled) == round(0.5 * len(dataset.training_rows)) and not set(labeled) & set(dataset.held_out)
    segment = Schedule((Phase(batch=8, labeled_batch=4),)).segments[0]
    used = {"image": set(), "labeled_image": set()}
    for batch in pipeline.batches(dataset, labeled, segment, seed=0).take(30).as_numpy_iterator():
        for name, seen in used.items():
            seen |= set(fakes.row_numbers(batch[name]))
    numbers = fakes.row_numbers(dataset.images)
    assert used["image"] == {numbers[row] for row in dataset.training_rows}
    assert used["labeled_image"] == {numbers[row] for row in labeled}


def test_without_held_out_images_nothing_changes(data_dir):
    dataset = load_for(DataOptions(dataset=fakes.DATASET), data_dir)
    assert not len(dataset.held_out) and np.array_equal(dataset.training_rows, np.arange(len(dataset)))
    assert dataclasses.replace(dataset, held_out=np.array([3])).training_rows.tolist()[:4] == [0, 1, 2, 4]


# --- Held-out labels.


def make_labeled(count: int, labeled: int) -> FactorDataset:
    """Returns noise images; the first `labeled` ones have a shape, and every second one of these a hue."""
    rng = np.random.default_rng(5)
    factors = np.stack([rng.integers(0, 3, count), rng.integers(0, 5, count)], axis=1)
    factors[labeled:] = factors[1:labeled:2, 1] = -1
    factors[labeled:] = -1
    return FactorDataset("fake/noise", rng.integers(0, 256, [count, 4, 4, 3], np.uint8), factors, SPEC)


@pytest.mark.parametrize(("labeled", "least", "most"), [(1000, 160, 240), (100, 20, 30), (30, 6, 12)])
def test_about_a_fifth_of_the_labelled_images_is_held_out(labeled, least, most):
    rows = choose_held_out_labels(make_labeled(1500, labeled), 0.2)
    assert least <= len(rows) <= most and max(rows) < labeled and list(rows) == sorted(set(rows))


def test_every_value_of_five_images_has_one():
    dataset = make_labeled(300, 200)
    rows = choose_held_out_labels(dataset, 0.01)
    for k in range(2):
        assert set(dataset.factors[rows, k]) >= {
            v for v in range(SPEC.sizes[k]) if (dataset.factors[:, k] == v).sum() > 4
        }


def test_the_same_images_stay_held_out_when_labels_and_images_are_added_or_reordered():
    small = make_labeled(1500, 1000)
    before = {small.images[row].tobytes() for row in choose_held_out_labels(small, 0.2)}
    order = np.random.default_rng(1).permutation(1500)
    more = make_labeled(1500, 1400)
    more = dataclasses.replace(more, images=more.images[order], factors=more.factors[order])
    after = {more.images[row].tobytes() for row in choose_held_out_labels(more, 0.2)}
    assert before < after


def test_held_out_images_and_labels_are_apart_and_no_labels_of_either_are_used():
    held_out = np.arange(0, 500, 2)
    dataset = dataclasses.replace(make_labeled(1500, 1000), held_out=held_out)
    rows = choose_held_out_labels(dataset, 0.2)
    assert not set(rows) & set(held_out)
    dataset = dataclasses.replace(dataset, held_out_labels=rows)
    labeled = choose_labeled(dataset.factors, 1.0, 0, excluded=dataset.kept_for_scores)
    assert set(labeled) == set(range(1000)) - set(rows) - set(held_out)
    assert set(rows) <= set(dataset.training_rows), "the images stay in training"


def test_without_a_share_or_labels_none_is_held_out():
    assert not len(choose_held_out_labels(make_labeled(300, 200), 0.0))
    assert not len(choose_held_out_labels(make_labeled(300, 0), 0.2))
