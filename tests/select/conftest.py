"""Runs to select from."""

import json
from pathlib import Path

import pytest

from ssgan_tf import runs
from tests.support import fakes
from tests.support.untrained_runs import write_run


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """Folder with three runs on fake data, each with its own scores, and a folder without a run. Do not write to it."""
    place = tmp_path_factory.mktemp("select")
    fakes.prepare(place / "data")
    for name, seed in (("a", 1), ("b", 2), ("c$", 3)):
        write_run(place / "runs" / name, seed, (4, 6, 8))
        run = runs.load_run(f"{place}/runs/{name}")
        scores = {"settings": {"checkpoint": run.fingerprint}, "encoder": {"mig": seed / 10, "dci": 1 / seed}}
        Path(run.files.scores).write_text(json.dumps(scores))
    (place / "runs/notes").mkdir()
    return place
