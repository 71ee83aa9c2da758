"""Prepared data with a config, and a finished run on them, shared by the tests of training."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import fakes, programs
from tests.support.training import flags


@pytest.fixture(scope="session")
def inputs(tmp_path_factory) -> Path:
    """A folder with data/ and tiny.py; read only."""
    folder = tmp_path_factory.mktemp("inputs")
    fakes.prepare(folder / "data")
    (folder / "tiny.py").write_text(fakes.CONFIG)
    return folder


@pytest.fixture(scope="session")
def shell(repository) -> Callable[..., programs.Result]:
    """Runs `python -m ssgan_tf.train` as from a shell, with no variable set that quiets TensorFlow."""

    def run(*arguments: str) -> programs.Result:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
        command = [sys.executable, "-m", "ssgan_tf.train", *arguments]
        done = subprocess.run(command, cwd=repository, env=clean, capture_output=True)
        return programs.Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture(scope="session")
def finished(inputs, shell, tmp_path_factory) -> tuple[Path, programs.Result]:
    """A finished run of 16 steps, and what the program printed; read only."""
    workdir = tmp_path_factory.mktemp("runs") / "new" / "finished"
    result = shell(*flags(inputs, workdir))
    assert result.code == 0, result.err
    return workdir, result


@pytest.fixture
def workdir(finished, tmp_path) -> Path:
    """A copy of the finished run."""
    return shutil.copytree(finished[0], tmp_path / "run")
