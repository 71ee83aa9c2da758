"""Losses, image grids and scores that a run writes, in files and in TensorBoard."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from ssgan_tf.core.schedule import Phase, Schedule
from ssgan_tf.runs import Workdir
from ssgan_tf.runs.progress import CountSteps, Progress
from ssgan_tf.train.metric_logging import LogLosses, LogScores, PlotSamples
from tests.support.driving import drive, make_model
from tests.support.run_files import read_events, read_log


@pytest.fixture
def model():
    return make_model()


# --- metrics.jsonl and scalars.


def test_every_line_has_the_means_since_the_previous_line(model, tmp_path):
    progress = Progress(0, Schedule((Phase(batch=8, labeled_batch=1),)), 64)
    log = LogLosses(progress, Workdir(str(tmp_path)), every=24)
    drive(model, [CountSteps(progress), log], 8, lambda step: {"a": step / 2, "b": -1.0})
    written = read_log(tmp_path)
    assert [(line["step"], line["images"], line["a"], line["b"]) for line in written] == [
        (3, 24, 1.5, -1.0),
        (6, 48, 3.0, -1.0),
        (8, 64, 4.0, -1.0),  # the end, before the interval has passed
    ]
    assert model.resets == 3
    assert all(line["images_per_second"] > 0 for line in written)
    scalars = [(tag, step, float(value)) for tag, step, value in read_events(tmp_path) if tag == "a"]
    assert scalars == [("a", 24, 1.5), ("a", 48, 3.0), ("a", 64, 4.0)]


def test_the_end_is_not_written_twice(model, tmp_path):
    progress = Progress(0, Schedule((Phase(batch=8, labeled_batch=1),)), 64)
    drive(model, [CountSteps(progress), LogLosses(progress, Workdir(str(tmp_path)), every=16)], 4)
    assert [line["step"] for line in read_log(tmp_path)] == [2, 4]


def test_a_resumed_run_drops_the_lines_it_will_write_again(tmp_path):
    texts = [json.dumps({"step": step, "a": 1.0}) + "\n" for step in (2, 4, 6, 8)]
    (tmp_path / "metrics.jsonl").write_text("".join(texts) + '{"step": 10, "a"')  # killed while writing
    LogLosses(Progress(6, Schedule((Phase(batch=8, labeled_batch=1),)), 64), Workdir(str(tmp_path)), every=8)
    assert (tmp_path / "metrics.jsonl").read_text() == "".join(texts[:3])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["metrics.jsonl", "tensorboard"]


# --- Image grids.


def test_grids_are_written_at_intervals_and_at_the_end(model, tmp_path):
    grids = iter(np.random.default_rng(0).integers(0, 256, [10, 5, 7, 3], np.uint8))
    plotted = []

    def plot():
        plotted.append(next(grids))
        return {"samples": plotted[-1]}

    progress = Progress(0, Schedule((Phase(batch=8, labeled_batch=1),)), 64)
    drive(model, [CountSteps(progress), PlotSamples(progress, Workdir(str(tmp_path)), 24, plot)], 7)
    names = [f"samples-{images:09d}.png" for images in (24, 48, 56)]
    assert sorted(p.name for p in (tmp_path / "samples").iterdir()) == names
    for name, grid in zip(names, plotted, strict=True):
        assert np.array_equal(np.asarray(Image.open(tmp_path / "samples" / name)), grid)
    shown = read_events(tmp_path)
    assert [(tag, step) for tag, step, _ in shown] == [("samples", 24), ("samples", 48), ("samples", 56)]
    for (_, _, (width, height, png)), grid in zip(shown, plotted, strict=True):
        assert (width, height) == (b"7", b"5")
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), grid)


def test_the_last_grid_is_plotted_once(model, tmp_path):
    progress = Progress(0, Schedule((Phase(batch=8, labeled_batch=1),)), 64)
    calls = []
    plot = PlotSamples(progress, Workdir(str(tmp_path)), 16, lambda: calls.append(0) or {})
    drive(model, [CountSteps(progress), plot], 4)
    assert len(calls) == 2


# --- Scores.


def test_scores_are_lines_and_scalars_at_intervals_and_at_the_end(model, tmp_path):
    progress, scores = Progress(0, Schedule((Phase(batch=8, labeled_batch=1),)), 64), iter([0.25, 0.5, 0.75])
    log = LogLosses(progress, Workdir(str(tmp_path)), every=48)
    log_scores = LogScores(progress, Workdir(str(tmp_path)), 24, lambda: {"mig": next(scores), "mig_gen": 1.0})
    drive(model, [CountSteps(progress), log, log_scores], 7, lambda step: {"a": 0.0})
    found = [line for line in read_log(tmp_path) if "scores/mig" in line]
    assert [(line["step"], line["images"], line["scores/mig"], line["scores/mig_gen"]) for line in found] == [
        (3, 24, 0.25, 1.0),
        (6, 48, 0.5, 1.0),
        (7, 56, 0.75, 1.0),
    ]
    assert [line["step"] for line in read_log(tmp_path) if "a" in line] == [6, 7]
    scalars = [(tag, step, float(value)) for tag, step, value in read_events(tmp_path) if tag == "scores/mig"]
    assert scalars == [("scores/mig", 24, 0.25), ("scores/mig", 48, 0.5), ("scores/mig", 56, 0.75)]


def test_a_resumed_run_drops_the_scores_it_will_compute_again(tmp_path):
    texts = [json.dumps({"step": step, "scores/mig": 1.0}) + "\n" for step in (2, 4, 6, 8)]
    (tmp_path / "metrics.jsonl").write_text("".join(texts))
    progress = Progress(4, Schedule((Phase(batch=8, labeled_batch=1),)), 64)
    LogLosses(progress, Workdir(str(tmp_path)), every=8)
    LogScores(progress, Workdir(str(tmp_path)), 8, lambda: {})
    assert (tmp_path / "metrics.jsonl").read_text() == "".join(texts[:2])
