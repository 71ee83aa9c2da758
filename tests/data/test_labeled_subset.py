"""Choice of the labelled subset: its size, its seed, and the shares of a stratified subset."""

import numpy as np
import pytest

from ssgan_tf import data
from ssgan_tf.data import labeled_subset
from tests.support import fakes


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> data.FactorDataset:
    return data.load(fakes.DATASET, str(fakes.prepare(tmp_path_factory.mktemp("data"))))


@pytest.mark.parametrize(
    ("images", "fraction", "count"),
    [(31_104, 0.025, 778), (737_280, 0.001, 737), (100, 0.0, 0), (100, 0.001, 1), (100, 1.0, 100)],
)
def test_size_of_the_labeled_subset(images, fraction, count):
    rows = labeled_subset.choose_labeled(np.zeros([images, 2], int), fraction, seed=0)
    assert len(rows) == len(set(rows)) == count
    assert list(rows) == sorted(rows)
    assert count == 0 or 0 <= rows[0] and rows[-1] < images


def test_the_seed_decides_which_images_are_labeled():
    factors = np.zeros([1000, 2], int)
    rows = labeled_subset.choose_labeled(factors, 0.05, seed=3)
    assert np.array_equal(rows, labeled_subset.choose_labeled(factors, 0.05, seed=3))
    assert len(set(rows) & set(labeled_subset.choose_labeled(factors, 0.05, seed=4))) < 20


def test_the_rows_that_seeds_choose_stay_the_same() -> None:
    factors = np.stack([axis.ravel() for axis in np.indices((4, 24, 183))], axis=1)  # runs resume with them
    chosen = [labeled_subset.choose_labeled(factors, 8 / len(factors), 3, stratified) for stratified in (False, True)]
    assert chosen[0].tolist() == [2649, 4447, 5996, 7152, 7509, 10172, 13571, 17178]
    assert chosen[1].tolist() == [534, 2348, 6137, 6242, 11204, 11560, 14288, 16697]


def test_every_image_can_be_chosen():
    chosen = {int(r) for seed in range(200) for r in labeled_subset.choose_labeled(np.zeros([20, 1], int), 0.2, seed)}
    assert chosen == set(range(20))


def test_only_images_with_a_known_label_are_chosen(dataset):
    some = (dataset.factors != -1).any(axis=1)
    assert not some.all()
    assert np.array_equal(labeled_subset.choose_labeled(dataset.factors, 1.0, 0), np.flatnonzero(some))
    assert some[labeled_subset.choose_labeled(dataset.factors, 0.5, 0)].all()
    # One known label is enough: some rows lack the hue.
    assert (dataset.factors[labeled_subset.choose_labeled(dataset.factors, 1.0, 0)] == -1).any()


def test_a_labeled_fraction_needs_labels():
    unknown = np.full([10, 2], -1)
    with pytest.raises(ValueError, match="^data.labeled_fraction: no image has a label"):
        labeled_subset.choose_labeled(unknown, 0.5, 0)
    assert len(labeled_subset.choose_labeled(unknown, 0.0, 0)) == 0


def test_a_stratified_subset_gives_every_value_its_share() -> None:
    rng = np.random.default_rng(0)
    factors = np.stack([rng.integers(0, size, 20_000) for size in (3, 5, 40)], axis=1)
    factors[:, 1] = np.minimum(factors[:, 1], rng.integers(0, 5, 20_000))  # frequencies differ
    rows = labeled_subset.choose_labeled(factors, 0.02, seed=0, stratified=True)
    assert len(set(rows)) == 400 and np.all(np.diff(rows) > 0)
    uniform = labeled_subset.choose_labeled(factors, 0.02, seed=0)
    for k in range(3):
        share = np.bincount(factors[:, k]) / 20_000 * 400
        error = np.abs(np.bincount(factors[rows, k], minlength=len(share)) - share).max()
        by_chance = np.abs(np.bincount(factors[uniform, k], minlength=len(share)) - share).max()
        assert error < 1 and by_chance > 5
    assert np.array_equal(rows, labeled_subset.choose_labeled(factors, 0.02, seed=0, stratified=True))
    assert not np.array_equal(rows, labeled_subset.choose_labeled(factors, 0.02, seed=1, stratified=True))


def test_a_stratified_subset_has_every_value_it_can_have() -> None:
    factors = np.stack([axis.ravel() for axis in np.indices((4, 24, 183))], axis=1)  # Cars3D
    rows = labeled_subset.choose_labeled(factors, 190 / len(factors), seed=0, stratified=True)
    assert [len(np.unique(factors[rows, k])) for k in range(3)] == [4, 24, 183]
    rare = (np.random.default_rng(0).random((20_000, 1)) < 0.005).astype(int)
    rows = labeled_subset.choose_labeled(rare, 0.05, seed=2, stratified=True)
    assert rare[rows].sum() in (round(1000 * rare.mean()) - 1, round(1000 * rare.mean()), round(1000 * rare.mean()) + 1)


def test_a_stratified_subset_of_partly_labelled_images() -> None:
    factors = np.full([100, 2], -1)
    factors[:30, 0] = np.arange(30) % 3
    factors[20:40, 1] = np.arange(20) % 2
    rows = labeled_subset.choose_labeled(factors, 0.1, seed=0, stratified=True)
    assert len(rows) == 10 and (factors[rows] != -1).any(axis=1).all()
    assert len(labeled_subset.choose_labeled(factors, 1.0, seed=0, stratified=True)) == 40
