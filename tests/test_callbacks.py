"""Callbacks: when they act, what they write, and what stops a run."""

import io
import json
import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from ssgan_tf import callbacks, logs
from ssgan_tf.progress import Progress


@pytest.fixture
def model():
    """What the callbacks know of a model."""
    result = SimpleNamespace(stop_training=False, stage="8x8", resets=0)
    result.weights = [tf.Variable([1.0, 2.0], name="kernel"), tf.Variable(7, name="counter")]
    result.reset_metrics = lambda: setattr(result, "resets", result.resets + 1)
    return result


def drive(model, every: list, steps: int, logs=lambda step: {}) -> None:
    """What `fit` does with callbacks."""
    for callback in every:
        callback.set_model(model)
        callback.on_train_begin()
    for step in range(steps):
        for callback in every:
            callback.on_train_batch_end(step, logs(step + 1))
        if model.stop_training:
            break
    for callback in every:
        callback.on_train_end()


def events(workdir: Path) -> list[tuple[str, int, np.ndarray]]:
    """(tag, step, value) of everything that TensorBoard would show."""
    found = []
    for path in sorted((workdir / "tensorboard").iterdir()):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            found += [(value.tag, event.step, tf.make_ndarray(value.tensor)) for value in event.summary.value]
    return found


def lines(workdir: Path) -> list[dict]:
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


# --- Progress.


@pytest.mark.parametrize(
    ("batch", "every", "due"),
    [(8, 16, [2, 4, 6, 8]), (8, 20, [3, 5, 8]), (8, 8, [1, 2, 3, 4, 5, 6, 7, 8]), (8, 3, [*range(1, 9)]), (8, 100, [])],
)
def test_what_is_due_every_n_images(batch, every, due):
    progress = Progress(0, batch, 64)
    seen = []
    for _ in range(8):
        progress.step += 1
        if progress.passed(every):
            seen.append(progress.step)
    assert seen == due


def test_the_last_step_reaches_the_length_of_the_run():
    assert [Progress(0, 8, images).total_steps for images in (1, 8, 9, 64)] == [1, 1, 2, 8]
    assert Progress(3, 8, 64).images == 24


# --- The bar.


def test_the_bar_counts_images_from_where_the_run_goes_on(model, capsys):
    count = callbacks.CountSteps(Progress(3, 8, 64))
    drive(model, [count], 5)
    assert count.progress.step == 8
    last = capsys.readouterr().err.split("\r")[-1]
    assert "8x8: 100%" in last and "64.0/64.0" in last and "img/s" in last
    assert last.endswith("\n")  # what is printed next has a line of its own


def test_the_bar_can_be_closed_at_any_time(model, capsys):
    callbacks.CountSteps(Progress(0, 8, 64)).close()  # training never began
    count = callbacks.CountSteps(Progress(0, 8, 64))
    count.set_model(model)
    count.on_train_begin()
    count.close()
    count.close()
    assert capsys.readouterr().err.endswith("\n")


