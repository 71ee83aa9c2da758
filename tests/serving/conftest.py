"""Two servers that all tests share: of the toy, with small limits, and of an export of a run that nobody trained."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ssgan_tf import export, runs
from tests import tiny_run
from tests.support.servers import Server
from tests.support.toy_export import save_toy

LIMITS = ("--max_body_mib=0.25", "--max_batch=8", "--max_queue=16", "--batch_wait_ms=100", "--client_seconds=2")


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_toy(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="session")
def toy_server(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(toy, tmp_path_factory.mktemp("log") / "toy", *LIMITS)
    yield server
    try:
        assert server.stop(signal.SIGINT) == 0, server.log.read_text()
    finally:
        server.kill()


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export as `python -m ssgan_tf.export` writes it; its check has tests of its own."""
    place = tmp_path_factory.mktemp("exported")
    run = runs.load_run(str(tiny_run.write_run(place / "tiny")))
    export.write(run, str(place / "export" / "1"))
    return place / "export"


@pytest.fixture(scope="session")
def export_server(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(exported, tmp_path_factory.mktemp("log") / "export", "--batch_wait_ms=50")
    yield server
    server.kill()
