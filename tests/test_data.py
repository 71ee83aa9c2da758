"""Data: what is read from disk, who is labelled, and that batches are a function of (seed, step) alone."""

import shutil
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from ssgan_tf import data
from ssgan_tf.codes import CodeSpec, FactorSpec
from tests import fakes


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory) -> Path:
    return fakes.prepare(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def table(data_dir) -> data.ImageTable:
    return data.load(fakes.DATASET, str(data_dir))


def row_numbers(images) -> np.ndarray:
    """The row that each image says it is (fakes.arrays), of uint8 or float images."""
    corner = np.asarray(images)[:, 0, 0, 0]
    return corner.astype(int) if corner.dtype == np.uint8 else np.rint((corner + 1) * 127.5).astype(int)


# --- Reading.


def test_images_and_labels_are_those_written_and_stay_together(table):
    images, labels = fakes.arrays()
    rows = row_numbers(table.images)
    assert sorted(rows) == list(range(60))
    assert np.array_equal(table.images, images[rows])
    for k, name in enumerate(table.spec.names):
        assert np.array_equal(table.factors[:, k], labels[name][rows])


def test_factors_come_by_alphabet_or_as_named(table, data_dir):
    assert table.spec == CodeSpec((FactorSpec("angle", 5), FactorSpec("hue", 3), FactorSpec("shape", 2)))
    some = data.load(fakes.DATASET, str(data_dir), ["shape", "angle"])
    assert some.spec == CodeSpec((FactorSpec("shape", 2), FactorSpec("angle", 5)))
    assert np.array_equal(some.factors, table.factors[:, [2, 0]])


def test_a_second_load_has_the_same_order(table, data_dir):
    # Resuming means nothing otherwise: row numbers are all that a batch is made of.
    assert np.array_equal(data.load(fakes.DATASET, str(data_dir)).images, table.images)


def test_the_newest_version_is_read_unless_one_is_named(data_dir, tmp_path):
    folder = tmp_path / fakes.DATASET
    for version in ("1.0.0", "1.9.0", "1.10.0"):
        shutil.copytree(data_dir / fakes.DATASET / "1.0.0", folder / version)
        info = folder / version / "dataset_info.json"
        info.write_text(info.read_text().replace('"1.0.0"', f'"{version}"'))
    (folder / "2.0.0.incompleteXYZ").mkdir()
    (folder / "3.0.0").mkdir()  # nothing in it
    assert str(data.open_builder(fakes.DATASET, str(tmp_path)).version) == "1.10.0"
    assert str(data.open_builder(fakes.DATASET + "/1.9.0", str(tmp_path)).version) == "1.9.0"


@pytest.mark.parametrize(
    ("dataset", "command"),
    [
        ("scene3d/demo", "tfds build tfds_builders/scene3d --config=demo --data_dir=DIR"),
        ("scene3d/demo/1.0.0", "tfds build tfds_builders/scene3d --config=demo --data_dir=DIR"),
        ("plain", "tfds build tfds_builders/plain --data_dir=DIR"),
    ],
)
def test_a_data_set_that_is_not_prepared_comes_with_the_command(dataset, command, tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        data.load(dataset, str(tmp_path))
    assert str(error.value).startswith(f"data.dataset: {dataset!r} is not prepared in {str(tmp_path)!r}")
    assert str(error.value).endswith(command.replace("DIR", str(tmp_path)))


def test_an_unknown_factor_is_named_with_the_nearest(data_dir):
    with pytest.raises(ValueError, match=r"^data.factors: .*'angle', 'hue', 'shape'.*'shap'. Did you mean 'shape'\?"):
        data.load(fakes.DATASET, str(data_dir), ["hue", "shap"])


def test_a_data_set_larger_than_the_memory_allowed_is_refused_before_it_is_decoded(data_dir, monkeypatch):
    monkeypatch.setattr(np, "empty", lambda *_: pytest.fail("decoding began"))
    gib = 60 * 8 * 8 * 3 / 2**30
    with pytest.raises(MemoryError, match=r"^data.memory_gib: fake/tiny needs 0.0 GiB for 60 images of \(8, 8, 3\)"):
        data.load(fakes.DATASET, str(data_dir), memory_gib=0.99 * gib)
    data.inspect(fakes.DATASET, str(data_dir), memory_gib=1.01 * gib)


def test_a_truncated_file_is_an_error_and_no_garbage(data_dir, tmp_path):
    shutil.copytree(data_dir / "fake", tmp_path / "fake")
    (file,) = (tmp_path / fakes.DATASET / "1.0.0").glob("*tfrecord*")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(OSError, match=r"^data.dataset: 'fake/tiny' in .* is damaged after \d+ of 60 images") as error:
        data.load(fakes.DATASET, str(tmp_path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("features", "split", "message"),
    [
        ({"image": tfds.features.Image(shape=(8, 8, 3))}, "train", "has no `factors`"),
        ({"factors": {"a": tfds.features.ClassLabel(num_classes=2)}}, "train", "needs a feature `image`"),
        (
            {"image": tfds.features.Image(), "factors": {"a": tfds.features.ClassLabel(num_classes=2)}},
            "train",
            "uint8 of one size",
        ),
        (
            {"image": tfds.features.Image(shape=(8, 8, 3)), "factors": {"a": tfds.features.ClassLabel(num_classes=2)}},
            "test",
            "has no split `train`",
        ),
    ],
)
def test_a_data_set_of_another_schema_is_refused(features, split, message, tmp_path):
    folder = tmp_path / "other" / "1.0.0"
    folder.mkdir(parents=True)
    (folder / f"other-{split}.tfrecord-00000-of-00001").touch()
    tfds.folder_dataset.write_metadata(
        data_dir=folder,
        features=tfds.features.FeaturesDict(features),
        check_data=False,
        split_infos=[
            tfds.core.SplitInfo(
                name=split,
                shard_lengths=[1],
                num_bytes=1,
                filename_template=tfds.core.ShardedFileTemplate(
                    data_dir=folder, dataset_name="other", split=split, filetype_suffix="tfrecord"
                ),
            )
        ],
    )
    with pytest.raises(ValueError, match="^data.dataset: other.* " + message):
        data.inspect("other", str(tmp_path))


# --- The labelled subset.


@pytest.mark.parametrize(
    ("images", "fraction", "count"),
    [(31_104, 0.025, 778), (737_280, 0.001, 737), (100, 0.0, 0), (100, 0.001, 1), (100, 1.0, 100)],
)
def test_size_of_the_labeled_subset(images, fraction, count):
    rows = data.choose_labeled(np.zeros([images, 2], int), fraction, seed=0)
    assert len(rows) == len(set(rows)) == count
    assert list(rows) == sorted(rows)
    assert count == 0 or 0 <= rows[0] and rows[-1] < images


def test_the_seed_decides_who_is_labeled():
    factors = np.zeros([1000, 2], int)
    rows = data.choose_labeled(factors, 0.05, seed=3)
    assert np.array_equal(rows, data.choose_labeled(factors, 0.05, seed=3))
    assert len(set(rows) & set(data.choose_labeled(factors, 0.05, seed=4))) < 20


def test_every_image_can_be_drawn():
    drawn = {int(r) for seed in range(200) for r in data.choose_labeled(np.zeros([20, 1], int), 0.2, seed)}
    assert drawn == set(range(20))


def test_only_images_with_a_known_label_are_drawn(table):
    some = (table.factors != -1).any(axis=1)
    assert not some.all()
    assert np.array_equal(data.choose_labeled(table.factors, 1.0, 0), np.flatnonzero(some))
    assert some[data.choose_labeled(table.factors, 0.5, 0)].all()
    # Partly known is known: the hue of these is missing.
    assert (table.factors[data.choose_labeled(table.factors, 1.0, 0)] == -1).any()


def test_labels_asked_for_where_there_are_none():
    unknown = np.full([10, 2], -1)
    with pytest.raises(ValueError, match="^data.labeled_fraction: no image has a label"):
        data.choose_labeled(unknown, 0.5, 0)
    assert len(data.choose_labeled(unknown, 0.0, 0)) == 0


# --- Row numbers.


@pytest.mark.parametrize(("count", "batch"), [(60, 8), (10, 10), (7, 3), (3, 8), (1, 4)])
def test_each_epoch_is_a_permutation(count, batch):
    stream = data.RowStream(np.arange(100, 100 + count), batch, [5])
    drawn = np.concatenate([stream.at(step) for step in range(4 * count)])
    epochs = drawn.reshape(-1, count)
    assert len(epochs) >= 4
    assert (np.sort(epochs, axis=1) == np.arange(100, 100 + count)).all()
    if count > 3:
        assert not (epochs[0] == epochs[1]).all()


def test_rows_are_a_function_of_seed_and_step():
    rows = np.arange(23)
    continued = data.RowStream(rows, 5, [1, 2])
    there = [continued.at(step) for step in range(30)]
    for step in (29, 3, 17, 4):  # in any order, from a fresh stream or not
        assert np.array_equal(continued.at(step), there[step])
        assert np.array_equal(data.RowStream(rows, 5, [1, 2]).at(step), there[step])
    assert any((data.RowStream(rows, 5, [2, 2]).at(step) != there[step]).any() for step in range(3))
    assert any((data.RowStream(rows, 5, [1, 3]).at(step) != there[step]).any() for step in range(3))


# --- Batches.


OPTIONS = data.DataOptions(dataset=fakes.DATASET, labeled_fraction=0.25, batch=8, labeled_batch=4)


def take(pipeline, count: int) -> list[dict[str, np.ndarray]]:
    return list(islice(pipeline.as_numpy_iterator(), count))


def same(first: dict, second: dict) -> bool:
    return first.keys() == second.keys() and all(np.array_equal(first[k], second[k]) for k in first)


@pytest.fixture(scope="module")
def labeled_rows(table):
    return data.choose_labeled(table.factors, 0.25, 0)


def test_what_a_batch_holds(table, labeled_rows):
    labeled = set(row_numbers(table.images[labeled_rows]))
    _, labels = fakes.arrays()
    seen_unknown = False
    for batch in take(data.batches(table, labeled_rows, OPTIONS, seed=0), 20):
        assert {k: (v.shape, v.dtype) for k, v in batch.items()} == {
            "image": ((8, 8, 8, 3), np.float32),
            "labeled_image": ((4, 8, 8, 3), np.float32),
            "labeled_codes": ((4, 3), np.float32),
            "labeled_mask": ((4, 3), np.float32),
        }
        assert -1 <= batch["image"].min() and batch["image"].max() <= 1
        rows = row_numbers(batch["labeled_image"])
        assert set(rows) <= labeled
        for k, (name, size) in enumerate(sorted(fakes.SIZES.items())):
            known = labels[name][rows] != -1
            seen_unknown |= not known.all()
            assert np.array_equal(batch["labeled_mask"][:, k], known)
            codes = labels[name][rows] / np.float32(size - 1)
            assert np.allclose(batch["labeled_codes"][known, k], codes[known])
            assert (batch["labeled_codes"][~known, k] == 0).all()
    assert seen_unknown


def test_pixels_reach_the_networks_as_they_are_on_disk(table, labeled_rows):
    images, _ = fakes.arrays()
    (batch,) = take(data.batches(table, labeled_rows, OPTIONS, seed=0), 1)
    back = np.rint((batch["image"] + 1) * 127.5).astype(np.uint8)
    assert np.array_equal(back, images[row_numbers(batch["image"])])


def test_an_epoch_shows_every_image_once_and_the_streams_are_independent(table, labeled_rows):
    batches = take(data.batches(table, labeled_rows, OPTIONS, seed=0), 15)  # 120 = 2 * 60 images, 60 = 4 * 15 labelled
    assert sorted(np.concatenate([row_numbers(b["image"]) for b in batches])) == sorted([*range(60)] * 2)
    labeled = np.concatenate([row_numbers(b["labeled_image"]) for b in batches])
    assert sorted(labeled) == sorted([*row_numbers(table.images[labeled_rows])] * 4)


def test_without_labels_there_is_no_labeled_stream(table):
    (batch,) = take(data.batches(table, np.array([], np.int64), OPTIONS, seed=0), 1)
    assert list(batch) == ["image"]


def test_resumed_is_continued(table, labeled_rows):
    continued = take(data.batches(table, labeled_rows, OPTIONS, seed=7), 20)
    resumed = take(data.batches(table, labeled_rows, OPTIONS, seed=7, first_step=13), 7)
    assert all(same(a, b) for a, b in zip(continued[13:], resumed, strict=True))
    (other,) = take(data.batches(table, labeled_rows, OPTIONS, seed=8), 1)
    for stream in ("image", "labeled_image"):
        assert not np.array_equal(continued[0][stream], other[stream])


@pytest.mark.parametrize("replica_count", [2, 4])
def test_the_parts_of_all_replicas_are_the_global_batch(table, labeled_rows, replica_count):
    whole = take(data.batches(table, labeled_rows, OPTIONS, seed=0, first_step=2), 5)

    def parts_of(replicas: range):
        pipeline = data.batches(table, labeled_rows, OPTIONS, 0, 2, replicas, replica_count)
        return take(pipeline, 5 * len(replicas))

    together = parts_of(range(replica_count))  # one worker feeds them all: element by element
    alone = [parts_of(range(r, r + 1)) for r in range(replica_count)]  # a worker for each
    for step, batch in enumerate(whole):
        for key, value in batch.items():
            local = together[step * replica_count : (step + 1) * replica_count]
            assert np.array_equal(np.concatenate([part[key] for part in local]), value)
            assert np.array_equal(np.concatenate([parts[step][key] for parts in alone]), value)


def test_a_batch_that_does_not_divide_among_the_replicas(table, labeled_rows):
    with pytest.raises(ValueError, match=r"^data.labeled_batch: expected a multiple of the 8 replicas. Received: 4"):
        data.batches(table, labeled_rows, OPTIONS, 0, replicas=range(8), replica_count=8)
    with pytest.raises(ValueError, match=r"^data.batch: expected a multiple of the 3 replicas. Received: 8"):
        data.batches(table, labeled_rows, OPTIONS, 0, replicas=range(3), replica_count=3)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("labeled_fraction", -0.01),
        ("labeled_fraction", 1.01),
        ("labeled_fraction", float("nan")),
        ("batch", 0),
        ("labeled_batch", 0),
        ("labeled_batch", 33),
    ],
)
def test_options_out_of_range(field, value):
    with pytest.raises(ValueError, match=rf"^{field}: expected .* Received: {value}\."):
        data.DataOptions(**{field: value})
