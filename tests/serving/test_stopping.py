"""A server that is full, one that is told to stop, and one that cannot start."""

import concurrent.futures
import signal
import socket
import time
from pathlib import Path

import pytest

from ssgan_tf.serving.__main__ import main, parse
from tests.serving.conftest import LIMITS
from tests.support.servers import Server, ask

TURNS = 300_000  # of a loop in the graph: a second or a few


def work(server: Server, rows: int):
    return server.predict("work", instances=[TURNS] * rows)


def test_a_full_server_says_so_and_goes_on(toy_server: Server) -> None:
    with concurrent.futures.ThreadPoolExecutor(3) as clients:
        asked = [clients.submit(work, toy_server, 8) for _ in range(3)]  # room for two
        done, _ = concurrent.futures.wait(asked, return_when=concurrent.futures.FIRST_COMPLETED)
        assert toy_server.ask("GET", "/healthz").status == 200
        refused = done.pop().result()  # at once, while the others are at work
        assert refused.status == 429 and "at most 16 rows at once" in refused.error
        assert int(refused.headers["retry-after"]) >= 1
        assert {one.result().status for one in asked} == {200, 429}
    assert toy_server.predict("half", instances=[[2, 4]] * 8).status == 200


def test_sigterm_lets_what_is_in_flight_finish_and_takes_nothing_new(toy: Path, tmp_path: Path) -> None:
    server = Server(toy, tmp_path / "log", *LIMITS)
    try:
        kept = server.connect()
        assert ask(kept, "GET", "/healthz").status == 200
        with concurrent.futures.ThreadPoolExecutor(3) as clients:
            flying = [clients.submit(work, server, 8), clients.submit(work, server, 4)]  # computed, and waiting
            time.sleep(0.7)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.4)
            assert not all(one.done() for one in flying)
            with pytest.raises(OSError):
                socket.create_connection(("127.0.0.1", server.port), timeout=5).close()
            with pytest.raises(OSError):
                ask(kept, "GET", "/healthz")  # a connection that was idle is closed
            for one, rows in zip(flying, (8, 4), strict=True):
                assert one.result().json == {"predictions": [TURNS] * rows}
        assert server.process.wait(60) == 0
        lines = server.log.read_text().splitlines()
        assert len(lines) == 2 and lines[-1] == "Stopped."
    finally:
        server.kill()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--model={empty}"], "ssgan_tf.export"),
        (["--model={toy}", "--port={taken}"], "expected a free address"),
        (["--model={toy}", "--name=a/b"], "--name: expected a name without"),
        (["--model={toy}", "--max_queue=8"], "--max_queue: expected --max_batch (64) or more. Received: 8"),
        (["--model={toy}", "--threads=0"], "--threads: expected a number above 0"),
        (["--model={toy}", "--max_batch=many"], "--max_batch"),
        (["--model={toy}", "--nmae=x"], "--nmae=x"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(flags, words, toy: Path, tmp_path: Path, capsys) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        places = {"toy": toy, "empty": tmp_path, "taken": taken.getsockname()[1]}
        port = [] if any("port" in flag for flag in flags) else ["--port=0"]
        with pytest.raises(SystemExit) as caught:
            main(parse([flag.format(**places) for flag in flags] + port))
    out, error = capsys.readouterr()
    assert (caught.value.code, out) == (2, "")
    assert error.startswith("error: ") and error.count("\n") == 1 and words in error, error
