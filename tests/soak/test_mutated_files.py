"""A thousand damaged and edited files of all kinds: each is read, or refused with one line that names it."""

import collections
import dataclasses
import functools
import json
import os
import shutil
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from ssgan_tf import runs
from ssgan_tf.editing import Editor, images_in
from ssgan_tf.evaluate import feature_network, oracle
from ssgan_tf.runs import Workdir
from ssgan_tf.runs.progress import Progress
from ssgan_tf.train.run_log import RunLog
from tests.support import fakes, file_kinds, mutations, programs, tiny_run, training
from tests.support.file_kinds import Kind

EXPORT = Path(__file__).parents[1] / "data" / "made_at_3447d5d" / "export" / "1"
OPTIONS = oracle.OracleOptions(images=32, batch=32, fmap_base=8, fmap_max=4)
TABLE = dataclasses.replace(
    file_kinds.TABLE,
    images=np.zeros([120, 8, 8, 3], np.uint8),
    factors=np.tile(file_kinds.TABLE.factors, [3, 1]),
)


def in_run(name: str) -> Kind:
    """Returns the kind of a file of a trained run, which is loaded as `evaluate`, `export` and `select` do."""

    def make(folder: Path) -> Path:
        (path,) = tiny_run.write_run(folder / "run").glob(name)
        return path

    def read(path: Path) -> None:
        (folder,) = (parent for parent in path.parents if parent.name == "run")
        runs.load_run(str(folder))

    return Kind(make, read)


def in_export(name: str) -> Kind:
    """Returns the kind of a file of an export, which is used as `ssgan edit` does."""

    def make(folder: Path) -> Path:
        shutil.copytree(EXPORT, folder / "1")
        (path,) = (folder / "1").glob(name)
        return path

    def read(path: Path) -> None:
        (folder,) = (parent for parent in path.parents if parent.name == "1")
        editor = Editor.load(str(folder))
        images = editor.generate(editor.random_codes(1), truncation=0.5)
        editor.fit(np.clip(images[0], -1, 1), steps=2)

    return Kind(make, read)


