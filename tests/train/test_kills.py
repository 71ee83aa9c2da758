"""A run that is killed at any moment ends with the same checkpoints, lines, images and points as one that never was.

tests/soak/test_kills.py kills many real runs at random moments.
"""

import math
import shutil
import signal

import pytest

from tests.support import faults, toy_training
from tests.support.dying import dying
from tests.support.odd_names import EVERYTHING
from tests.support.run_files import contents
from tests.support.training import train


@pytest.mark.parametrize("stride", [3, pytest.param(1, marks=pytest.mark.slow)])
def test_a_run_that_dies_at_any_change_of_a_file_ends_with_the_same_files(stride, tmp_path, monkeypatch, capsys):
    """Each run dies twice, the second time while it resumes or later, and then trains to the end."""
    toy_training.patch(monkeypatch, tmp_path)
    with dying(tmp_path, math.inf) as changes:
        toy_training.train(tmp_path / "straight")
    expected, count = contents(tmp_path / "straight"), changes()
    assert [line["step"] for line in expected["lines"]] == [2, 3, 3, 4, 4, 6, 6]
    assert len(expected["points"]) == 3 * 2 + 4 * 1 + 3 * 2, "grids, losses and scores"
    for at in range(0, count, stride):
        workdir = tmp_path / str(at)
        for moment in (at, 17 * at % count):
            with dying(tmp_path, moment):
                toy_training.train(workdir)
        toy_training.train(workdir)
        assert contents(workdir) == expected, f"killed at change {at} of {count}, then at {17 * at % count}"
    with capsys.disabled():
        print(f"\n{2 * len(range(0, count, stride))} deaths at {count} changes of files: the same files at the end")


def test_a_run_killed_after_its_last_checkpoint_has_all_its_files(finished, inputs, tmp_path):
    """Killed before that too, in the middle of its first steps. Code, data and run are in a folder with an odd name."""
    killed, place = -signal.SIGKILL, tmp_path / EVERYTHING
    inputs, workdir = shutil.copytree(inputs, place / "inputs"), place / "run"
    assert train(inputs, workdir, before=faults.KillAfter(0.2)).code == killed
    assert train(inputs, workdir, before=faults.KillAfterSaving(16)).code == killed
    result = train(inputs, workdir)
    assert result.code == 0 and "Already trained to 128 images" in result.out, result.err
    assert contents(workdir) == contents(finished[0])
