"""Clients that send slowly, read slowly or leave: each loses its own request, and no other client waits for it."""

import contextlib
import json
import logging
import resource
import socket
import time
from collections.abc import Iterator

import pytest

from ssgan_tf.serving import connections
from ssgan_tf.serving.bodies import Bodies, Body
from ssgan_tf.serving.connections import LogRateLimit
from ssgan_tf.serving.errors import RequestError
from tests.support.local_server import LocalServer, read_all, wait_until

ROW = b'{"signature_name": "half", "instances": [[2, 4]]}'
LARGE = b'{"signature_name": "large", "instances": [[2, 4]]}'
HALF_HEAD = b"POST /v1/models/halves:predict HTTP/1.1\r\nHost: x\r\n"
HALF_BODY = HALF_HEAD + b"Content-Length: 50\r\n\r\n{"


def split(answer: bytes) -> tuple[int, dict]:
    """Returns the status and the JSON of a raw response, whose content type must be JSON."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head, answer
    return int(head.split()[1]), json.loads(body)


# Bodies that do not arrive.


def test_bodies_that_are_announced_and_never_sent_lock_nobody_out() -> None:
    with LocalServer() as server:
        for _ in range(8):
            server.open(server.head(16 << 20))  # each counted as 64 of 256 rows before it came
        time.sleep(0.05)
        assert server.predict("half", instances=[[2, 4]] * 64).status == 200


def test_the_slowest_of_the_bodies_that_do_not_fit_is_refused() -> None:
    with LocalServer(max_body_mib=0.25, max_batch=4, max_queue=8, client_seconds=20) as server:  # 512 KiB in all
        slow = [server.open(server.head(250_000) + bytes(240_000)) for _ in range(2)]
        time.sleep(0.2)
        body = ROW + b" " * 200_000
        assert server.request("POST", f"{server.base}:predict", body).json == {"predictions": [[1.0, 2.0]]}
        for one in slow:
            one.sendall(bytes(10_000))
        statuses = sorted(int(one.recv(1 << 16).split()[1]) for one in slow)
        assert statuses == [400, 429]  # one made room; the other, which is not JSON, arrived whole


def test_small_bodies_always_have_room_and_dropped_ones_free_their_memory() -> None:
    bodies = Bodies(max_bytes=100_000)
    small, slow, fast = Body(), Body(), Body()
    slow.start_time -= 10
    bodies.add(small, bytes(60_000))
    bodies.add(slow, bytes(90_000))
    bodies.add(fast, bytes(80_000))
    assert [len(body.data) for body in (small, slow, fast)] == [60_000, 0, 80_000]
    with pytest.raises(RequestError, match="slowest") as caught:
        bodies.add(slow, b"x")
    assert caught.value.status == 429 and slow.data == b""
    bodies.remove(fast)
    another = Body()
    bodies.add(another, bytes(90_000))
    assert len(another.data) == 90_000


# Time limits.


@pytest.fixture(scope="module")
def impatient() -> Iterator[LocalServer]:
    with LocalServer(client_seconds=0.4) as server:
        yield server


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (b"", None, ""),
        (b"POST /v1", 408, "The header: expected all of it within 0.4 s"),
        (HALF_HEAD, 408, "The header"),
        (HALF_BODY, 408, "The body: expected all of it within 0.4 s. Received: 1 bytes."),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200, ""),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET", 200, "The header"),
        (b"PUT /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{", 405, ""),
    ],
    ids=["nothing", "half a line", "half a header", "half a body", "idle", "idle in a header", "body nobody reads"],
)
def test_a_client_has_client_seconds_once_for_each_step(impatient: LocalServer, data: bytes, status, words) -> None:
    start = time.monotonic()
    with impatient.open(data) as connection:
        answer = read_all(connection)  # until the server closes the connection
    steps = 2 if status == 405 else 1  # the rest of the body, which is discarded, and the next header
    assert 0.35 < time.monotonic() - start < 0.4 * steps + 0.35
    assert words.encode() in answer
    if status is None:
        assert answer == b""
    else:
        assert int(answer.split()[1]) == status


def test_a_header_sent_byte_by_byte_does_not_gain_time(impatient: LocalServer) -> None:
    with impatient.open() as connection:
        start = time.monotonic()
        with contextlib.suppress(OSError):
            for byte in HALF_HEAD * 100:
                connection.sendall(bytes([byte]))
                time.sleep(0.02)
        assert time.monotonic() - start < 2


def test_a_client_that_reads_no_response_is_disconnected_and_its_memory_is_freed() -> None:
    with LocalServer(client_seconds=0.3, max_batch=64) as server:
        body = LARGE.replace(b"[[2, 4]]", json.dumps([[2, 4]] * 12).encode())  # 11 MB
        connection = server.open()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(server.message(body))
        wait_until(lambda: server.model.batches)
        wait_until(lambda: not server.http.server_state.connections)


# Clients that leave.


def test_a_client_that_leaves_is_not_computed_and_frees_its_rows() -> None:
    with LocalServer(max_batch=4, max_queue=5) as server:
        server.model.open.clear()
        first = server.open(server.message(ROW))
        wait_until(lambda: not server.batcher._jobs and server.http.server_state.tasks)
        time.sleep(0.05)
        waiting = server.open(server.message(ROW.replace(b"[[2, 4]]", b"[[6, 6], [6, 6], [6, 6], [6, 6]]")))
        wait_until(lambda: server.batcher._jobs)
        assert server.predict("half", instances=[[2, 4]]).status == 429
        waiting.close()
        wait_until(lambda: not server.batcher._jobs)
        last = server.open(server.message(ROW.replace(b"[[2, 4]]", b"[[8, 8], [8, 8]]")))
        wait_until(lambda: server.batcher._jobs)
        server.model.open.set()
        assert first.recv(1 << 16).startswith(b"HTTP/1.1 200 ") and last.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
        assert server.model.batches == [[[2, 4]], [[8, 8], [8, 8]]]


def test_a_stop_does_not_wait_for_clients_that_have_left() -> None:
    with LocalServer(max_batch=1, grace_seconds=20) as server:
        server.model.open.clear()
        clients = [server.open(server.message(ROW)) for _ in range(20)]
        wait_until(lambda: len(server.batcher._jobs) == 19)
        for client in clients:
            client.close()
        wait_until(lambda: not server.batcher._jobs)
        server.model.open.set()
        start = time.monotonic()
        server.stop()
        assert time.monotonic() - start < 3 and len(server.model.batches) == 1


def test_requests_that_are_not_finished_within_the_grace_time_get_503() -> None:
    with LocalServer(grace_seconds=0.3) as server:
        server.model.open.clear()
        connection = server.open(server.message(ROW))
        wait_until(lambda: server.http.server_state.tasks)
        time.sleep(0.05)
        server.http.handle_exit(15, None)
        assert split(read_all(connection)) == (503, {"error": "The server is stopping."})


# Numbers of connections.


@pytest.mark.parametrize("data", [b"", HALF_HEAD, HALF_BODY], ids=["", "header", "body"])
def test_one_connection_too_many_takes_the_place_of_the_one_that_waits_longest(data: bytes) -> None:
    with LocalServer(max_connections=4) as server:
        waiting = []
        for _ in range(4):
            waiting.append(server.open(data))
            time.sleep(0.03)
        assert server.predict("half", instances=[[2, 4]]).status == 200
        status, error = split(read_all(waiting[0]))
        assert status == 503 and "too many connections" in error["error"]
        assert server.request("GET", "/healthz").status == 200
        for one in waiting[2:]:
            one.settimeout(0.1)
            with pytest.raises(TimeoutError):
                one.recv(1)


@pytest.mark.parametrize("data", [HALF_HEAD, HALF_BODY], ids=["header", "body"])
def test_connections_that_come_all_at_once_do_not_exceed_the_limit(data: bytes) -> None:
    with LocalServer(max_connections=4) as server:
        for _ in range(3):
            for _ in range(40):
                server.open(data)
            assert server.request("GET", "/healthz").status == 200
            assert len(server.http.server_state.connections) <= 5


def test_when_all_connections_are_computed_for_one_more_gets_503_but_the_health() -> None:
    with LocalServer(max_connections=2) as server:
        server.model.open.clear()
        busy = [server.open(server.message(ROW)) for _ in range(2)]
        wait_until(lambda: len(server.http.server_state.tasks) == 2)
        time.sleep(0.1)
        refused = server.predict("half", instances=[[2, 4]])
        assert refused.status == 503 and "too many connections" in refused.error
        assert server.request("GET", "/healthz").status == 200
        server.model.open.set()
        assert all(one.recv(1 << 16).startswith(b"HTTP/1.1 200 ") for one in busy)


def test_the_number_of_connections_fits_the_files_that_the_process_may_open(monkeypatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 1024))
    assert 60 < connections.count_affordable_connections() < 200
    monkeypatch.setattr(resource, "getrlimit", lambda _: (16, 1024))
    assert connections.count_affordable_connections() == 1
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, 1024))
    assert connections.count_affordable_connections() > 10**6


def test_the_rate_of_log_messages_is_limited() -> None:
    limit, written = LogRateLimit(count=3, seconds=0.1), []

    def log(level: int = logging.ERROR) -> None:
        record = logging.LogRecord("x", level, "file", 1, "no %s", ("file",), None)
        if limit.filter(record):
            written.append(record.getMessage())

    for _ in range(10):
        log()
    log(logging.CRITICAL)
    time.sleep(0.15)
    log()
    assert written == ["no file"] * 4 + ["no file (7 more messages were suppressed)"]
