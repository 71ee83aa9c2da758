"""`train.run`: training as a function, several times in this process."""

import dataclasses
import os
import signal
from pathlib import Path

import pytest
import tensorflow as tf

from ssgan_tf import config as configs
from ssgan_tf import train
from ssgan_tf.runs import Run, Workdir
from tests.support.run_files import assert_same_bits, checkpoint_steps, logged_steps
from tests.support.training import cut


@pytest.fixture
def handlers():
    """Signal handlers of SIGINT and SIGTERM that are set before training, and must be there afterwards."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    own = [lambda number, frame: pytest.fail("the previous handler was called") for _ in numbers]
    for number, handler in zip(numbers, own, strict=True):
        signal.signal(number, handler)
    yield own
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


class Steps(tf.keras.callbacks.Callback):
    """Counts steps, and sends this process a signal after one of them."""

    def __init__(self, signal_after: int = 0):
        super().__init__()
        self.count = 0
        self.signal_after = signal_after

    def on_train_batch_end(self, batch, logs=None):
        assert {"generator/adversarial", "discriminator/adversarial"} <= set(logs)
        self.count += 1
        if self.count == self.signal_after:
            os.kill(os.getpid(), signal.SIGINT)


def config(inputs: Path, **changes) -> configs.Config:
    result = configs.load_config(f"{inputs}/tiny.py")
    return dataclasses.replace(result, train=dataclasses.replace(result.train, **changes))


def assert_unlocked(workdir: Path) -> None:
    Workdir(str(workdir)).lock().close()


@pytest.fixture(scope="module")
def stopped(inputs, tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("runs") / "run"


def test_a_signal_stops_it_with_everything_saved(inputs, stopped, handlers):
    steps = Steps(signal_after=5)
    with pytest.raises(train.Stopped, match="everything saved") as error:
        train.run(config(inputs), str(stopped), f"{inputs}/data", callbacks=[steps], quiet=True)
    assert error.value.signal_number == signal.SIGINT
    assert steps.count == 5 and checkpoint_steps(stopped) == [2, 4, 5]
    assert logged_steps(stopped) == [2, 4, 5]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert_unlocked(stopped)


def test_the_next_call_resumes_quietly_and_returns_the_run(inputs, finished, stopped, handlers, capsys):
    """The run ends with the same bits as one that the program trained without a stop."""
    steps = Steps()
    run = train.run(config(inputs), str(stopped), f"{inputs}/data", callbacks=[steps], quiet=True)
    assert capsys.readouterr() == ("", "")
    assert steps.count == 11
    assert isinstance(run, Run) and (run.step, run.images) == (16, 128)
    assert repr(run) == (
        f"<Run '{stopped}': semi_stylegan at 8x8 on fake/tiny, 128 of 128 images, factors angle, hue, shape>"
    )
    assert run.model.generate(tf.zeros([2, 4]), tf.zeros([2, 3])).shape == (2, 8, 8, 3)
    assert_same_bits(finished[0], stopped, 16)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_a_trained_run_is_returned_at_once(inputs, workdir, capsys):
    for _ in range(2):
        steps = Steps()
        run = train.run(f"{inputs}/tiny.py", str(workdir), f"{inputs}/data", callbacks=[steps])
        assert capsys.readouterr().out.endswith("Already trained to 128 images; raise train.images to continue.\n")
        assert (run.images, steps.count) == (128, 0)
    assert_unlocked(workdir)


def test_a_longer_run_continues_and_shows_a_bar(inputs, workdir, capsys):
    run = train.run(config(inputs, images=136), str(workdir), f"{inputs}/data")
    assert (run.step, checkpoint_steps(workdir)) == (17, [14, 16, 17])
    captured = capsys.readouterr()
    assert "Resuming from step 16 (128 images)." in captured.out and "136/136" in captured.err


def test_a_run_of_another_config_is_refused_and_left_unlocked(inputs, workdir):
    before = Workdir(str(workdir)).read_config()
    with pytest.raises(ValueError, match="^workdir: .* contains a run of another config .train.seed: expected 0, rec"):
        train.run(config(inputs, seed=1), str(workdir), f"{inputs}/data", quiet=True)
    assert Workdir(str(workdir)).read_config() == before
    assert_unlocked(workdir)


@pytest.mark.parametrize("file", ["data.json", "checkpoints"])
def test_what_is_wrong_inside_the_workdir_leaves_it_unlocked(file, inputs, workdir):
    """These files are read under the lock. A notebook holds the last exception, and with it the frames that raised."""
    if file == "data.json":
        (workdir / file).write_text("{")
    for path in (workdir / "checkpoints").glob("*/ckpt.index") if file == "checkpoints" else ():
        cut(path)
    with pytest.raises(ValueError, match="data.json is not a record|None of the 3 checkpoints") as held:
        train.run(config(inputs), str(workdir), f"{inputs}/data", quiet=True)
    assert_unlocked(workdir)
    assert held.value.__traceback__ is not None


def test_callbacks_that_fail_leave_the_workdir_unlocked(inputs, workdir, handlers):
    class Fail(tf.keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise RuntimeError("a bug of the caller")

    with pytest.raises(RuntimeError, match="a bug of the caller"):
        train.run(config(inputs, images=144), str(workdir), f"{inputs}/data", callbacks=[Fail()], quiet=True)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert_unlocked(workdir)
