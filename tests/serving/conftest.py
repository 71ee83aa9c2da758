"""Two servers shared by all tests: one of the toy model, with small limits, one of an export of an untrained run."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ssgan_tf import runs
from ssgan_tf.export import saved_model
from tests.support import tiny_run
from tests.support.servers import Server
from tests.support.toy_export import save_toy

LIMIT_FLAGS = ("--max_body_mib=0.25", "--max_batch=8", "--max_queue=16", "--batch_wait_ms=100", "--client_seconds=2")


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_toy(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="session")
def toy_server(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(toy, tmp_path_factory.mktemp("log") / "toy", *LIMIT_FLAGS)
    yield server
    try:
        assert server.stop(signal.SIGINT) == 0, server.log.read_text()
    finally:
        server.kill()


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Export as `python -m ssgan_tf.export` writes it, without its checks, which have their own tests."""
    place = tmp_path_factory.mktemp("exported")
    run = runs.load_run(str(tiny_run.write_run(place / "tiny")))
    (place / "export").mkdir()
    saved_model.write(run, str(place / "export" / "1"))
    return place / "export"


@pytest.fixture(scope="session")
def export_server(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(exported, tmp_path_factory.mktemp("log") / "export", "--batch_wait_ms=50")
    yield server
    server.kill()
