"""Untrained run and its export, shared by all tests of a session. Tests that change them make copies."""

from pathlib import Path

import pytest

from ssgan_tf import export, runs
from tests.support import tiny_run


@pytest.fixture(scope="session")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_run.write_run(tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture(scope="session")
def run(workdir: Path) -> runs.Run:
    return runs.load_run(str(workdir))


@pytest.fixture(scope="session")
def result(run: runs.Run, tmp_path_factory: pytest.TempPathFactory) -> export.Export:
    """Result of exporting the loaded run to a folder that did not exist."""
    return export.run(run, str(tmp_path_factory.mktemp("exports") / "new" / "tiny"))


@pytest.fixture(scope="session")
def exported(result: export.Export) -> Path:
    """Folder of the export, which contains the SavedModel's folder."""
    return Path(result.folder).parent