# --- Non-finite losses and weights.


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_non_finite_loss_stops_the_run_and_is_named(model, value):
    stop = callbacks.StopOnNonFinite(Progress(4, 8, 64), lambda: "the checkpoint of step 2")
    stop.on_train_batch_end(0, {"generator/adversarial": 1.0, "discriminator/r1": 1e30})
    with pytest.raises(callbacks.NonFiniteLoss) as error:
        stop.on_train_batch_end(0, {"generator/adversarial": 1.0, "discriminator/r1": value, "b": value})
    assert str(error.value).startswith(f"discriminator/r1, b became {value} at step 4 (32 images).")
    assert "the checkpoint of step 2" in str(error.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_never_saved(model, value):
    saved: list[int] = []
    progress = Progress(4, 8, 64)
    save = callbacks.SaveCheckpoints(progress, saved.append, every=16)
    save.set_model(model)
    save.on_train_batch_end(0)
    model.weights[0].assign([1.0, value])
    progress.step = 6
    with pytest.raises(callbacks.NonFiniteLoss, match=r"^The weight kernel:0 .* by step 6 \(48 images\); it was not"):
        save.on_train_batch_end(0)
    with pytest.raises(callbacks.NonFiniteLoss):
        save.on_train_end()
    assert saved == [4]


# --- Checkpoints.


@pytest.mark.parametrize(
    ("first", "steps", "every", "saved"),
    [
        (0, 8, 16, [2, 4, 6, 8]),  # the end is saved once
        (0, 7, 16, [2, 4, 6, 7]),  # stopped early
        (3, 2, 16, [4, 5]),
        (3, 3, 1000, [6]),
        (3, 0, 16, []),  # nothing was done
    ],
)
def test_when_checkpoints_are_saved(model, first, steps, every, saved):
    seen: list[int] = []
    progress = Progress(first, 8, 64)
    drive(model, [callbacks.CountSteps(progress), callbacks.SaveCheckpoints(progress, seen.append, every)], steps)
    assert seen == saved


# --- metrics.jsonl and scalars.


def test_every_line_holds_the_means_since_the_one_before(model, tmp_path):
    progress = Progress(0, 8, 64)
    every = [callbacks.CountSteps(progress), logs.Log(progress, str(tmp_path), every=24)]
    drive(model, every, 8, lambda step: {"a": step / 2, "b": -1.0})
    written = lines(tmp_path)
    assert [(line["step"], line["images"], line["a"], line["b"]) for line in written] == [
        (3, 24, 1.5, -1.0),
        (6, 48, 3.0, -1.0),
        (8, 64, 4.0, -1.0),  # the end, though it is not due
    ]
    assert model.resets == 3
    assert all(line["images_per_second"] > 0 for line in written)
    scalars = [(tag, step, float(value)) for tag, step, value in events(tmp_path) if tag == "a"]
    assert scalars == [("a", 24, 1.5), ("a", 48, 3.0), ("a", 64, 4.0)]


def test_the_end_is_not_written_twice(model, tmp_path):
    progress = Progress(0, 8, 64)
    drive(model, [callbacks.CountSteps(progress), logs.Log(progress, str(tmp_path), every=16)], 4)
    assert [line["step"] for line in lines(tmp_path)] == [2, 4]


def test_a_resumed_run_drops_the_lines_that_it_will_write_again(tmp_path):
    texts = [json.dumps({"step": step, "a": 1.0}) + "\n" for step in (2, 4, 6, 8)]
    (tmp_path / "metrics.jsonl").write_text("".join(texts) + '{"step": 10, "a"')  # killed while it was writing
    logs.Log(Progress(6, 8, 64), str(tmp_path), every=8)
    assert (tmp_path / "metrics.jsonl").read_text() == "".join(texts[:3])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["metrics.jsonl", "tensorboard"]


# --- Pictures.


def test_pictures_are_written_when_due_and_at_the_end(model, tmp_path):
    pages = iter(np.random.default_rng(0).integers(0, 256, [10, 5, 7, 3], np.uint8))
    drawn = []

    def draw():
        drawn.append(next(pages))
        return {"samples": drawn[-1]}

    progress = Progress(0, 8, 64)
    drive(model, [callbacks.CountSteps(progress), logs.DrawSamples(progress, str(tmp_path), 24, draw)], 7)
    names = [f"samples-{images:09d}.png" for images in (24, 48, 56)]
    assert sorted(p.name for p in (tmp_path / "samples").iterdir()) == names
    for name, page in zip(names, drawn, strict=True):
        assert np.array_equal(np.asarray(Image.open(tmp_path / "samples" / name)), page)
    shown = events(tmp_path)
    assert [(tag, step) for tag, step, _ in shown] == [("samples", 24), ("samples", 48), ("samples", 56)]
    for (_, _, (width, height, png)), page in zip(shown, drawn, strict=True):
        assert (width, height) == (b"7", b"5")
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), page)


def test_the_last_picture_is_drawn_once(model, tmp_path):
    progress = Progress(0, 8, 64)
    count = []
    draw = logs.DrawSamples(progress, str(tmp_path), 16, lambda: count.append(0) or {})
    drive(model, [callbacks.CountSteps(progress), draw], 4)
    assert len(count) == 2


# --- When to stop.


def test_minutes_end_the_run_and_go_on_over_segments(model, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    stop = callbacks.StopAfter(minutes=2)
    drive(model, [stop], 1)
    now[0] += 119
    drive(model, [stop], 1)  # the next segment: the clock is not set back
    assert not model.stop_training
    now[0] += 1
    drive(model, [stop], 1)
    assert model.stop_training


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_after_the_step_at_hand(model, number, capfd):
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
    assert "once more stops at once" in capfd.readouterr().err


def test_a_second_signal_stops_at_once(model, capfd):
    before = signal.getsignal(signal.SIGINT)
    stop = callbacks.StopOnSignal()
    stop.set_model(model)
    stop.on_train_begin()
    try:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        stop.release()
    stop.release()
    assert signal.getsignal(signal.SIGINT) is before
