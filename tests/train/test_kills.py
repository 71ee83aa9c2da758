"""A run that is killed again and again, at any moment, ends with the bits of one that never was."""

import json
import re
import signal
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.runs.checkpoints import find_corruption
from tests.support import fakes

EVERY = 3  # a checkpoint every three steps


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    fakes.prepare(folder / "data")
    (folder / "tiny.py").write_text(fakes.CONFIG)
    return folder


def train(inputs: Path, workdir: Path, steps: int, before=None) -> fakes.Result:
    flags = [
        f"--config={inputs}/tiny.py",
        f"--data_dir={inputs}/data",
        f"--workdir={workdir}",
        f"--set=train.images={8 * steps}",
        f"--set=train.checkpoint_every={8 * EVERY}",
        f"--set=train.sample_every={8 * steps}",
        "--set=train.log_every=8",
    ]
    return fakes.run("ssgan_tf.train", *flags, before=before)


def last_logged(workdir: Path) -> int:
    """The last step of which a line was written whole."""
    path = workdir / "metrics.jsonl"
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return json.loads(lines[-1])["step"] if lines else 0


def whole_checkpoints(workdir: Path) -> list[int]:
    folders = sorted((workdir / "checkpoints").glob("step-*"))
    assert [find_corruption(str(folder)) for folder in folders] == [None] * len(folders), "none is half-written"
    return [int(folder.name.removeprefix("step-")) for folder in folders]


def weights(workdir: Path, step: int) -> dict[str, np.ndarray]:
    reader = tf.train.load_checkpoint(str(workdir / "checkpoints" / f"step-{step:09d}" / "ckpt"))
    names = [name for name in reader.get_variable_to_shape_map() if name != "_CHECKPOINTABLE_OBJECT_GRAPH"]
    return {name: reader.get_tensor(name) for name in names}


@pytest.mark.parametrize(("kills", "steps"), [(3, 36), pytest.param(30, 600, marks=pytest.mark.slow)])
def test_a_run_killed_at_random_moments_ends_with_the_same_bits(kills, steps, inputs, tmp_path):
    assert train(inputs, tmp_path / "straight", steps).code == 0
    workdir, rng, while_saving = tmp_path / "killed", np.random.default_rng(kills), 0
    for _ in range(kills):
        # Half of a step's time goes into checkpoints here, so that many a kill comes in the middle of one.
        result = train(inputs, workdir, steps, fakes.KillAfter(float(rng.uniform(0, 0.3))))
        assert result.code == -signal.SIGKILL, result.err
        found = whole_checkpoints(workdir)
        assert last_logged(workdir) - max(found, default=0) < EVERY, "more than one interval is lost"
        while_saving += any((workdir / "checkpoints").glob("partial-*"))
    result = train(inputs, workdir, steps)
    assert result.code == 0, result.err
    if found:
        assert re.search(rf"Resuming from step {max(found)} ", result.out)
    assert kills < 30 or while_saving >= 3, "some came during a save"
    expected = weights(tmp_path / "straight", steps)
    for name, value in weights(workdir, steps).items():
        assert np.array_equal(value, expected[name]), name
    assert last_logged(workdir) == steps
