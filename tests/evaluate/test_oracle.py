"""Oracle: trained once for a data set, and scored on images it was not trained on."""

import dataclasses
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from absl import logging

from ssgan_tf import data
from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.evaluate import oracle
from ssgan_tf.evaluate.inference import encode_images
from ssgan_tf.evaluate.oracle import OracleOptions
from tests.support import faults

SPEC = CodeSpec((FactorSpec("light", 2), FactorSpec("colour", 3)))
OPTIONS = OracleOptions("trunk", images=4800, batch=32, learning_rate=0.01, fmap_base=16, fmap_max=8)


def make_table() -> data.FactorDataset:
    """Returns 200 uniform images whose factors are brightness and colour; some labels of the first 20 are unknown."""
    rng = np.random.default_rng(0)
    factors = np.stack([rng.integers(0, f.size, 200) for f in SPEC.factors], axis=1)
    images = np.zeros([200, 8, 8, 3], np.uint8) + (40 + 100 * factors[:, 0])[:, None, None, None].astype(np.uint8)
    images[np.arange(200), :, :, factors[:, 1]] += 90
    images += rng.integers(0, 20, images.shape, np.uint8)
    factors[:20:2, 0] = -1
    factors[1:20:2] = -1
    return data.FactorDataset("fake/flat", images, factors, SPEC)


TABLE = make_table()


@pytest.fixture
def no_training(monkeypatch):
    """Leaves out the training; the list gets the rows that each oracle would be trained on."""
    rows: list[np.ndarray] = []
    monkeypatch.setattr(oracle, "_train", lambda model, table, these, options, quiet: rows.append(these))
    return rows


@pytest.fixture
def warnings(monkeypatch) -> list[str]:
    seen: list[str] = []
    monkeypatch.setattr(logging, "warning", lambda text, *values: seen.append(text % values))
    return seen


@pytest.mark.parametrize("options", [OPTIONS, dataclasses.replace(OPTIONS, network="conv", learning_rate=0.003)])
def test_it_learns_and_is_saved_and_loaded(options, tmp_path, monkeypatch):
    trained = oracle.train_or_load(TABLE, str(tmp_path), options)
    assert trained.scores["l2"] < 0.35, "constant codes score about 0.6"
    assert trained.scores["exact_match"] > 0.5, "1 / 6 by chance"
    assert trained.scores["samples"] == 19  # 10 % of the 190 images with a label
    assert trained.scores["error"] < 0.75 * trained.scores["constant_error"]
    assert os.path.dirname(trained.folder) == str(tmp_path)

    monkeypatch.setattr(oracle, "_train", lambda *_: pytest.fail("trained again"))
    loaded = oracle.train_or_load(make_table(), str(tmp_path), options)
    assert loaded.scores == trained.scores
    codes = [encode_images(o.model.encode, TABLE.images[:50]) for o in (trained, loaded)]
    assert np.array_equal(*codes)
    both = encode_images(loaded.model.encode_with_features, TABLE.images[:50])
    assert np.allclose(both[:, :2], codes[0], atol=1e-6), "features come after the codes"
    assert both.shape[1] > 2 and both[:, 2:].std(axis=0).max() > 0


def test_it_is_scored_on_images_it_was_not_trained_on(tmp_path, no_training, monkeypatch):
    scored = []
    monkeypatch.setattr(oracle, "encode_images", lambda encode, images: scored.append(images) or np.zeros([19, 2]))
    oracle.train_or_load(TABLE, str(tmp_path), OPTIONS)
    (rows,) = no_training
    known = {*range(0, 20, 2), *range(20, 200)}
    assert len(rows) == len(set(rows)) == 171 and set(rows) < known, "images without any label are left out"
    rest = sorted(known - set(rows))
    key = [image.tobytes() for image in TABLE.images]
    assert sorted(key.index(image.tobytes()) for image in scored[0]) == rest


