"""A server that is full, and one that is stopped."""

import concurrent.futures
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.serving.conftest import LIMIT_FLAGS
from tests.support.servers import Server, send_request

TURNS = 300_000  # iterations of a loop in the graph: one second or a few


def work(server: Server, rows: int):
    return server.predict("work", instances=[TURNS] * rows)


def test_a_full_server_refuses_requests_and_keeps_running(toy_server: Server) -> None:
    with concurrent.futures.ThreadPoolExecutor(3) as clients:
        requests = [clients.submit(work, toy_server, 8) for _ in range(3)]  # room for two
        done, _ = concurrent.futures.wait(requests, return_when=concurrent.futures.FIRST_COMPLETED)
        assert toy_server.request("GET", "/healthz").status == 200
        refused = done.pop().result()  # at once, while the others are being computed
        assert refused.status == 429 and "at most 16 rows at once" in refused.error
        assert int(refused.headers["retry-after"]) >= 1
        assert {one.result().status for one in requests} == {200, 429}
    assert toy_server.predict("half", instances=[[2, 4]] * 8).status == 200


def test_sigterm_finishes_requests_in_progress_and_accepts_no_more(toy: Path, tmp_path: Path) -> None:
    server = Server(toy, tmp_path / "log", *LIMIT_FLAGS)
    try:
        idle = server.connect()
        assert send_request(idle, "GET", "/healthz").status == 200
        with concurrent.futures.ThreadPoolExecutor(3) as clients:
            requests = [clients.submit(work, server, 8), clients.submit(work, server, 4)]  # one is computed, one waits
            time.sleep(0.7)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.4)
            assert not all(one.done() for one in requests)
            with pytest.raises(OSError):
                socket.create_connection(("127.0.0.1", server.port), timeout=5).close()
            with pytest.raises(OSError):
                send_request(idle, "GET", "/healthz")  # the idle connection is closed
            for one, rows in zip(requests, (8, 4), strict=True):
                assert one.result().json == {"predictions": [TURNS] * rows}
        assert server.process.wait(60) == 0
        lines = server.log.read_text().splitlines()
        assert len(lines) == 2 and lines[-1] == "Stopped."
    finally:
        server.kill()
