"""Training batches are a function of (seed, step) alone, for any number of replicas."""

import itertools
from itertools import islice

import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import chisquare

from ssgan_tf import data
from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.core.schedule import Phase, Schedule
from ssgan_tf.data import labeled_subset, pipeline
from tests.support import fakes


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> data.FactorDataset:
    return data.load(fakes.DATASET, str(fakes.prepare(tmp_path_factory.mktemp("data"))))


# --- Row numbers.


@pytest.mark.parametrize(("count", "batch"), [(60, 8), (10, 10), (7, 3), (3, 8), (1, 4)])
def test_each_epoch_is_a_permutation(count, batch):
    stream = pipeline.ShuffledRows(np.arange(100, 100 + count), [5])
    drawn = np.concatenate([stream.at(step * batch, batch) for step in range(4 * count)])
    epochs = drawn.reshape(-1, count)
    assert len(epochs) >= 4
    assert (np.sort(epochs, axis=1) == np.arange(100, 100 + count)).all()
    if count > 3:
        assert not (epochs[0] == epochs[1]).all()


def test_rows_are_a_function_of_seed_and_position():
    rows = np.arange(23)
    continued = pipeline.ShuffledRows(rows, [1, 2])
    there = [continued.at(5 * step, 5) for step in range(30)]
    for step in (29, 3, 17, 4):  # in any order, from a used stream and from a new one
        assert np.array_equal(continued.at(5 * step, 5), there[step])
        assert np.array_equal(pipeline.ShuffledRows(rows, [1, 2]).at(5 * step, 5), there[step])
    assert any((pipeline.ShuffledRows(rows, [2, 2]).at(5 * step, 5) != there[step]).any() for step in range(3))
    assert any((pipeline.ShuffledRows(rows, [1, 3]).at(5 * step, 5) != there[step]).any() for step in range(3))


# --- Batches.


SEGMENT = Schedule((Phase(batch=8, labeled_batch=4),)).segments[0]


def take(endless: tf.data.Dataset, count: int) -> list[dict[str, np.ndarray]]:
    return list(islice(endless.as_numpy_iterator(), count))


def is_equal(first: dict, second: dict) -> bool:
    return first.keys() == second.keys() and all(np.array_equal(first[k], second[k]) for k in first)


@pytest.fixture(scope="module")
def labeled_rows(dataset):
    return labeled_subset.choose_labeled(dataset.factors, 0.25, 0)


def test_contents_of_a_batch(dataset, labeled_rows):
    labeled = set(fakes.row_numbers(dataset.images[labeled_rows]))
    _, labels = fakes.arrays()
    seen_unknown = False
    for batch in take(pipeline.batches(dataset, labeled_rows, SEGMENT, seed=0), 20):
        assert {k: (v.shape, v.dtype) for k, v in batch.items()} == {
            "image": ((8, 8, 8, 3), np.float32),
            "labeled_image": ((4, 8, 8, 3), np.float32),
            "labeled_codes": ((4, 3), np.float32),
            "labeled_mask": ((4, 3), np.float32),
        }
        assert -1 <= batch["image"].min() and batch["image"].max() <= 1
        rows = fakes.row_numbers(batch["labeled_image"])
        assert set(rows) <= labeled
        for k, (name, size) in enumerate(sorted(fakes.SIZES.items())):
            known = labels[name][rows] != -1
            seen_unknown |= not known.all()
            assert np.array_equal(batch["labeled_mask"][:, k], known)
            codes = labels[name][rows] / np.float32(size - 1)
            assert np.allclose(batch["labeled_codes"][known, k], codes[known])
            assert (batch["labeled_codes"][~known, k] == 0).all()
    assert seen_unknown


def test_pixels_are_those_on_disk(dataset, labeled_rows):
    images, _ = fakes.arrays()
    (batch,) = take(pipeline.batches(dataset, labeled_rows, SEGMENT, seed=0), 1)
    back = np.rint((batch["image"] + 1) * 127.5).astype(np.uint8)
    assert np.array_equal(back, images[fakes.row_numbers(batch["image"])])


def test_an_epoch_shows_every_image_once_and_the_streams_are_independent(dataset, labeled_rows):
    batches = take(pipeline.batches(dataset, labeled_rows, SEGMENT, seed=0), 15)  # 2 * 60 images, 4 * 15 labelled
    assert sorted(np.concatenate([fakes.row_numbers(b["image"]) for b in batches])) == sorted([*range(60)] * 2)
    labeled = np.concatenate([fakes.row_numbers(b["labeled_image"]) for b in batches])
    assert sorted(labeled) == sorted([*fakes.row_numbers(dataset.images[labeled_rows])] * 4)


def test_without_labels_there_is_no_labeled_stream(dataset):
    (batch,) = take(pipeline.batches(dataset, np.array([], np.int64), SEGMENT, seed=0), 1)
    assert list(batch) == ["image"]


def test_resumed_batches_continue_those_before(dataset, labeled_rows):
    continued = take(pipeline.batches(dataset, labeled_rows, SEGMENT, seed=7), 20)
    resumed = take(pipeline.batches(dataset, labeled_rows, SEGMENT, seed=7, first_step=13), 7)
    assert all(is_equal(a, b) for a, b in zip(continued[13:], resumed, strict=True))
    (other,) = take(pipeline.batches(dataset, labeled_rows, SEGMENT, seed=8), 1)
    for stream in ("image", "labeled_image"):
        assert not np.array_equal(continued[0][stream], other[stream])


