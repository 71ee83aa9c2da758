"""Runs that fail: losses that are not finite, and a full disk."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf import runs
from ssgan_tf.train import loop
from ssgan_tf.train.callbacks import NonFinite
from tests.support import faults
from tests.support.run_files import assert_same_bits, checkpoint_steps, logged_steps, read_checkpoint
from tests.support.training import train


def test_without_rollbacks_a_loss_that_is_not_finite_stops_the_run(inputs, tmp_path):
    result = train(inputs, tmp_path, "--set=train.rollbacks=0", before=faults.SpoilAt(5))
    assert result.code == 1
    last = result.err.splitlines()[-1]
    assert re.fullmatch(
        r"error: discriminator/adversarial, .*generator/\w+ became nan at step 6 \(48 images\)\. "
        r"Nothing was saved after the checkpoint of step 4\. .*",
        last,
    )
    assert "Traceback" not in result.err
    assert checkpoint_steps(tmp_path) == [2, 4]
    assert runs.load_run(str(tmp_path)).step == 4
    assert all(np.isfinite(v).all() for v in read_checkpoint(tmp_path, 4).values() if v.dtype.kind == "f")


def test_a_run_rolls_back_and_leaves_out_the_steps_that_failed(inputs, tmp_path):
    """Two steps are spoilt; the run ends with the bits of one that knew from the start which steps to skip."""
    result = train(inputs, tmp_path / "run", before=faults.SpoilAlways(frozenset({5, 9})))
    assert result.code == 0, result.err
    for step, checkpoint, count in ((6, 4, 1), (10, 8, 2)):
        assert re.search(
            rf"generator/\w+ became nan at step {step} .* Rolling back to the checkpoint of step {checkpoint}, to "
            rf"continue without step {step} \(rollback {count} of 3\)",
            result.err,
        )
    assert json.loads((tmp_path / "run" / "skipped_steps.json").read_text()) == [5, 9]
    assert checkpoint_steps(tmp_path / "run")[-1] == 16
    informed = tmp_path / "informed"
    informed.mkdir()
    (informed / "skipped_steps.json").write_text("[5, 9]")
    assert train(inputs, informed).code == 0
    assert_same_bits(informed, tmp_path / "run", 16)
    assert logged_steps(tmp_path / "run") == logged_steps(informed)


def test_a_run_whose_checkpoints_were_damaged_meanwhile_cannot_be_rolled_back():
    def restore_latest():
        raise ValueError("None of the 2 checkpoints can be used.")

    options = SimpleNamespace(model=None, train=SimpleNamespace(rollbacks=3))
    checkpoints = SimpleNamespace(steps=lambda: [2, 4], restore_latest=restore_latest)
    session = SimpleNamespace(config=options, checkpoints=checkpoints, strategy=tf.distribute.get_strategy())
    skipped: list[int] = []
    message = r"became nan at step 6 .* The run cannot be rolled back: None of the 2 checkpoints can be used\."
    with pytest.raises(OSError, match=message):  # exit code 2
        loop.roll_back(session, NonFinite("generator/norm", "nan", 5, 48), skipped)
    assert skipped == []


@pytest.mark.slow
def test_a_run_that_fails_too_often_stops_also_when_started_again(inputs, tmp_path):
    result = train(inputs, tmp_path, "--set=train.rollbacks=1", before=faults.SpoilAlways(frozenset({5, 6})))
    assert result.code == 1
    message = r"at step 7 \(56 images\)\. The run was rolled back 1 of 1 times before\. Nothing was saved after"
    assert re.search(message, result.err.splitlines()[-1])
    assert "Traceback" not in result.err
    again = train(inputs, tmp_path, "--set=train.rollbacks=1", before=faults.SpoilAlways(frozenset({6})))
    assert again.code == 1 and "rolled back 1 of 1" in again.err
    assert train(inputs, tmp_path, "--set=train.rollbacks=2", before=faults.SpoilAlways(frozenset({6}))).code == 0


@pytest.mark.slow
def test_an_absurd_learning_rate_stops_the_run(inputs, tmp_path):
    result = train(inputs, tmp_path, "--set=phases.learning_rate=1e30")
    assert result.code == 1
    assert re.search(r"\nerror: .*generator/\w+.* became (nan|inf) at step 1 \(8 images\)\. .* the start\.", result.err)
    assert not (tmp_path / "checkpoints").exists()


def test_the_disk_fills_up_during_training(inputs, small_disk):
    workdir = small_disk / "run"
    result = train(inputs, workdir, before=faults.FillDiskAt(5, str(small_disk)))
    assert result.code == 2
    assert "Traceback" not in result.err
    last = result.err.splitlines()[-1]
    assert last.startswith(f"error: --workdir: {str(workdir)!r} cannot be written: ")
    assert "No space left on device" in last
    assert checkpoint_steps(workdir) == [2, 4]
    assert [p.name for p in (workdir / "checkpoints").glob("partial*")] == []
    assert runs.load_run(str(workdir)).step == 4