def make_features(ending: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        layers = tf.keras.layers
        model = tf.keras.Sequential([layers.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.GlobalAveragePooling2D()])
        model.save(folder / f"network{ending}")
        return folder / f"network{ending}"

    return make


def read_features(path: Path) -> None:
    feature_network.load(str(path)).read(np.zeros([2, 8, 8, 3], np.uint8))


def make_image(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        pixels = np.random.default_rng(0).integers(0, 256, [12, 12, 3], np.uint8)
        Image.fromarray(pixels).save(folder / name)
        return folder / name

    return make


def make_log(folder: Path) -> Path:
    lines = [{"step": step, "images": 10 * step, "loss": 0.5} for step in (1, 2, 3)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder / "metrics.jsonl"


def read_log(path: Path) -> None:
    log = RunLog(Workdir(str(path.parent)), Progress(2, tiny_run.CONFIG.schedule, 1000))
    log.add({"loss": 0.25})
    log.close()
    assert json.loads(path.read_bytes().splitlines()[-1])["loss"] == 0.25


def make_oracle(folder: Path) -> Path:
    return Path(oracle.train_or_load(TABLE, str(folder), OPTIONS, quiet=True).folder) / "scores.json"


def read_oracle(path: Path) -> None:
    scores = oracle.train_or_load(TABLE, str(path.parents[1]), OPTIONS, quiet=True).scores
    assert all(isinstance(score, int | float) for score in scores.values())


COSTLY = {
    "config.json of a trained run": in_run("config.json"),
    "factors.json of a trained run": in_run("factors.json"),
    "checksums.json of a checkpoint": in_run("checkpoints/*/checksums.json"),
    "index of a checkpoint": in_run("checkpoints/*/ckpt.index"),
    "codes.json of a real export": in_export("assets/codes.json"),
    "graph of an export": in_export("saved_model.pb"),
    "weights of an export": in_export("variables/*.data*"),
    "network.h5": Kind(make_features(".h5"), read_features),
    "network.keras": Kind(make_features(".keras"), read_features),
    "image.png": Kind(make_image("image.png"), lambda path: images_in.load_images(str(path), 8, 3)),
    "image.jpg": Kind(make_image("image.jpg"), lambda path: images_in.load_images(str(path), 8, 3)),
    "records of a data set": Kind(file_kinds.write_data("*tfrecord*"), file_kinds.load_data),
    "metrics.jsonl": Kind(make_log, read_log),
    "scores.json of an oracle": Kind(make_oracle, read_oracle),
}
"""Kinds that take up to a second to read."""
COUNTS = {"cheap": 50, "costly": 22}
KINDS = {**dict.fromkeys(file_kinds.CHEAP, "cheap"), **dict.fromkeys(COSTLY, "costly")}


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_mutated_files(name: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(oracle, "_train", lambda *_: None)
    kind, seed = {**file_kinds.CHEAP, **COSTLY}[name], zlib.crc32(name.encode())
    path, rng = kind.make(tmp_path), np.random.default_rng(seed)
    good, start, found = path.read_bytes(), time.monotonic(), collections.Counter[str]()
    assert file_kinds.outcome(kind, path) == "read"
    for _ in range(COUNTS[KINDS[name]]):
        way, content = mutations.mutate(path.name, good, rng)
        path.write_bytes(content)
        outcome = file_kinds.outcome(kind, path)
        assert outcome in ("read", "refused"), (way, outcome, content[:1000])
        found[outcome] += 1
    seconds = time.monotonic() - start
    print(f"\n{name}: {found['read']} read, {found['refused']} refused, seed {seed}, {seconds:.0f} s", end="")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Folder with data, a config, two trained runs with scores, an export, and a network for features; read only."""
    folder = tmp_path_factory.mktemp("place")
    fakes.prepare(folder / "data")
    (folder / "tiny.py").write_text(fakes.CONFIG)
    for seed in (1, 2):
        result = training.train(folder, folder / f"runs/{seed}", f"--set=train.seed={seed}")
        assert result.code == 0, result.err
        file_kinds.CHEAP["metrics.json"].make(folder / f"runs/{seed}")
    shutil.copytree(EXPORT, folder / "export" / "1")
    make_features(".h5")(folder)
    return folder


TRAIN = ["--config=tiny.py", "--data_dir=data", "--workdir=runs/1", "--set=train.seed=1"]
EVALUATE = ["--data_dir=data", "--workdir=runs/1", "--samples=100"]
PROGRAMS = [
    ("train", TRAIN, "runs/1/config.json"),
    ("train", TRAIN, "runs/1/factors.json"),
    ("train", TRAIN, "runs/1/data.json"),
    ("train", TRAIN, "runs/1/labeled_subset.npy"),
    ("train", [*TRAIN, "--set=train.images=256"], "runs/1/skipped_steps.json"),
    ("train", TRAIN, "runs/1/replicas.json"),
    ("train", TRAIN, "data/fake/tiny/1.0.0/features.json"),
    ("train", TRAIN, "data/fake/tiny/1.0.0/dataset_info.json"),
    ("evaluate", EVALUATE, "runs/1/config.json"),
    ("evaluate", EVALUATE, "runs/1/labeled_subset.npy"),
    ("evaluate", [*EVALUATE, "--metrics=fid", "--features=network.h5"], "network.h5"),
    ("export", ["--workdir=runs/1", "--out=out"], "runs/1/factors.json"),
    ("select", ["--workdirs=runs/*", "--out=out"], "runs/2/config.json"),
    ("evaluate.compare", ["runs/1", "runs/2", "--out=out/table"], "runs/2/metrics.json"),
    ("editing", ["--model=export", "--seed=1", "--out=out.png"], "export/1/assets/codes.json"),
    ("editing", ["--model=export", "--seed=1", "--out=out.png"], "export/1/saved_model.pb"),
    ("serving", ["--model=export", "--port=0"], "export/1/assets/codes.json"),
    ("page", ["--model=export", "--port=7861"], "export/1/assets/codes.json"),
]
WAYS = ("nested", "number", "pickle")


@pytest.mark.slow
@pytest.mark.parametrize(("module", "words", "name"), PROGRAMS)
def test_programs_exit_with_2_and_one_line(
    module: str, words: list[str], name: str, place: Path, tmp_path: Path, monkeypatch
) -> None:
    shutil.copytree(place, tmp_path / "place")
    monkeypatch.chdir(tmp_path / "place")
    for way in WAYS:
        Path(name).write_bytes(mutations.WHOLE[way])
        result = programs.run(f"ssgan_tf.{module}", *words, before=functools.partial(os.chdir, os.getcwd()))
        *before, line = result.err.replace("\r", "\n").strip().split("\n")
        assert result.code == 2 and line.startswith("error: "), (way, result)
        assert all(bar.strip().startswith("loading: ") for bar in before), (way, result)  # of `select`
        assert any(part in line for part in (name, Path(name).parent.as_posix(), Path(name).name)), line
        assert not Path("out").exists() and not Path("out.png").exists()
    print(f"\n{module}, {name}: refused {len(WAYS)} of {len(WAYS)}", end="")
