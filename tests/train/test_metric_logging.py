"""Losses, image grids and scores that a run writes, in files and in TensorBoard."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssgan_tf.core.schedule import Phase, Schedule
from ssgan_tf.runs import Workdir
from ssgan_tf.runs.progress import CountSteps, Progress
from ssgan_tf.train.metric_logging import LogLosses, LogScores, PlotSamples
from ssgan_tf.train.run_log import RunLog
from tests.support.driving import drive, make_model
from tests.support.run_files import logged_steps, read_events, read_log


@pytest.fixture
def model():
    return make_model()


def start(folder: Path) -> tuple[Progress, RunLog]:
    """Returns the progress and the log of a new run of 8 steps."""
    progress = Progress(0, Schedule((Phase(batch=8, labeled_batch=1),)), 64)
    return progress, RunLog(Workdir(str(folder)), progress)


# --- metrics.jsonl and scalars.


def test_every_line_has_the_means_since_the_previous_line(model, tmp_path):
    progress, log = start(tmp_path)
    losses = LogLosses(progress, log, every=24, checkpoint_every=1000)
    drive(model, [CountSteps(progress), losses], 8, lambda step: {"a": step / 2, "b": -1.0})
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
    progress, log = start(tmp_path)
    drive(model, [CountSteps(progress), LogLosses(progress, log, 16, checkpoint_every=1000)], 4)
    assert logged_steps(tmp_path) == [2, 4]


@pytest.mark.parametrize("written", [True, False])
def test_the_means_begin_anew_at_a_checkpoint_as_they_do_in_a_run_that_resumes_from_it(written, model, tmp_path):
    """On workers that write nothing, too."""
    progress, log = start(tmp_path)
    losses = LogLosses(progress, log if written else None, every=24, checkpoint_every=16)
    drive(model, [CountSteps(progress), losses], 8, lambda step: {"a": 0.0})
    assert model.resets == 5
    assert not written or logged_steps(tmp_path) == [2, 3, 4, 6, 8]


# --- Image grids.


def test_grids_are_written_at_intervals_and_at_the_end(model, tmp_path):
    grids = iter(np.random.default_rng(0).integers(0, 256, [10, 5, 7, 3], np.uint8))
    plotted = []

    def plot():
        plotted.append(next(grids))
        return {"samples": plotted[-1]}

    progress, log = start(tmp_path)
    drive(model, [CountSteps(progress), PlotSamples(progress, log, 24, plot)], 7)
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
    progress, log = start(tmp_path)
    calls = []
    plot = PlotSamples(progress, log, 16, lambda: calls.append(0) or {})
    drive(model, [CountSteps(progress), plot], 4)
    assert len(calls) == 2


# --- Scores.


def test_scores_are_lines_and_scalars_at_intervals_and_at_the_end(model, tmp_path):
    (progress, log), scores = start(tmp_path), iter([0.25, 0.5, 0.75])
    losses = LogLosses(progress, log, every=48, checkpoint_every=1000)
    log_scores = LogScores(progress, log, 24, lambda: {"mig": next(scores), "mig_gen": 1.0})
    drive(model, [CountSteps(progress), losses, log_scores], 7, lambda step: {"a": 0.0})
    found = [line for line in read_log(tmp_path) if "scores/mig" in line]
    assert [(line["step"], line["images"], line["scores/mig"], line["scores/mig_gen"]) for line in found] == [
        (3, 24, 0.25, 1.0),
        (6, 48, 0.5, 1.0),
        (7, 56, 0.75, 1.0),
    ]
    assert [line["step"] for line in read_log(tmp_path) if "a" in line] == [6, 7]
    scalars = [(tag, step, float(value)) for tag, step, value in read_events(tmp_path) if tag == "scores/mig"]
    assert scalars == [("scores/mig", 24, 0.25), ("scores/mig", 48, 0.5), ("scores/mig", 56, 0.75)]
