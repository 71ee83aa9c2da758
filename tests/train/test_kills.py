"""A run that is killed again and again, at any moment, ends with the same bits as one that never was."""

import json
import re
import signal
from pathlib import Path

import numpy as np
import pytest

from ssgan_tf.runs.checkpoints import find_corruption
from tests.support import faults, programs, training
from tests.support.run_files import assert_same_bits, checkpoint_steps

EVERY = 3  # steps between two checkpoints


def train(inputs: Path, workdir: Path, steps: int, before=None) -> programs.Result:
    changes = {
        "images": 8 * steps,
        "checkpoint_every": 8 * EVERY,
        "sample_every": 8 * steps,
        "log_every": 8,
    }
    return training.train(inputs, workdir, *(f"--set=train.{k}={v}" for k, v in changes.items()), before=before)


def last_logged(workdir: Path) -> int:
    """Returns the step of the last complete line of metrics.jsonl, or 0."""
    path = workdir / "metrics.jsonl"
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return json.loads(lines[-1])["step"] if lines else 0


def complete_checkpoints(workdir: Path) -> list[int]:
    """Returns the steps of the checkpoints; fails if one is not complete."""
    steps = checkpoint_steps(workdir)
    folders = [str(workdir / "checkpoints" / f"step-{step:09d}") for step in steps]
    assert [find_corruption(folder) for folder in folders] == [None] * len(folders), "a checkpoint is half-written"
    return steps


@pytest.mark.parametrize(("kills", "steps"), [(3, 36), pytest.param(30, 600, marks=pytest.mark.slow)])
def test_a_run_killed_at_random_moments_ends_with_the_same_bits(kills, steps, inputs, tmp_path):
    assert train(inputs, tmp_path / "straight", steps).code == 0
    workdir, rng, while_saving = tmp_path / "killed", np.random.default_rng(kills), 0
    for _ in range(kills):
        # Saving takes half of a step's time here, so many kills come during a save.
        result = train(inputs, workdir, steps, faults.KillAfter(float(rng.uniform(0, 0.3))))
        assert result.code == -signal.SIGKILL, result.err
        found = complete_checkpoints(workdir)
        assert last_logged(workdir) - max(found, default=0) < EVERY, "more than one interval is lost"
        while_saving += any((workdir / "checkpoints").glob("partial-*"))
    result = train(inputs, workdir, steps)
    assert result.code == 0, result.err
    if found:
        assert re.search(rf"Resuming from step {max(found)} ", result.out)
    assert kills < 30 or while_saving >= 3, "too few kills came during a save"
    assert_same_bits(tmp_path / "straight", workdir, steps)
    assert last_logged(workdir) == steps