@pytest.mark.parametrize("replica_count", [2, 4])
def test_the_batches_of_all_replicas_make_up_the_global_batch(dataset, labeled_rows, replica_count):
    whole = take(pipeline.batches(dataset, labeled_rows, SEGMENT, seed=0, first_step=2), 5)

    def take_parts(replicas: range):
        batches = pipeline.batches(dataset, labeled_rows, SEGMENT, 0, 2, replicas, replica_count)
        return take(batches, 5 * len(replicas))

    together = take_parts(range(replica_count))  # one worker feeds all replicas, element by element
    alone = [take_parts(range(r, r + 1)) for r in range(replica_count)]  # one worker per replica
    for step, batch in enumerate(whole):
        for key, value in batch.items():
            local = together[step * replica_count : (step + 1) * replica_count]
            assert np.array_equal(np.concatenate([part[key] for part in local]), value)
            assert np.array_equal(np.concatenate([parts[step][key] for parts in alone]), value)


def test_a_batch_that_cannot_be_divided_among_the_replicas_is_refused(dataset, labeled_rows):
    with pytest.raises(ValueError, match=r"^phases.0.labeled_batch: expected a multiple of the 8 replicas. .* 4"):
        pipeline.batches(dataset, labeled_rows, SEGMENT, 0, replicas=range(8), replica_count=8)
    with pytest.raises(ValueError, match=r"^phases.0.batch: expected a multiple of the 3 replicas. Received: 8"):
        pipeline.batches(dataset, labeled_rows, SEGMENT, 0, replicas=range(3), replica_count=3)


def sorted_grid() -> data.FactorDataset:
    """Returns a factor grid in the usual order of such data sets, sorted by the first factor."""
    sizes = (4, 6, 10, 20)
    factors = np.stack([axis.ravel() for axis in np.indices(sizes)], axis=1)
    spec = CodeSpec(tuple(FactorSpec(str(k), size) for k, size in enumerate(sizes)))
    return data.FactorDataset("fake/grid", np.zeros([len(factors), 8, 8, 1], np.uint8), factors, spec)


@pytest.mark.parametrize("first_step", [0, 30])
def test_the_first_thousand_images_are_a_random_sample_of_a_sorted_data_set(first_step):
    dataset = sorted_grid()
    stream = pipeline.ShuffledRows(np.arange(len(dataset)), [0, 2])
    rows = np.concatenate([stream.at(20 * (first_step + step), 20) for step in range(50)])
    assert len(set(rows)) == 1000
    for k, size in enumerate(dataset.spec.sizes):
        assert chisquare(np.bincount(dataset.factors[rows, k], minlength=size)).pvalue > 1e-3
    for a, b in itertools.combinations(range(4), 2):
        assert abs(np.corrcoef(dataset.factors[rows, a], dataset.factors[rows, b])[0, 1]) < 0.1
    # There is no trend over the thousand images either.
    assert abs(np.corrcoef(np.arange(1000), dataset.factors[rows, 0])[0, 1]) < 0.1


def test_every_batch_has_labels_at_eta_0_0005():
    dataset = sorted_grid()
    rows = labeled_subset.choose_labeled(dataset.factors, 0.0005, 0)
    assert len(rows) == 2
    seen = []
    for element in pipeline.batches(dataset, rows, SEGMENT, seed=0).take(20):
        assert element["labeled_image"].shape[0] == 4 and np.all(element["labeled_mask"] == 1)
        seen.append(element["labeled_codes"].numpy())
    codes = np.concatenate(seen)
    assert len(np.unique(codes, axis=0)) == 2
    assert np.array_equal(np.sort(codes[:2], axis=0), np.sort(codes[2:4], axis=0)), "each row once before any row again"


def test_a_phase_continues_the_order_of_images_with_its_own_batches_and_resolution(dataset, labeled_rows):
    """Five steps of 8 images at 4x4, each pixel the mean of four, are followed by steps of 6 from position 40 on."""
    phases = (Phase(4, images=40, batch=8, labeled_batch=4), Phase(8, batch=6, labeled_batch=3))
    first, second = Schedule(phases).segments
    all_rows, labeled = pipeline.ShuffledRows(np.arange(60), [0, 2]), pipeline.ShuffledRows(labeled_rows, [0, 3])
    (batch,) = take(pipeline.batches(dataset, labeled_rows, second, seed=0, first_step=6), 1)
    for name, rows in (("image", all_rows.at(46, 6)), ("labeled_image", labeled.at(23, 3))):
        assert np.array_equal(fakes.row_numbers(batch[name]), fakes.row_numbers(dataset.images[rows]))
    (small,) = take(pipeline.batches(dataset, labeled_rows, first, seed=0, first_step=4), 1)
    images = dataset.images[all_rows.at(32, 8)].astype(np.float64) / 127.5 - 1
    np.testing.assert_allclose(small["image"], images.reshape(8, 4, 2, 4, 2, 3).mean(axis=(2, 4)), atol=1e-6)
    assert small["labeled_image"].shape == (4, 4, 4, 3)
