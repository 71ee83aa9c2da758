"""Forty kills at random moments, ten for each of four runs, some of them while it saves, plots or scores.

Each run ends with the same files as one that was never killed.
"""

import collections
import signal
from pathlib import Path

import numpy as np
import pytest

from ssgan_tf.runs.checkpoints import find_corruption
from tests.support import fakes, faults, programs, training
from tests.support.run_files import assert_same_bits, checkpoint_steps, contents

KILLS, STEPS, EVERY = 10, 60, 3
INTERVALS = {"log": 1, "checkpoint": EVERY, "sample": 6, "metrics": 8}  # steps
LONGEST = 1.0  # seconds from a step to a kill: about the time of a grid or of scores


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    """A folder with tiny.py, and with data/ that has enough labels for an oracle."""
    folder = tmp_path_factory.mktemp("inputs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fakes.Fake, "count", 240)
        patch.setattr(fakes.Fake, "readable", True)
        fakes.prepare(folder / "data")
    (folder / "tiny.py").write_text(fakes.CONFIG)
    return folder


@pytest.fixture(scope="module")
def straight(inputs, tmp_path_factory) -> Path:
    """A run that is never killed."""
    workdir = tmp_path_factory.mktemp("runs") / "straight"
    assert train(inputs, workdir).code == 0
    return workdir


def train(inputs: Path, workdir: Path, before=None) -> programs.Result:
    changes = {f"{name}_every": 8 * steps for name, steps in INTERVALS.items()}
    changes |= {"images": 8 * STEPS, "metrics_samples": 100}
    flags = [f"--set=train.{name}={value}" for name, value in changes.items()]
    return training.train(inputs, workdir, "--oracle_images=640", *flags, before=before)


def left_behind(workdir: Path) -> set[str]:
    """Returns what the kill has interrupted, or left that is newer than the last checkpoint."""
    steps = checkpoint_steps(workdir)
    folders = [str(workdir / "checkpoints" / f"step-{step:09d}") for step in steps]
    assert [find_corruption(folder) for folder in folders] == [None] * len(folders), "a checkpoint is half-written"
    last, found = max(steps, default=0), set()
    if any((workdir / "checkpoints").glob("partial-*")):
        found.add("half a checkpoint")
    if len(steps) > 3:
        found.add("one checkpoint too many")
    log = workdir / "metrics.jsonl"
    lines = [line for line in log.read_text().split("\n") if line] if log.exists() else []
    if any(f'"step": {step},' in line for line in lines for step in range(last + 1, last + EVERY + 1)):
        found.add("lines")
    if [path for path in (workdir / "samples").glob("*-*.png") if int(path.stem[-9:]) > 8 * last]:
        found.add("images")
    if any(workdir.rglob("*.tmp")):
        found.add("half a file")
    return found or {"nothing"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_run_killed_at_random_moments_ends_with_the_same_files(seed, straight, inputs, tmp_path, capsys):
    workdir, rng, found = tmp_path / "killed", np.random.default_rng(seed), collections.Counter()
    for step in np.sort(rng.integers(1, STEPS, KILLS)):
        last = max(checkpoint_steps(workdir), default=0)
        result = train(inputs, workdir, faults.KillAfter(float(rng.uniform(0, LONGEST)), int(step)))
        assert result.code == -signal.SIGKILL, f"after step {step}: {result.err}"
        assert max(checkpoint_steps(workdir), default=0) >= last
        found.update(left_behind(workdir))
    assert train(inputs, workdir, faults.KillAfterSaving(STEPS)).code == -signal.SIGKILL
    result = train(inputs, workdir)
    assert result.code == 0 and "Already trained" in result.out, result.err
    expected, killed = contents(straight), contents(workdir)
    assert killed.keys() == expected.keys()
    assert [name for name in expected if killed[name] != expected[name] and "ckpt" not in name] == []
    for step in checkpoint_steps(workdir):
        assert_same_bits(straight, workdir, step)
    with capsys.disabled():
        print(
            f"\n{KILLS + 1} kills (seed {seed}) of a run of {STEPS} steps left behind: {dict(found)}.\nEqual to those "
            f"of a run that was never killed: {len(expected['lines'])} lines, {len(expected['points'])} points of "
            f"TensorBoard, {sum(name.endswith('.png') for name in expected)} images, {len(checkpoint_steps(workdir))} "
            "checkpoints."
        )
