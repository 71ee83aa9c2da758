"""Data sets stored as ArrayRecord, data sets of TFDS's own catalogue, and factors that are numbers."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from array_record.python import array_record_module

from ssgan_tf import data, visualize
from ssgan_tf.core.codes import STEPS, CodeSpec, FactorSpec
from ssgan_tf.core.schedule import Phase, Schedule
from ssgan_tf.data import label_cache, labeled_subset, pipeline
from tests.support import fakes

NO_NETWORK = tfds.download.DownloadConfig(try_download_gcs=False)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory) -> Path:
    """Returns a folder with the tiny data set as ArrayRecord."""
    folder = tmp_path_factory.mktemp("stored")
    fakes.Fake(config="tiny", data_dir=folder, file_format="array_record").download_and_prepare(
        download_config=NO_NETWORK
    )
    return folder


@pytest.fixture(scope="module")
def in_memory(data_dir) -> data.FactorDataset:
    return data.load(fakes.DATASET, str(data_dir))


@pytest.fixture(scope="module")
def on_disk(data_dir) -> data.FactorDataset:
    return data.load(fakes.DATASET, str(data_dir), memory_gib=0)


# --- ArrayRecord.


def test_images_and_labels_are_those_written_and_stay_together(in_memory):
    images, labels = fakes.arrays()
    rows = fakes.row_numbers(in_memory.images)
    assert sorted(rows) == list(range(60))
    assert np.array_equal(in_memory.images, images[rows])
    for k, name in enumerate(in_memory.spec.names):
        assert np.array_equal(in_memory.factors[:, k], labels[name][rows])


def test_images_that_do_not_fit_into_memory_are_read_from_disk_and_are_the_same(in_memory, on_disk, data_dir):
    assert not data.inspect(fakes.DATASET, str(data_dir), memory_gib=0).in_memory
    assert isinstance(on_disk.images, data.StoredImages) and isinstance(in_memory.images, np.ndarray)
    assert on_disk.images.shape == in_memory.images.shape and len(on_disk) == 60
    assert np.array_equal(on_disk.factors, in_memory.factors) and on_disk.spec == in_memory.spec
    wanted = [7, slice(3, 50, 4), np.array([5, 5, 59, 0]), np.arange(60) % 7 == 0, slice(None), np.array([[1], [2]])]
    for rows in wanted:
        assert np.array_equal(on_disk.images[rows], in_memory.images[rows]), rows
    with pytest.raises(IndexError):
        on_disk.images[60]


def test_training_batches_and_grids_are_the_same_from_disk(in_memory, on_disk):
    segment = Schedule((Phase(batch=8, labeled_batch=4),)).segments[0]
    rows = labeled_subset.choose_labeled(in_memory.factors, 0.25, 0)
    both = [pipeline.batches(dataset, rows, segment, seed=1, first_step=5).take(9) for dataset in (in_memory, on_disk)]
    for one, other in zip(*both, strict=True):
        for name, values in one.items():
            assert np.array_equal(values, other[name]), name
    assert np.array_equal(visualize.data_grid(in_memory.images, 0), visualize.data_grid(on_disk.images, 0))


def test_labels_are_cached_and_read_again_if_the_cache_is_damaged(data_dir, monkeypatch):
    first = data.load(fakes.DATASET, str(data_dir), memory_gib=0)
    (cache,) = (data_dir / fakes.DATASET / "1.0.0").glob("labels-*.npy")
    monkeypatch.setattr(data.tfds_reader, "extract_labels", lambda *_: pytest.fail("read again"))
    assert np.array_equal(data.load(fakes.DATASET, str(data_dir), memory_gib=0).factors, first.factors)
    monkeypatch.undo()
    complete, wrong = cache.read_bytes(), np.array(first.factors, np.int32)
    wrong[3, 1] = 99
    np.save(cache, wrong)
    damaged = [cache.read_bytes()]
    np.save(cache, first.factors.astype(float) * np.nan)
    damaged += [cache.read_bytes(), complete[:100], b"", b"PK\x03\x04" + complete]
    for content in damaged:
        cache.write_bytes(content)
        assert np.array_equal(data.load(fakes.DATASET, str(data_dir), memory_gib=0).factors, first.factors)
        assert cache.read_bytes() == complete


@pytest.mark.parametrize("memory_gib", [0, 16])
def test_labels_follow_records_that_were_replaced_by_others_of_the_same_name_size_and_time(
    memory_gib, data_dir, in_memory, tmp_path
):
    shutil.copytree(data_dir / "fake", tmp_path / "fake")
    data.load(fakes.DATASET, str(tmp_path), memory_gib=0)  # writes the cache
    (file,) = (tmp_path / fakes.DATASET / "1.0.0").glob("*.array_record*")
    before = file.stat()
    records = array_record_module.ArrayRecordReader(str(file)).read_all()
    writer = array_record_module.ArrayRecordWriter(str(file), "group_size:1")
    for record in reversed(records):
        writer.write(record)
    writer.close()
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    replaced = data.load(fakes.DATASET, str(tmp_path), memory_gib=memory_gib)
    assert np.array_equal(replaced.images[:], in_memory.images[::-1])
    assert np.array_equal(replaced.factors, in_memory.factors[::-1])


def test_a_sample_of_large_files_notices_two_records_that_were_swapped(tmp_path, monkeypatch):
    for name, value in {"_WHOLE": 1000, "_BLOCK": 64, "_BLOCKS": 4, "_END": 1 << 17}.items():
        monkeypatch.setattr(label_cache, name, value)
    rng, found = np.random.default_rng(0), []
    records = [rng.bytes(int(size)) for size in rng.integers(2000, 3000, 1000)]
    for swapped in ((), (500, 501), (998, 999)):
        order = np.arange(1000)
        order[list(swapped)] = order[list(swapped)[::-1]]
        writer = array_record_module.ArrayRecordWriter(str(tmp_path / "records"), "group_size:1")
        for row in order:
            writer.write(records[row])
        writer.close()
        found.append(label_cache.fingerprint([str(tmp_path / "records")]))
    assert len(set(found)) == 3


def test_a_damaged_file_is_an_error(data_dir, tmp_path):
    shutil.copytree(data_dir / "fake", tmp_path / "fake")
    (file,) = (tmp_path / fakes.DATASET / "1.0.0").glob("*.array_record*")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    for cache in (tmp_path / fakes.DATASET / "1.0.0").glob("labels-*.npy"):
        cache.unlink()
    with pytest.raises(OSError, match="^data.dataset: 'fake/tiny' in .* is damaged after"):
        data.load(fakes.DATASET, str(tmp_path))


# --- Other schemas.


class Dsprites(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Stand-in for TFDS's dsprites: pixels 0 and 1, labels beside the image; with two splits, as smallnorb has."""

    VERSION = tfds.core.Version("2.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "image": tfds.features.Image(shape=(12, 12, 1)),
            "label_shape": tfds.features.ClassLabel(names=["square", "heart"]),
            "label_scale": tfds.features.ClassLabel(num_classes=3),
            "label_white": tfds.features.ClassLabel(num_classes=1),
            "instance": tfds.features.ClassLabel(num_classes=4),
            "value_scale": tfds.features.Tensor(shape=[], dtype=np.float32),
        }
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(0, 20), "test": self._generate_examples(20, 50)}

    def _generate_examples(self, first, last):
        for i in range(first, last):
            image = np.zeros([12, 12, 1], np.uint8)
            image.reshape(-1)[: i + 1] = 1
            labels = {"label_shape": i % 2, "label_scale": i % 3, "label_white": 0, "instance": i % 4}
            yield i, {"image": image, **labels, "value_scale": i / 9}


