"""Loading prepared data sets: images, labels and versions, and the input that is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from ssgan_tf import data
from ssgan_tf.core.codes import CodeSpec, FactorSpec
from tests.support import fakes


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory) -> Path:
    return fakes.prepare(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def dataset(data_dir) -> data.FactorDataset:
    return data.load(fakes.DATASET, str(data_dir))


def test_images_and_labels_are_those_written_and_stay_together(dataset):
    images, labels = fakes.arrays()
    rows = fakes.row_numbers(dataset.images)
    assert sorted(rows) == list(range(60))
    assert np.array_equal(dataset.images, images[rows])
    for k, name in enumerate(dataset.spec.names):
        assert np.array_equal(dataset.factors[:, k], labels[name][rows])


def test_factors_are_in_alphabetical_order_unless_named(dataset, data_dir):
    assert dataset.spec == CodeSpec((FactorSpec("angle", 5), FactorSpec("hue", 3), FactorSpec("shape", 2)))
    some = data.load(fakes.DATASET, str(data_dir), ["shape", "angle"])
    assert some.spec == CodeSpec((FactorSpec("shape", 2), FactorSpec("angle", 5)))
    assert np.array_equal(some.factors, dataset.factors[:, [2, 0]])


def test_a_second_load_has_the_same_order(dataset, data_dir):
    # Batches are defined by row numbers, so a resumed run depends on the order.
    assert np.array_equal(data.load(fakes.DATASET, str(data_dir)).images, dataset.images)


def test_the_newest_version_is_read_unless_one_is_named(data_dir, tmp_path):
    folder = tmp_path / fakes.DATASET
    for version in ("1.0.0", "1.9.0", "1.10.0"):
        shutil.copytree(data_dir / fakes.DATASET / "1.0.0", folder / version)
        info = folder / version / "dataset_info.json"
        info.write_text(info.read_text().replace('"1.0.0"', f'"{version}"'))
    (folder / "2.0.0.incompleteXYZ").mkdir()
    (folder / "3.0.0").mkdir()  # empty
    assert str(data.open_builder(fakes.DATASET, str(tmp_path)).version) == "1.10.0"
    assert str(data.open_builder(fakes.DATASET + "/1.9.0", str(tmp_path)).version) == "1.9.0"


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda name: {"pythonClassName": name, "jsonFeature": {"json": "{}"}},
        lambda name: {"python_class_name": name},
        lambda name: {"type": name, "content": {}},
        lambda name: {
            "pythonClassName": "tensorflow_datasets.core.features.features_dict.FeaturesDict",
            "jsonFeature": {"json": json.dumps({"image": {"type": name, "content": {}}})},
        },
    ],
)
def test_classes_outside_tfds_are_not_imported(wrapped, data_dir, tmp_path, monkeypatch):
    shutil.copytree(data_dir, tmp_path / "data")
    (tmp_path / "trap.py").write_text(f"open({str(tmp_path / 'trace')!r}, 'w').close()")
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "data" / fakes.DATASET / "1.0.0" / "features.json"
    features = json.loads(path.read_text())
    nested = {**features, "featuresDict": {"features": {"image": wrapped("trap.Image")}}}
    for changed in (wrapped("trap.Image"), nested):
        path.write_text(json.dumps(changed))
        with pytest.raises(ValueError, match="^data.dataset: .*features.json is not .*: .*'trap.Image', whose module"):
            data.open_builder(fakes.DATASET, str(tmp_path / "data"))
    assert not (tmp_path / "trace").exists()


def test_a_data_set_that_is_not_prepared_is_not_fetched_from_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(tfds, "builder_cls", lambda name: pytest.fail(f"{name} would be loaded"))
    for name in ("huggingface:mnist", "someone:thing/config", "a-b", ""):
        with pytest.raises(FileNotFoundError, match="is not prepared in"):
            data.open_builder(name, str(tmp_path))


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("scene3d/demo", "ssgan data build scene3d --config=demo --data_dir=DIR"),
        ("scene3d/demo/1.0.0", "ssgan data build scene3d --config=demo --data_dir=DIR"),
        ("plain", "ssgan data build plain --data_dir=DIR"),
        ("dsprites", "ssgan data build dsprites --data_dir=DIR"),
        ("mnist", "tfds build mnist --data_dir=DIR"),
        ("no such name", "ssgan data build no such name --data_dir=DIR"),
    ],
)
def test_the_message_for_a_data_set_that_is_not_prepared_has_the_command(name, command, tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        data.load(name, str(tmp_path))
    assert str(error.value).startswith(f"data.dataset: {name!r} is not prepared in {str(tmp_path)!r}")
    assert str(error.value).endswith(command.replace("DIR", str(tmp_path)))


def test_the_message_for_an_unknown_factor_has_the_nearest_name(data_dir):
    with pytest.raises(ValueError, match=r"^data.factors: .*'angle', 'hue', 'shape'.*'shap'. Did you mean 'shape'\?"):
        data.load(fakes.DATASET, str(data_dir), ["hue", "shap"])


def test_a_data_set_larger_than_memory_gib_is_refused_before_it_is_decoded(data_dir, monkeypatch):
    monkeypatch.setattr(np, "empty", lambda *_: pytest.fail("decoding began"))
    gib = 60 * 8 * 8 * 3 / 2**30
    with pytest.raises(MemoryError, match=r"^data.memory_gib: fake/tiny needs 0.0 GiB for 60 images of \(8, 8, 3\)"):
        data.load(fakes.DATASET, str(data_dir), memory_gib=0.99 * gib)
    data.inspect(fakes.DATASET, str(data_dir), memory_gib=1.01 * gib)


def test_a_truncated_file_is_an_error(data_dir, tmp_path):
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
    with pytest.raises(ValueError, match="^data.(dataset|split): other.* " + message):
        data.inspect("other", str(tmp_path))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("labeled_fraction", -0.01),
        ("labeled_fraction", 1.01),
        ("labeled_fraction", float("nan")),
    ],
)
def test_options_out_of_range(field, value):
    with pytest.raises(ValueError, match=rf"^{field}: expected .* Received: {value}\."):
        data.DataOptions(**{field: value})
