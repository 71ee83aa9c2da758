"""The log of a run: what a resumed run removes of it, and errors that name the file."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.core.schedule import Phase, Schedule
from ssgan_tf.runs import Workdir
from ssgan_tf.runs.progress import Progress
from ssgan_tf.train.run_log import RunLog
from tests.support.run_files import logged_steps, read_events

GRID = np.zeros([4, 4, 3], np.uint8)


def start(folder: Path, step: int) -> tuple[Progress, RunLog]:
    """Returns the progress and the log of a run of 16 steps that resumes at `step`."""
    progress = Progress(step, Schedule((Phase(batch=8, labeled_batch=1),)), 128)
    return progress, RunLog(Workdir(str(folder)), progress)


def write(folder: Path, first: int, last: int) -> None:
    """Resumes at `first`, and writes numbers and a grid for each step up to `last`."""
    progress, log = start(folder, first)
    while progress.step < last:
        progress.advance()
        log.add({"loss": 100.0 * first + progress.step})
        log.add_grids({"samples": GRID})
    log.close()


def points(folder: Path) -> list[tuple[int, float]]:
    return [(step, float(value)) for tag, step, value in read_events(folder) if tag == "loss"]


def test_a_resumed_run_removes_what_is_newer_than_its_checkpoint(tmp_path):
    """Twice, and the second time it goes back further than the first."""
    write(tmp_path, 0, 6)
    (tmp_path / "samples" / "data.png").write_bytes(b"")
    (tmp_path / "samples" / "samples-000000056.png.tmp").write_bytes(b"")  # killed while writing it
    write(tmp_path, 4, 8)
    write(tmp_path, 3, 5)
    assert logged_steps(tmp_path) == [1, 2, 3, 4, 5]
    expected = [(8, 1.0), (16, 2.0), (24, 3.0), (32, 304.0), (40, 305.0)]
    assert sorted(points(tmp_path)) == expected
    assert len([tag for tag, _, _ in read_events(tmp_path) if tag == "samples"]) == 5
    grids = [f"samples-{8 * step:09d}.png" for step in range(1, 6)]
    assert sorted(p.name for p in (tmp_path / "samples").iterdir()) == ["data.png", *grids]
    assert len([*(tmp_path / "tensorboard").iterdir()]) == 2, "a file without a point is left"


@pytest.mark.parametrize("rest", ['{"step": 5, "loss"', "{}\n", "[1]\n", "\0\0\0\n", "\xff\n", '{"step": 1e400}\n'])
def test_what_a_killed_process_wrote_of_a_line_is_removed(rest, tmp_path):
    write(tmp_path, 0, 2)
    path = tmp_path / "metrics.jsonl"
    before = path.read_bytes()
    path.write_bytes(before + rest.encode("latin-1"))
    start(tmp_path, 9)
    assert path.read_bytes() == before


@pytest.mark.parametrize("rest", [b"\x10", b"\x10" * 11, bytes(12), b"\x10" + bytes(11), b"\xff" * 40])
def test_what_a_killed_process_wrote_of_a_point_is_removed(rest, tmp_path):
    write(tmp_path, 0, 2)
    (path,) = (tmp_path / "tensorboard").iterdir()
    before = path.read_bytes()
    for content in (before + rest, before[:-1]):
        path.write_bytes(content)
        start(tmp_path, 9)[1].close()
        assert points(tmp_path) == [(8, 1.0), (16, 2.0)]
    assert before.startswith(path.read_bytes())


def test_files_of_others_are_left_alone(tmp_path):
    own = tmp_path / "tensorboard" / "notes.txt", tmp_path / "samples" / "best-of-all.png"
    for path in own:
        path.parent.mkdir()
        path.write_bytes(b"mine")
    write(tmp_path, 0, 1)
    assert [path.read_bytes() for path in own] == [b"mine"] * 2


@pytest.mark.parametrize("name", ["metrics.jsonl", "samples", "samples/samples-000000008.png", "tensorboard"])
def test_a_file_that_cannot_be_written_is_named(name, tmp_path):
    path = tmp_path / name
    if path.suffix:
        path.mkdir(parents=True)  # a folder in the place of a file
    else:
        path.write_text("mine")
    with pytest.raises(OSError) as error:
        write(tmp_path, 0, 1)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("method", ["add", "add_grids"])
def test_a_full_disk_is_an_error_that_names_the_file(method, small_disk):
    progress, log = start(small_disk, 0)
    progress.advance()
    with open(small_disk / "filler", "wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(bytes(512))
    with pytest.raises(OSError, match="No space left on device") as error:
        log.add({"loss": 0.0}) if method == "add" else log.add_grids({"samples": GRID})
    assert str(small_disk / {"add": "metrics.jsonl", "add_grids": "samples"}[method]) in str(error.value)


def test_a_full_disk_names_the_folder_of_tensorboard(tmp_path, monkeypatch):
    progress, log = start(tmp_path, 0)
    progress.advance()

    def fail(*arguments):
        raise tf.errors.ResourceExhaustedError(None, None, "events.out; No space left on device")

    monkeypatch.setattr(tf.summary, "scalar", fail)
    with pytest.raises(OSError, match=r"tensorboard: events\.out; No space left on device$"):
        log.add({"loss": 0.0})


def test_numbers_are_lines_of_json(tmp_path):
    write(tmp_path, 0, 1)
    assert json.loads((tmp_path / "metrics.jsonl").read_text()) == {"step": 1, "images": 8, "loss": 1.0}
