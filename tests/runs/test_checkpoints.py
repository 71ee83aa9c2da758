"""Checkpoints: every bit is restored, corruption is found, and a failed save loses nothing."""

import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from absl import logging

from ssgan_tf.runs import checkpoints
from ssgan_tf.runs.checkpoints import Checkpoints, find_corruption


def make(folder: Path, keep: int = 3) -> tuple[Checkpoints, dict]:
    """Returns checkpoints of a dense layer, its optimizer with all slots, and a counter; and these items."""
    layer = tf.keras.layers.Dense(3)
    layer.build([None, 4])
    optimizer = tf.keras.optimizers.Adam(0.1)
    optimizer.build(layer.trainable_variables)
    items = {"layer": layer, "optimizer": optimizer, "counter": tf.Variable(0, dtype=tf.int64)}
    return Checkpoints(str(folder), items, keep), items


def variables(items: dict) -> list[tf.Variable]:
    optimizer = items["optimizer"]
    return [*items["layer"].variables, *optimizer.variables, optimizer.learning_rate, items["counter"]]


def train_a_step(items: dict, seed: int) -> None:
    layer = items["layer"]
    gradients = [tf.random.stateless_normal(v.shape, [seed, i]) for i, v in enumerate(layer.trainable_variables)]
    items["optimizer"].apply_gradients(zip(gradients, layer.trainable_variables, strict=True))
    items["counter"].assign_add(1)


def bits(items: dict) -> list[bytes]:
    return [v.numpy().tobytes() for v in variables(items)]


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def three(tmp_path) -> tuple[Path, list[list[bytes]]]:
    """Returns a folder with checkpoints of steps 10, 20 and 30, and the bits saved in each."""
    saver, items = make(tmp_path)
    saved = []
    for step in (10, 20, 30):
        train_a_step(items, step)
        saver.save(step)
        saved.append(bits(items))
    return tmp_path, saved


@pytest.fixture
def warnings(monkeypatch) -> list[str]:
    seen: list[str] = []
    monkeypatch.setattr(logging, "warning", lambda text, *values: seen.append(text % values))
    return seen


def test_every_bit_is_restored(three, warnings):
    folder, saved = three
    saver, items = make(folder)
    assert bits(items) != saved[2]
    assert saver.restore_latest() == 30
    assert bits(items) == saved[2]
    # 2 weights; iteration, 2 moments of each weight and learning rate; the counter.
    assert len(saved[2]) == 2 + (1 + 4 + 1) + 1
    assert warnings == []


def test_resumed_training_continues_bit_for_bit(tmp_path):
    saver, items = make(tmp_path)
    for seed in range(3):
        train_a_step(items, seed)
    saver.save(3)
    train_a_step(items, 3)

    again, resumed = make(tmp_path)
    again.restore_latest()
    train_a_step(resumed, 3)  # without the optimizer's slots this step would differ
    assert bits(resumed) == bits(items)


def test_without_checkpoints_there_is_nothing_to_restore(tmp_path):
    assert make(tmp_path / "new")[0].restore_latest() is None
    assert not (tmp_path / "new").exists()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_checkpoint_under_the_number_of_another_is_damaged(tmp_path, warnings):
    step = tf.Variable(0, dtype=tf.int64)
    saver = Checkpoints(str(tmp_path), {"step": step})
    for number in (10, 20, 30):
        step.assign(number)
        saver.save(number)
    (tmp_path / "step-000000030").rename(tmp_path / "step-000000040")
    assert saver.restore_latest() == 20 and int(step) == 20
    (warning,) = warnings
    assert warning.startswith(f"Checkpoint {tmp_path}/step-000000040 is damaged (it holds step 30).")
    with pytest.raises(ValueError, match=r"step-000000040 is damaged \(it holds step 30\)\.$"):
        saver.restore(40)


DATA, INDEX, SUMS = "ckpt.data-00000-of-00001", "ckpt.index", "checksums.json"


@pytest.mark.parametrize(
    ("name", "damage", "reason"),
    [
        (DATA, cut, "is not what was written"),
        (DATA, flip, "is not what was written"),
        (DATA, Path.unlink, "No such file"),
        (INDEX, cut, "is not what was written"),
        (INDEX, Path.unlink, "No such file"),
        (SUMS, Path.unlink, "No such file"),
        (SUMS, cut, "Expecting|delimiter|Unterminated"),
        (SUMS, lambda path: path.write_text(""), "Expecting value"),
        (SUMS, lambda path: path.write_text("[]"), "lists no files"),
        (SUMS, lambda path: path.write_text("{}"), "lists no files"),
    ],
)
def test_a_damaged_checkpoint_is_skipped_with_a_warning(three, warnings, name, damage, reason):
    folder, saved = three
    damage(folder / "step-000000030" / name)
    before = files(folder)
    saver, items = make(folder)
    assert saver.restore_latest() == 20
    assert bits(items) == saved[1]
    (warning,) = warnings
    assert f"{folder}/step-000000030 is damaged" in warning
    assert any(word in warning for word in reason.split("|"))
    assert files(folder) == before


def test_two_damaged_checkpoints_are_skipped(three, warnings):
    folder, saved = three
    cut(folder / "step-000000030" / DATA)
    cut(folder / "step-000000020" / INDEX)
    saver, items = make(folder)
    assert saver.restore_latest() == 10
    assert bits(items) == saved[0]
    assert len(warnings) == 2


def test_if_all_are_damaged_nothing_is_restored_or_deleted(three, warnings):
    folder, _ = three
    for step in (10, 20, 30):
        cut(folder / f"step-{step:09d}" / DATA)
    before = files(folder)
    saver, items = make(folder)
    start = bits(items)
    with pytest.raises(ValueError, match="^None of the 3 checkpoints in .* is complete") as error:
        saver.restore_latest()
    assert str(folder) in str(error.value)
    assert files(folder) == before
    assert bits(items) == start


