"""Resumed runs end with the same bits as a run that was never stopped."""

import signal

import pytest

from tests.support import fakes, faults
from tests.support.run_files import assert_same_bits, checkpoint_steps, logged_steps
from tests.support.training import cut, train


@pytest.mark.parametrize("growing", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_run_stopped_in_every_way_ends_with_the_same_bits(growing, finished, inputs, tmp_path, request):
    """Stopped by length, by SIGKILL while saving, by Ctrl-C and by --minutes, and resumed from a damaged checkpoint.

    The last part uses another strategy, which on one device is the same computation. The growing run trains at 8x8 up
    to step 4, where it is stopped too, fades in 16x16 up to step 8, and continues at 16x16.
    """
    straight, _ = finished
    workdir = tmp_path / "resumed"
    if growing:
        inputs, straight = tmp_path, tmp_path / "straight"
        fakes.Fake.resolution = 16
        request.addfinalizer(lambda: setattr(fakes.Fake, "resolution", 8))
        fakes.prepare(inputs / "data")
        (inputs / "tiny.py").write_text(fakes.GROWING_CONFIG)
        assert train(inputs, straight).code == 0
    every_step = ["--set=train.log_every=8"]

    # Stopped by its length.
    result = train(inputs, workdir, *every_step, "--set=train.images=24")
    assert (result.code, checkpoint_steps(workdir)) == (0, [2, 3]), result.err
    if growing:
        result = train(inputs, workdir, *every_step, "--set=train.images=32")
        assert (result.code, checkpoint_steps(workdir)) == (0, [2, 3, 4]), result.err

    # Killed while saving.
    result = train(inputs, workdir, *every_step, before=faults.KillWhileSaving(8))
    assert (result.code, checkpoint_steps(workdir)) == (-signal.SIGKILL, [3, 4, 6])
    assert (workdir / "checkpoints" / "partial-000000008").is_dir()
    assert logged_steps(workdir) == [*range(1, 9)]  # 7 and 8 are newer than the checkpoint

    # Stopped by Ctrl-C.
    result = train(inputs, workdir, *every_step, before=faults.SignalAt(9, signal.SIGINT))
    assert (result.code, checkpoint_steps(workdir)) == (130, [6, 8, 9])
    assert "Resuming from step 6 (48 images)" in result.out
    assert result.out.endswith("Stopped at 72 images with everything saved. The same command resumes from there.\n")
    assert "Traceback" not in result.err
    assert logged_steps(workdir) == [*range(1, 10)]

    # Stopped by --minutes.
    result = train(inputs, workdir, *every_step, "--minutes=0.00001")
    assert (result.code, checkpoint_steps(workdir)) == (0, [8, 9, 10])
    assert (workdir / "samples" / "samples-000000080.png").exists()

    # Resumed from the checkpoint before the damaged one, under another strategy.
    cut(workdir / "checkpoints" / "step-000000010" / "ckpt.data-00000-of-00001")
    result = train(inputs, workdir, "--strategy=mirrored")
    assert (result.code, checkpoint_steps(workdir)) == (0, [12, 14, 16])
    assert "step-000000010 is damaged (ckpt.data-00000-of-00001 is not what was written)" in result.err
    assert "Resuming from step 9" in result.out

    assert logged_steps(workdir) == [*range(1, 10), 10, 12, 14, 16]
    assert_same_bits(straight, workdir, 16)
    name = "samples/samples-000000128.png"
    assert (straight / name).read_bytes() == (workdir / name).read_bytes()
