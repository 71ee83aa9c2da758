"""scene3d's builder: contents of the data set, worker processes, and unfinished builds."""

import io
import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from tfds_builders.scene3d import scenes, workers
from tfds_builders.scene3d.scene3d_dataset_builder import Builder, Scene3dConfig

TINY = Scene3dConfig(name="tiny", scene="demo", resolution=16, first={"shape": 2, "scale": 1, "azimuth": 1})
TINY_SIZE = 2 * 6**3  # two views in all hues


class BuilderTest(tfds.testing.DatasetBuilderTestCase):
    """TFDS's tests of every builder."""

    DATASET_CLASS = Builder
    BUILDER_CONFIG_NAMES_TO_TEST = [TINY]
    SPLITS = {"train": TINY_SIZE}
    EXAMPLE_DIR = os.path.dirname(__file__)  # required by TFDS; the builder reads no files


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> tfds.core.DatasetBuilder:
    builder = Builder(config=TINY, data_dir=tmp_path_factory.mktemp("data"))
    builder.download_and_prepare()
    return builder


def test_the_data_set_holds_the_images_that_were_drawn(tiny):
    scene = scenes.SCENES["demo"]
    seen = set()
    for example in tiny.as_dataset(split="train").as_numpy_iterator():
        values = {name: int(value) for name, value in example["factors"].items()}
        index = scenes.index_of(scene.factors, values)
        if index % 16 == 0:
            assert np.array_equal(example["image"], scenes.draw(scene, 16, values))
        seen.add(index)
    expected = [scenes.values_of(scene.factors, index) for index in range(scene.size)]
    assert seen == {
        scenes.index_of(scene.factors, values)
        for values in expected
        if values["shape"] < 2 and values["scale"] == 0 and values["azimuth"] == 0
    }


def test_two_builds_write_the_same_bytes(tiny, tmp_path):
    again = Builder(config=TINY, data_dir=tmp_path)
    again.download_and_prepare()
    files = [sorted(builder.data_path.glob("*.tfrecord*")) for builder in (tiny, again)]
    assert files[0]
    assert [file.read_bytes() for file in files[0]] == [file.read_bytes() for file in files[1]]


def test_interrupted_build_is_not_taken_for_complete(tmp_path, monkeypatch):
    def interrupted(*arguments):
        for number, example in enumerate(draw_all(*arguments)):
            if number == 250:
                raise KeyboardInterrupt
            yield example

    draw_all = workers.draw_all
    with monkeypatch.context() as patch:
        patch.setattr(workers, "draw_all", interrupted)
        with pytest.raises(KeyboardInterrupt):
            Builder(config=TINY, data_dir=tmp_path).download_and_prepare()
    assert not list(tmp_path.rglob("dataset_info.json"))
    builder = Builder(config=TINY, data_dir=tmp_path)
    builder.download_and_prepare()
    assert builder.info.splits["train"].num_examples == TINY_SIZE


def test_configs_hold_every_scene_at_every_resolution(tmp_path):
    names = {"demo": 32, "demo_64": 64, "shapes": 64, "shapes_32": 32, "room": 128, "room_1024": 1024, "room_16": 16}
    assert len(Builder.builder_configs) == 3 * 7
    for name, resolution in names.items():
        info = Builder(config=name, data_dir=tmp_path).info
        assert info.name == "scene3d"
        assert info.features["image"].shape == (resolution, resolution, 3)
        factors = scenes.SCENES[name.split("_")[0]].factors
        assert {factor: label.num_classes for factor, label in info.features["factors"].items()} == factors
        assert list(info.features["factors"]) == list(factors)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"scene": "rooms"}, "scene: expected one of .*Did you mean 'room'"),
        ({"resolution": 48}, "resolution: expected one of .*Received: 48"),
        ({"first": {"azimut": 2}}, "first: expected names among .*Received: 'azimut'"),
        ({"first": {"azimuth": 0}}, r"first\['azimuth'\]: expected 1 or more. Received: 0"),
    ],
)
def test_bad_configs_name_the_field(fields, message):
    with pytest.raises(ValueError, match=message):
        Scene3dConfig(name="bad", **fields)


@pytest.mark.parametrize("shape", [(16, 16, 3), (1, 1, 3), (5, 7, 3)])
def test_png_holds_every_pixel(shape):
    image = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    file = Image.open(io.BytesIO(workers.encode_png(image)))
    assert file.format == "PNG" and file.mode == "RGB"
    assert np.array_equal(np.asarray(file), image)


def test_images_come_in_the_order_of_the_views_from_any_number_of_processes():
    scene = scenes.SCENES["demo"]
    views = [{"shape": shape, "scale": 3, "azimuth": 8} for shape in (2, 0, 3)]
    drawn = itertools.chain.from_iterable(scenes.draw_view(scene, 16, view) for view in views)
    expected = [(factors, workers.encode_png(image)) for factors, image in drawn]
    for processes in (1, 2, 5):
        assert list(workers.draw_all("demo", 16, views, processes)) == expected


def test_workers_end_when_their_reader_stops(monkeypatch):
    started = []

    class Recorded(subprocess.Popen):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    views = Scene3dConfig(name="demo_64", scene="demo", resolution=64).views()
    examples = workers.draw_all("demo", 64, views, processes=2)
    next(examples)
    assert [process.poll() for process in started] == [None, None]
    examples.close()
    assert None not in [process.poll() for process in started]


def test_dead_worker_is_reported(capfd):
    with pytest.raises(RuntimeError, match="exit code 1.* before it had drawn view 1 of 1"):
        list(workers.draw_all("nowhere", 16, [{}]))
    assert "Received: 'nowhere'" in capfd.readouterr().err


def test_worker_imports_neither_tensorflow_nor_tfds(repository):
    loaded = "import sys, scene3d.workers; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    out = subprocess.run(
        [sys.executable, "-c", loaded], cwd=repository / "tfds_builders", capture_output=True, text=True, check=True
    ).stdout.split()
    assert "numpy" in out
    assert not {"tensorflow", "tensorflow_datasets", "tfds"} & set(out)


@pytest.mark.slow
def test_tfds_build_works_in_the_folder_and_from_the_root(repository, tmp_path):
    tfds_build = [sys.executable, "-m", "tensorflow_datasets.scripts.cli.main", "build"]
    folder = repository / "tfds_builders" / "scene3d"
    for number, (arguments, where) in enumerate([([], folder), (["tfds_builders/scene3d"], repository)]):
        command = [*tfds_build, *arguments, "--config=demo_16", f"--data_dir={tmp_path / str(number)}"]
        subprocess.run([*command, "--max_examples_per_split=300"], cwd=where, check=True, capture_output=True)
        assert (tmp_path / str(number) / "scene3d" / "demo_16" / "1.0.0" / "dataset_info.json").exists()