@pytest.mark.parametrize("keep", [1, 2])
def test_the_newest_are_kept(tmp_path, keep):
    saver, _ = make(tmp_path, keep)
    for step in (5, 30, 200, 1000):
        saver.save(step)
    assert saver.steps() == [5, 30, 200, 1000][-keep:]


def test_a_save_after_a_skipped_checkpoint_replaces_it(three, warnings):
    # If the damaged one counted among the newest, it would be kept and the good ones removed.
    folder, saved = three
    cut(folder / "step-000000030" / DATA)
    saver, items = make(folder, keep=1)
    assert saver.restore_latest() == 20
    saver.save(25)
    assert saver.steps() == [25]
    assert make(folder)[0].restore_latest() == 25


def test_a_damaged_checkpoint_is_replaced_when_its_step_is_reached_again(three, warnings):
    folder, _ = three
    cut(folder / "step-000000030" / DATA)
    saver, _ = make(folder)
    saver.restore_latest()
    saver.save(30)
    assert find_corruption(str(folder / "step-000000030")) is None


class Full(OSError):
    def __init__(self):
        super().__init__(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("where", ["_write_checksums", "replace", "write"])
@pytest.mark.parametrize("error", [Full, KeyboardInterrupt])
def test_a_save_that_fails_changes_nothing(three, monkeypatch, where, error):
    folder, saved = three
    before = files(folder)
    saver, items = make(folder)
    saver.restore_latest()
    train_a_step(items, 0)

    def fail(*args, **kwargs):
        raise error()

    target = {"_write_checksums": checkpoints, "replace": os, "write": tf.train.Checkpoint}[where]
    with monkeypatch.context() as patch:
        patch.setattr(target, where, fail)
        with pytest.raises(error):
            saver.save(40)
    assert files(folder) == before

    again, restored = make(folder)
    assert again.restore_latest() == 30
    assert bits(restored) == saved[2]
    saver.save(40)  # and the next one works
    assert saver.steps() == [20, 30, 40]


def test_an_error_of_tensorflow_becomes_an_os_error_in_one_line(tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise tf.errors.ResourceExhaustedError(None, None, "{{node SaveV2}} part-0; No space left on device\nat line 7")

    saver, _ = make(tmp_path)
    monkeypatch.setattr(tf.train.Checkpoint, "write", fail)
    with pytest.raises(OSError, match=r"step-000000010: part-0; No space left on device$"):
        saver.save(10)


def test_an_unfinished_checkpoint_is_ignored_and_then_removed(three):
    folder, saved = three
    shutil.copytree(folder / "step-000000030", folder / "partial-000000035")
    cut(folder / "partial-000000035" / DATA)
    saver, items = make(folder)
    assert saver.steps() == [10, 20, 30]
    assert saver.restore_latest() == 30
    assert bits(items) == saved[2]
    saver.save(40)
    assert sorted(p.name for p in folder.iterdir()) == ["step-000000020", "step-000000030", "step-000000040"]


def test_what_a_killed_process_did_not_remove_is_removed(three):
    """The oldest checkpoints, and those that were being saved or removed. A newer one, which is damaged, stays."""
    folder, _ = three
    shutil.copytree(folder / "step-000000030", folder / "partial-000000035")
    cut(folder / "step-000000030" / DATA)
    make(folder, keep=1)[0].remove_leftovers(20)
    assert sorted(p.name for p in folder.iterdir()) == ["step-000000020", "step-000000030"]


def test_half_of_a_checkpoint_is_never_found_while_it_is_removed(three, monkeypatch):
    folder, _ = three
    seen = []
    monkeypatch.setattr(shutil, "rmtree", lambda path, **_: seen.append((Path(path).name, make(folder)[0].steps())))
    make(folder, keep=2)[0].remove_leftovers(30)
    assert seen == [("partial-000000010", [20, 30])]


def test_other_files_in_the_folder_are_left_alone(three):
    folder, _ = three
    (folder / "notes.txt").write_text("mine")
    (folder / "step-000000010-best").mkdir()
    saver, _ = make(folder, keep=1)
    saver.save(40)
    assert sorted(p.name for p in folder.iterdir()) == ["notes.txt", "step-000000010-best", "step-000000040"]


def test_a_checkpoint_of_another_model_is_refused(three):
    folder, _ = three
    wider = tf.Variable(np.zeros([4, 5], np.float32))
    with pytest.raises(ValueError, match="step-000000030 belongs to another model") as error:
        Checkpoints(str(folder), {"other": wider}).restore_latest()
    assert "\n" not in str(error.value)
    _, items = make(folder)
    items["layer"] = tf.keras.layers.Dense(5)
    items["layer"].build([None, 4])
    with pytest.raises(ValueError, match="belongs to another model"):
        Checkpoints(str(folder), items).restore_latest()


def test_some_of_the_items_can_be_restored_alone(three):
    folder, saved = three
    layer = tf.keras.layers.Dense(3)
    layer.build([None, 4])
    items = {"layer": layer}
    with pytest.raises(ValueError, match="belongs to another model"):
        Checkpoints(str(folder), items).restore_latest()
    assert Checkpoints(str(folder), items).restore_latest(partial=True) == 30
    assert [v.numpy().tobytes() for v in layer.variables] == saved[2][:2]


def test_every_file_is_checksummed(three):
    folder, _ = three
    sums = json.loads((folder / "step-000000030" / SUMS).read_text())
    assert sorted(sums) == [DATA, INDEX]
    assert find_corruption(str(folder / "step-000000030")) is None