@pytest.fixture(scope="module", params=["tfrecord", "array_record"])
def catalogue(request, tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("catalogue")
    Dsprites(data_dir=folder, file_format=request.param).download_and_prepare(download_config=NO_NETWORK)
    return str(folder)


def test_labels_beside_the_image_are_factors(catalogue):
    dataset = data.load("dsprites", catalogue)
    # A feature with a single value is not a factor; names of values are preserved.
    expected = (FactorSpec("instance", 4), FactorSpec("scale", 3), FactorSpec("shape", 2, ("square", "heart")))
    assert dataset.spec == CodeSpec(expected)
    numbers = (dataset.images[:, ..., 0] > 0).sum(axis=(1, 2)) - 1
    assert sorted(numbers) == list(range(20))
    assert np.array_equal(dataset.factors, np.stack([numbers % 4, numbers % 3, numbers % 2], axis=1))


def test_pixels_0_and_1_become_0_and_255(catalogue):
    dataset = data.load("dsprites", catalogue)
    assert set(np.unique(dataset.images)) == {0, 255}


def test_splits_are_concatenated(catalogue):
    parts = [data.load("dsprites", catalogue, split=split) for split in ("train", "test", "train+test")]
    assert [len(part) for part in parts] == [20, 30, 50]
    counts = sorted((parts[2].images[..., 0] > 0).sum(axis=(1, 2)))
    assert counts == list(range(1, 51))
    for name in ("images", "factors"):
        first, second, both = (getattr(part, name) for part in parts)
        assert np.array_equal(both, np.concatenate([first, second]))
    with pytest.raises(ValueError, match="data.split: expected each split once. Received: 'train\\+train'"):
        data.load("dsprites", catalogue, split="train+train")
    with pytest.raises(ValueError, match=r"data.split: dsprites has no split `dev`. Received: \['train', 'test'\]"):
        data.load("dsprites", catalogue, split="train+dev")


def test_images_are_reduced_by_averaging_areas(catalogue):
    full = data.load("dsprites", catalogue).images.astype(float)
    small = data.load("dsprites", catalogue, resolution=4).images
    assert small.shape == (20, 4, 4, 1)
    assert np.abs(small - full.reshape(20, 4, 3, 4, 3, 1).mean(axis=(2, 4))).max() <= 0.5
    assert data.inspect("dsprites", catalogue, resolution=4).shape == (4, 4, 1)
    with pytest.raises(ValueError, match="data.resolution: dsprites has images of 12x12; .* Received: 16"):
        data.load("dsprites", catalogue, resolution=16)


class Numbers(tfds.core.GeneratorBasedBuilder):
    """Data set with a factor that is a number, as labeled_folder stores it."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        factors = {"angle": tfds.features.Scalar(np.float32), "side": tfds.features.ClassLabel(num_classes=2)}
        features = {"image": tfds.features.Image(shape=(8, 8, 3)), "factors": factors}
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(features),
            metadata=tfds.core.MetadataDict(ranges={"angle": [-90.0, 90.0]}),
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for i, angle in enumerate([-90.0, 0.0, 45.0, 90.0, np.nan, 100.0]):
            image = np.full([8, 8, 3], i, np.uint8)
            yield i, {"image": image, "factors": {"angle": angle, "side": -1 if i == 2 else i % 2}}


@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
def test_a_number_becomes_a_label_within_its_range(tmp_path, file_format):
    Numbers(data_dir=tmp_path, file_format=file_format).download_and_prepare(download_config=NO_NETWORK)
    dataset = data.load("numbers", str(tmp_path))
    assert dataset.spec == CodeSpec((FactorSpec("angle", STEPS, range=(-90.0, 90.0)), FactorSpec("side", 2)))
    by_number = dataset.factors[np.argsort(dataset.images[:, 0, 0, 0])]
    assert by_number[:, 0].tolist() == [0, 500, 750, 1000, -1, 1000]  # clipped to the range
    assert by_number[:, 1].tolist() == [0, 1, -1, 1, 0, 1]
    assert dataset.spec.encode(by_number)[1, 0] == 0.5
