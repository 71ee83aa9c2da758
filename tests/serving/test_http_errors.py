"""Requests that are wrong as HTTP, and a server that has failed: the answer is {"error": ...} in JSON all the same."""

import json
from collections.abc import Iterator

import pytest

from tests.support.local_server import LocalServer, read_all

ROW = b'{"signature_name": "half", "instances": [[2, 4]]}'
PREDICT = b"POST /v1/models/halves:predict HTTP/1.1\r\nHost: x\r\n"
CHUNKED = PREDICT + b"Transfer-Encoding: chunked\r\n\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

MALFORMED = {
    "a TLS handshake": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no version": b"GET\r\n\r\n",
    "spaces": b"GET / / HTTP/1.1\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n",
    "a header with a space": b"GET / HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n",
    "a header with a NUL": b"GET / HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n",
    "a header of 70 kB": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 70_000,
    "a line of 70 kB": b"GET /" + b"y" * 70_000,
    "a negative length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    "a length in words": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
    "a length of 5,000 digits": PREDICT + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "two lengths": PREDICT + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    "an unknown transfer encoding": PREDICT + b"Transfer-Encoding: gzip\r\n\r\n",
    "a chunk without a size": CHUNKED + b"xyz\r\n",
    "a chunk of a negative size": CHUNKED + b"-5\r\nabcde\r\n",
    "a chunk longer than its size": CHUNKED + b"2\r\nabcd\r\n0\r\n\r\n",
    "a second request that is malformed": HEALTH + b"nonsense\r\n\r\n",
    "a second request of 5,000 digits": HEALTH + PREDICT + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
}
UNUSUAL = {
    "a strange host": (b"GET /nowhere HTTP/1.1\r\nHost: [\r\n\r\n", 404),
    "a path that is no UTF-8": (b"GET /%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "a whole URL": (b"GET http://x/healthz HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "HTTP/9.9": (b"GET / HTTP/9.9\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
    "all": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "a tunnel": (b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "a WebSocket": (HEALTH[:-2] + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n", 200),
    "a forged address": (HEALTH[:-2] + b"X-Forwarded-For: [,,\xff\r\nX-Forwarded-Proto: \xff\r\n\r\n", 200),
    "a content type that is no ASCII": (PREDICT + b"Content-Type: \xff\r\nContent-Length: 2\r\n\r\n{}", 415),
    "a length of 20 digits": (PREDICT + b"Content-Length: " + b"9" * 20 + b"\r\n\r\n", 413),
    "a method of 10 kB": (b"X" * 10_000 + b" /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    "a path of 10 kB": (b"GET /" + b"%01" * 3_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 404),
}


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer(client_seconds=0.1) as server:
        yield server


def check_error(answer: bytes, status: int) -> None:
    """Fails unless the last response in `answer` is a short error in JSON with this status."""
    head, _, body = answer[answer.rindex(b"HTTP/1.1 ") :].partition(b"\r\n\r\n")
    assert int(head.split()[1]) == status and b"content-type: application/json" in head.lower(), answer[:500]
    assert list(json.loads(body)) == ["error"] and len(body) < 700


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_http_is_answered_400_in_json(server: LocalServer, case: str, caplog) -> None:
    with server.open(MALFORMED[case]) as connection:
        check_error(read_all(connection), 400)
    assert server.request("GET", "/healthz").status == 200
    assert not caplog.records


@pytest.mark.parametrize("case", UNUSUAL)
def test_unusual_http_gets_a_proper_answer(server: LocalServer, case: str, caplog) -> None:
    data, status = UNUSUAL[case]
    with server.open(data) as connection:
        answer = read_all(connection)
    if status == 200:
        assert b" 200 " in answer and b'{"status":"ok"}' in answer
    else:
        check_error(answer, status)
    assert not caplog.records


def test_a_server_whose_computation_has_failed_says_so(monkeypatch) -> None:
    with LocalServer() as server:

        def fail(jobs: object) -> None:
            raise RuntimeError("a bug")

        monkeypatch.setattr(server.batcher, "_resolve", fail)
        answers = [server.predict("half", instances=[[2, 4]]) for _ in range(2)]
        assert [answer.status for answer in answers] == [500, 503]
        assert all("must be restarted" in answer.error for answer in answers)
        health = server.request("GET", "/healthz")
        assert health.status == 503 and "must be restarted" in health.error
        (version,) = server.request("GET", server.base).json["model_version_status"]
        assert version["state"] == "END" and version["status"]["error_code"] == "INTERNAL"