def test_it_is_not_trained_on_held_out_images(tmp_path, no_training, monkeypatch):
    scored = []
    codes = np.zeros([55, 2])
    monkeypatch.setattr(oracle, "encode_images", lambda encode, images: scored.append(images) or codes)
    held_out = np.arange(10, 70)
    made = oracle.train_or_load(changed_table(held_out=held_out), str(tmp_path), OPTIONS)
    assert no_training[0].tolist() == [*range(0, 10, 2), *range(70, 200)]
    assert made.held_out.tolist() == [*range(10, 20, 2), *range(20, 70)] and len(scored[0]) == 55

    with pytest.raises(
        ValueError, match="40 labelled images to train on and 10 held-out ones or more.*: 35 and 155 of fake/flat"
    ):
        oracle.train_or_load(changed_table(held_out=np.arange(45, 200)), str(tmp_path), OPTIONS)


def changed_table(**changes) -> data.FactorDataset:
    return dataclasses.replace(TABLE, **changes)


@pytest.mark.parametrize(
    ("table", "options"),
    [
        (TABLE, dataclasses.replace(OPTIONS, seed=1)),
        (TABLE, dataclasses.replace(OPTIONS, images=9600)),
        (TABLE, dataclasses.replace(OPTIONS, network="conv")),
        (changed_table(images=TABLE.images[:] + np.uint8(1)), OPTIONS),
        (changed_table(factors=np.where(np.arange(200)[:, None] == 99, 0, TABLE.factors)), OPTIONS),
        (changed_table(spec=CodeSpec((FactorSpec("light", 2), FactorSpec("colour", 4)))), OPTIONS),
        (changed_table(spec=CodeSpec((FactorSpec("l", 2), FactorSpec("colour", 3)))), OPTIONS),
        (changed_table(name="fake/other"), OPTIONS),
        (changed_table(held_out=np.array([7])), OPTIONS),
        (changed_table(held_out_labels=np.array([7])), OPTIONS),
    ],
)
def test_other_data_or_options_have_another_oracle(table, options, tmp_path):
    assert oracle.folder_of(table, options, "x") != oracle.folder_of(TABLE, OPTIONS, "x")
    assert oracle.folder_of(make_table(), OPTIONS, "x") == oracle.folder_of(TABLE, OPTIONS, "x")


def test_too_few_images_with_labels(tmp_path):
    few = changed_table(images=TABLE.images[:100], factors=TABLE.factors[:100])
    with pytest.raises(ValueError, match="needs 100 labelled images or more. Received: 90 of fake/flat"):
        oracle.train_or_load(few, str(tmp_path), OPTIONS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", ["scores.json", "checkpoints"])
def test_a_damaged_oracle_is_trained_again(file, tmp_path, no_training, warnings):
    saved = oracle.train_or_load(TABLE, str(tmp_path), OPTIONS)
    path = os.path.join(saved.folder, "scores.json")
    if file == "checkpoints":
        (step,) = [name for name in os.listdir(saved.folder) if name.startswith("step-")]
        path = os.path.join(saved.folder, step, "ckpt.data-00000-of-00001")
    os.truncate(path, 7)
    again = oracle.train_or_load(TABLE, str(tmp_path), OPTIONS)
    assert len(no_training) == 2
    assert "training it again" in warnings[-1]
    with open(os.path.join(again.folder, "scores.json"), encoding="utf-8") as file:
        assert json.load(file) == again.scores
    oracle.train_or_load(TABLE, str(tmp_path), OPTIONS)
    assert len(no_training) == 2  # it is complete now


def test_a_full_disk_is_named(no_training, small_disk):
    faults.fill_disk(small_disk)
    with pytest.raises(OSError, match="^data_dir: the oracle cannot be saved: .*No space left on device"):
        oracle.train_or_load(TABLE, str(small_disk), OPTIONS)


def test_processes_that_trained_the_same_oracle_save_it_in_turn(no_training, tmp_path):
    barrier, original = threading.Barrier(3), oracle._save

    def save(*arguments):
        barrier.wait()  # until all are about to save
        original(*arguments)

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(3) as threads:
        patch.setattr(oracle, "_save", save)
        saved = list(threads.map(lambda _: oracle.train_or_load(TABLE, str(tmp_path), OPTIONS), range(3)))
    oracle.train_or_load(TABLE, str(tmp_path), OPTIONS)
    assert len(no_training) == 3 and len({one.folder for one in saved}) == 1
