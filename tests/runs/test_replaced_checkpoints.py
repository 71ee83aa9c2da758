"""Checkpoints that a training process replaces while another process reads them."""

import shutil
from collections.abc import Callable

import pytest
import tensorflow as tf
from absl import logging

from ssgan_tf import runs
from ssgan_tf.runs import checkpoints
from ssgan_tf.runs.checkpoints import Checkpoints, MissingError
from tests.support import tiny_run


@pytest.fixture
def training(tmp_path) -> Callable[[], None]:
    """A run that keeps one checkpoint; each call makes one step and saves it. The counter is the step."""
    counter = tf.Variable(0)
    saver = Checkpoints(str(tmp_path), {"counter": counter}, keep=1)

    def step() -> None:
        saver.save(int(counter.assign_add(1)))

    step()
    return step


@pytest.fixture
def reader(tmp_path, monkeypatch) -> tuple[Checkpoints, tf.Variable]:
    """Checkpoints of that run in another process, and its counter; a warning is an error."""
    monkeypatch.setattr(logging, "warning", lambda text, *values: pytest.fail(text % values))
    counter = tf.Variable(0)
    return Checkpoints(str(tmp_path), {"counter": counter}), counter


def before(owner, name: str, act: Callable[[], None], monkeypatch, times: int) -> None:
    """Calls `act` before each of the first `times` calls of a function, other than its own calls."""

    def call(*arguments):
        if not acting and len(calls) < times:
            acting.append(True)
            act()
            acting.clear()
            calls.append(arguments)
        return original(*arguments)

    original = getattr(owner, name)
    calls: list[tuple] = []
    acting: list[bool] = []
    monkeypatch.setattr(owner, name, call)


WHILE = [(checkpoints, "find_corruption"), (Checkpoints, "_restore"), (checkpoints.files, "sha256")]


@pytest.mark.parametrize(("owner", "name"), WHILE)
@pytest.mark.parametrize("times", [1, 3])
def test_the_newest_is_restored_whenever_the_last_one_goes(training, reader, monkeypatch, owner, name, times):
    before(owner, name, training, monkeypatch, times)
    saver, counter = reader
    step = saver.restore_latest()
    assert step == int(counter) and step > 1
    assert saver.steps() == [step] and len(saver.fingerprint) == 12


def test_checkpoints_that_go_faster_than_they_are_read_are_the_reason(training, reader, monkeypatch):
    monkeypatch.setattr(checkpoints, "_ATTEMPTS", 3)
    before(checkpoints, "find_corruption", training, monkeypatch, 3)
    with pytest.raises(MissingError, match="^Checkpoint .* is not there, or no longer: .* raise train.keep_checkp"):
        reader[0].restore_latest()


def test_a_checkpoint_that_goes_is_not_called_damaged_and_not_of_another_model(training, reader, monkeypatch):
    before(Checkpoints, "_restore", training, monkeypatch, 1)
    with pytest.raises(MissingError, match="step-000000001 is not there, or no longer"):
        reader[0].restore(1)
    with pytest.raises(MissingError, match="step-000000099 is not there"):
        reader[0].restore(99)


def test_a_loaded_run_needs_its_checkpoint_no_longer(tmp_path):
    workdir = str(tiny_run.write_run(tmp_path / "run"))
    run = runs.load_run(workdir)
    shutil.rmtree(runs.Workdir(workdir).checkpoints)
    assert len(run.fingerprint) == 12
    with pytest.raises(FileNotFoundError, match="^workdir: .* does not contain a checkpoint yet"):
        runs.load_run(workdir)
    with pytest.raises(ValueError, match="^workdir: Checkpoint .*step-000000007 is not there"):
        runs.load_run(workdir, tiny_run.STEP)
