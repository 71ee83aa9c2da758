"""Callbacks: when they act, and what stops a run."""

import os
import signal
import time

import pytest
import tensorflow as tf

from ssgan_tf.core.schedule import Phase, Schedule
from ssgan_tf.runs.progress import CountSteps, Progress
from ssgan_tf.train import callbacks
from tests.support.driving import drive, make_model


@pytest.fixture
def model():
    return make_model()


def schedule_of(batch: int) -> Schedule:
    return Schedule((Phase(batch=batch, labeled_batch=1),))


# --- Progress.


@pytest.mark.parametrize(
    ("batch", "every", "due"),
    [(8, 16, [2, 4, 6, 8]), (8, 20, [3, 5, 8]), (8, 8, [1, 2, 3, 4, 5, 6, 7, 8]), (8, 3, [*range(1, 9)]), (8, 100, [])],
)
def test_an_interval_passes_every_n_images(batch, every, due):
    progress = Progress(0, schedule_of(batch), 64)
    seen = []
    for _ in range(8):
        progress.advance()
        if progress.passed(every):
            seen.append(progress.step)
    assert seen == due


def test_the_end_of_fit_is_due_too():
    progress = Progress(0, schedule_of(8), 64)
    progress.end = 3
    seen = []
    for _ in range(4):
        progress.advance()
        seen.append(progress.due(16, 1000))
    assert seen == [False, True, True, True]


def test_the_last_step_reaches_the_length_of_the_run():
    assert [Progress(0, schedule_of(8), images).total_steps for images in (1, 8, 9, 64)] == [1, 1, 2, 8]
    assert Progress(3, schedule_of(8), 64).images == 24


# --- The bar.


def test_the_bar_counts_images_from_where_the_run_resumes(model, capsys):
    count = CountSteps(Progress(3, schedule_of(8), 64))
    drive(model, [count], 5)
    assert count.progress.step == 8
    last = capsys.readouterr().err.split("\r")[-1]
    assert "8x8: 100%" in last and "64.0/64.0" in last and "img/s" in last
    assert last.endswith("\n")  # the next text that is printed starts on a new line


def test_the_bar_can_be_closed_at_any_time(model, capsys):
    CountSteps(Progress(0, schedule_of(8), 64)).close()  # training never began
    count = CountSteps(Progress(0, schedule_of(8), 64))
    count.set_model(model)
    count.on_train_begin()
    count.close()
    count.close()
    assert capsys.readouterr().err.endswith("\n")


# --- Non-finite losses and weights.


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_non_finite_loss_stops_the_run_and_is_named(model, value):
    stop = callbacks.StopOnNonFinite(Progress(4, schedule_of(8), 64))
    stop.on_train_batch_end(0, {"generator/adversarial": 1.0, "discriminator/r1": 1e30})
    with pytest.raises(callbacks.NonFinite) as error:
        stop.on_train_batch_end(0, {"generator/adversarial": 1.0, "discriminator/r1": value, "b": value})
    assert str(error.value).startswith(f"discriminator/r1, b became {value} at step 4 (32 images).")
    assert error.value.step == 3, "counted from 0"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_found_when_a_checkpoint_is_due(model, value):
    progress = Progress(3, schedule_of(8), 64)
    check = callbacks.CheckWeights(progress, 16)
    check.set_model(model)
    progress.advance()
    check.on_train_batch_end(0)
    model.weights[0].assign([1.0, value])
    progress.advance()
    check.on_train_batch_end(0)  # no checkpoint is due
    progress.advance()
    with pytest.raises(callbacks.NonFinite, match=r"^The weight kernel:0 became NaN or infinite at step 6 "):
        check.on_train_batch_end(0)
    with pytest.raises(callbacks.NonFinite):
        check.on_train_end()


# --- Checkpoints.


@pytest.mark.parametrize(
    ("first", "steps", "every", "saved"),
    [
        (0, 8, 16, [2, 4, 6, 8]),  # the end is saved once
        (0, 7, 16, [2, 4, 6, 7]),  # stopped early
        (3, 2, 16, [4, 5]),
        (3, 3, 1000, [6]),
        (3, 0, 16, []),  # no step was done
    ],
)
def test_checkpoints_are_saved_after_these_steps(model, first, steps, every, saved):
    seen: list[int] = []
    progress = Progress(first, schedule_of(8), 64)
    drive(model, [CountSteps(progress), callbacks.SaveCheckpoints(progress, seen.append, every)], steps)
    assert seen == saved


# --- When to stop.


def test_minutes_are_counted_over_all_segments(model, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    stop = callbacks.StopAfter(minutes=2)
    drive(model, [stop], 1)
    now[0] += 119
    drive(model, [stop], 1)  # the next segment does not reset the clock
    assert not model.stop_training
    now[0] += 1
    drive(model, [stop], 1)
    assert model.stop_training


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_after_the_current_step(model, number, capfd):
    before = signal.getsignal(number)
    stop = callbacks.StopOnSignal()
    done = []

    class Count(tf.keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            done.append(batch)
            if len(done) == 3:
                os.kill(os.getpid(), number)

    drive(model, [Count(), stop], 10)
    assert len(done) == 3
    assert stop.received == number
    assert signal.getsignal(number) is before
    assert "Press Ctrl-C again to stop at once" in capfd.readouterr().err


def test_a_second_signal_stops_at_once(model, capfd, monkeypatch):
    """A signal within a second of the first does not count: `timeout` and the terminal may both send one."""
    now = [100.0]
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: now[0])
    before = signal.getsignal(signal.SIGINT)
    stop = callbacks.StopOnSignal()
    stop.set_model(model)
    stop.on_train_begin()
    try:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        now[0] += 1
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        stop.release()
    stop.release()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_signal_that_comes_late_stops_after_the_next_step(model, capfd):
    """After the callback `stop_training` must not change in this step, since the workers have agreed to continue."""
    stop = callbacks.StopOnSignal()
    done: list[int] = []

    class Late(tf.keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            done.append(batch)
            if len(done) == 3:
                os.kill(os.getpid(), signal.SIGTERM)
                assert not self.model.stop_training

    drive(model, [stop, Late()], 10)
    assert len(done) == 4
    assert stop.received == signal.SIGTERM


def test_all_workers_stop_after_the_step_in_which_one_is_to_stop(model):
    asked: list[int] = []

    def all_reduce_max(number: int) -> int:
        asked.append(number)
        return max(number, int(len(asked) == 3))  # another worker is to stop after the third step

    drive(model, [callbacks.StopTogether(all_reduce_max)], 10)
    assert asked == [0, 0, 0]
    assert model.stop_training is True

    model.stop_training, asked[:] = False, []
    drive(model, [callbacks.StopAfter(minutes=0), callbacks.StopTogether(all_reduce_max)], 10)
    assert asked == [1]
