"""Folders that several programs use at once: a run that is read while it trains, and one folder for three exports."""

import collections
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ssgan_tf import runs
from tests.support import fakes, programs, tiny_run, training

MINUTES, LOADS, ROUNDS = 2, 50, 5
LOCKED = "error: --out: another process exports in "


@pytest.mark.slow
def test_a_run_that_goes_on_training_with_one_checkpoint_is_read(tmp_path: Path) -> None:
    """A new checkpoint replaces the last one every four steps, while the run is loaded, exported and evaluated."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fakes.Fake, "count", 240)  # so that an oracle can be trained
        patch.setattr(fakes.Fake, "readable", True)
        fakes.prepare(tmp_path / "data")
    options = "images=800_000, log_every=8000, sample_every=800_000, checkpoint_every=32, keep_checkpoints=1"
    before, _, after = fakes.CONFIG.partition("TrainOptions(")
    (tmp_path / "tiny.py").write_text(f"{before}TrainOptions({options}){after.partition(')')[2]}")
    workdir = str(tmp_path / "run")
    export = [f"--workdir={workdir}", f"--out={tmp_path / 'export'}"]
    scores = [f"--workdir={workdir}", f"--data_dir={tmp_path / 'data'}", "--samples=100", "--oracle_images=3000"]
    with ThreadPoolExecutor(1) as background:
        trained = background.submit(training.train, tmp_path, workdir, f"--minutes={MINUTES}")
        while not Path(runs.Workdir(workdir).checkpoints).is_dir():
            assert not trained.done(), trained.result().err
        steps, counts = set(), collections.Counter[str]()
        while not trained.done():
            steps |= {runs.load_run(workdir).step for _ in range(LOADS)}
            counts["loads"] += LOADS
            for module, words in (("export", export), ("evaluate", [*scores, "--metrics=psnr,l2"])):
                result = programs.run(f"ssgan_tf.{module}", *words)
                assert result.code == 0 and "damaged" not in result.err, result.err
                counts[module] += 1
        assert trained.result().code == 0
    print(f"\n{dict(counts)} of a run in training, the loads at {len(steps)} different steps")
    assert len(steps) > counts["loads"] / 10


@pytest.mark.slow
def test_of_three_exports_at_once_each_is_made_or_told_to_wait(tmp_path: Path) -> None:
    words = [f"--workdir={tiny_run.write_run(tmp_path / 'run')}", f"--out={tmp_path / 'export'}"]
    counts: collections.Counter[str] = collections.Counter()
    for _ in range(ROUNDS):
        with ThreadPoolExecutor(3) as threads:
            results = list(threads.map(lambda _: programs.run("ssgan_tf.export", *words), range(3)))
        for result in results:
            assert result.code == 0 or result.code == 2 and result.err.startswith(LOCKED), result.err
        made = sum(result.code == 0 for result in results)
        assert made
        counts["made"] += made
        counts["told to wait"] += 3 - made
        (name,) = os.listdir(tmp_path / "export")
        assert name == str(counts["made"])
    print(f"\n{ROUNDS} rounds of three exports: {dict(counts)}")
