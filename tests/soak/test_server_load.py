"""Servers under load: all signatures at once, with clients that are wrong, leave, or hold connections (slow).

Each test prints its counts; `pytest --slow -s tests/soak/test_server_load.py` shows them.
"""

import http.client
import json
import random
import resource
import signal
import socket
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.support.servers import SECONDS, Response, Server, send_request
from tools.load_test import memory
from tools.load_testing.protocol import decode_outputs, random_inputs

pytestmark = pytest.mark.slow

CLIENTS = 48
DURATION = 75.0  # seconds until SIGTERM
LAYERS = 8  # of the styles of the model that comes with the package
POOL = 240  # different valid requests
TOLERANCE = 1e-4  # of numbers; TensorFlow's sums depend on the size of the batch
PIXEL_TOLERANCE = 1.01 / 255

MALFORMED = [
    b"",
    b"{",
    b'{"signature_name": "\xff", "inputs": []}',
    b'{"signature_name": "generate", "instances": [{}]}',
    b'{"signature_name": "generate", "inputs": {"noise": [[1e39]], "code": [[0.5]], "truncation": [1]}}',
    b'{"signature_name": "encode", "instances": [{"b64": "aGVsbG8="}]}',
    b'{"signature_name": "nothing", "instances": [1]}',
    b"[" * 100_000,
    b'{"signature_name": "mapping", "inputs": {"noise": "' + b"x" * 300_000 + b'", "code": 1}}',
]


class Valid(NamedTuple):
    """Request, and the outputs that the server returned when it was sent alone."""

    body: bytes
    expected: list[np.ndarray]
    tolerance: float


def make_requests(server: Server, rng: np.random.Generator) -> list[Valid]:
    """Returns requests to every signature, with 1-4 rows, several numbers of steps, styles of both ranks, and PNG."""
    path = f"{server.base}/metadata"
    signatures = server.request("GET", path).json["metadata"]["signature_def"]["signature_def"]
    names = [name for name in signatures if not name.startswith("_")]
    known = {"mapping", "synthesis", "generate", "encode", "edit", "traverse"}
    assert known <= set(names)
    requests = []
    for turn in range(POOL):
        name, rows, png = names[turn % len(names)], int(rng.integers(1, 5)), bool(rng.integers(2))
        inputs = make_inputs(server, signatures, name, rows, png, rng)
        more: dict[str, Any] = {"image_format": "png"} if png and names_images(signatures[name]) else {}
        body = json.dumps({"signature_name": name, "inputs": inputs, **more}).encode()
        answer = server.request("POST", f"{server.base}:predict", body)
        assert answer.status == 200, (name, answer.body[:500])
        requests.append(Valid(body, decode_outputs(answer.body), PIXEL_TOLERANCE if more else TOLERANCE))
    return requests


def names_images(signature: dict) -> bool:
    return bool({"image", "images"} & set(signature["outputs"]))


def make_inputs(
    server: Server, signatures: dict, name: str, rows: int, png: bool, rng: np.random.Generator
) -> dict[str, Any]:
    if name == "synthesis":
        inputs = random_inputs(signatures, "mapping", rows, False, rng)
        (style,) = server.predict("mapping", inputs=inputs).json.values()
        return {"style": style if rng.integers(2) else [[row] * LAYERS for row in style]}  # [B,W] or [B,L,W]
    inputs = random_inputs(signatures, name, rows, png, rng)
    if name == "traverse":
        inputs["steps"] = int(rng.integers(2, 7))
    return inputs


class Load:
    """Clients that send valid, malformed and abandoned requests until `stop` is set.

    Attributes:
        counts: Number of outcomes of each kind.
        times: Seconds of each response with status 200.
        lost: Start times of requests whose connection was closed without a response.
    """

    def __init__(self, server: Server, requests: list[Valid]):
        self.counts: Counter[str] = Counter()
        self.times: list[float] = []
        self.lost: list[float] = []
        self.stop = threading.Event()
        self.end = float("inf")  # when requests are no longer expected to be accepted
        self._server, self._requests = server, requests
        self._lock = threading.Lock()

    def run(self, seed: int) -> None:
        rng, connection = random.Random(seed), self._server.connect()
        while not self.stop.is_set():
            draw, start = rng.random(), time.monotonic()
            try:
                if draw < 0.08:
                    self._abandon(rng)
                    outcome = "abandoned"
                elif draw < 0.18:
                    outcome = self._check_refusal(self._send(connection, rng.choice(MALFORMED)))
                else:
                    request = rng.choice(self._requests)
                    outcome = self._check(self._send(connection, request.body), request, start, rng)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                outcome = "lost after the stop" if start > self.end else f"lost: {type(error).__name__}"
            with self._lock:
                self.counts[outcome] += 1
            if outcome == "lost after the stop":
                return

    def _send(self, connection: http.client.HTTPConnection, body: bytes) -> Response:
        return send_request(connection, "POST", f"{self._server.base}:predict", body)

    def _abandon(self, rng: random.Random) -> None:
        """Sends a request or a part of one, and disconnects at once or while it waits."""
        body = rng.choice(self._requests).body
        head = f"POST {self._server.base}:predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        data = head.encode() + body
        with socket.create_connection(("127.0.0.1", self._server.port), timeout=SECONDS) as connection:
            connection.sendall(data if rng.random() < 0.5 else data[: rng.randrange(len(data))])
            time.sleep(rng.choice([0, 0.01, 0.1]))

    def _check_refusal(self, answer: Response) -> str:
        if answer.status in (400, 503) and answer.error and len(answer.body) < 700:
            return "refused" if answer.status == 400 else "refused at the stop"
        return f"wrong refusal: {answer.status} {answer.body[:100]!r}"

    def _check(self, answer: Response, request: Valid, start: float, rng: random.Random) -> str:
        if answer.status != 200:
            at_stop = answer.status == 503 and "stopping" in answer.error
            return "refused at the stop" if at_stop else f"error: {answer.status} {answer.body[:200]!r}"
        with self._lock:
            self.times.append(time.monotonic() - start)
        if rng.random() < 0.05:
            pairs = zip(decode_outputs(answer.body), request.expected, strict=True)
            worst = max(float(np.abs(f - e).max() / max(1.0, np.abs(e).max())) for f, e in pairs)
            if worst > request.tolerance:
                return f"wrong outputs: {worst:.2g}"
        return "answered"


def test_all_signatures_with_mixed_arguments_bad_requests_and_clients_that_leave(tmp_path: Path) -> None:
    server = Server(None, tmp_path / "log", "--max_queue=2048")
    try:
        load = Load(server, make_requests(server, np.random.default_rng(0)))
        threads = [threading.Thread(target=load.run, args=[seed]) for seed in range(CLIENTS)]
        for thread in threads:
            thread.start()
        time.sleep(DURATION / 3)
        rss = [memory(server.process.pid)]
        time.sleep(DURATION * 2 / 3)
        rss.append(memory(server.process.pid))
        assert server.request("GET", "/healthz").status == 200

        # Every request that was sent before the signal gets its response.
        load.end = time.monotonic() - 0.3
        server.process.send_signal(signal.SIGTERM)
        stop = time.monotonic()
        code = server.process.wait(SECONDS)
        seconds = time.monotonic() - stop
        load.stop.set()
        for thread in threads:
            thread.join()
    finally:
        server.kill()
    p50, p99 = np.percentile(load.times, [50, 99]) * 1000
    expected = {"answered", "refused", "abandoned", "refused at the stop", "lost after the stop"}
    print(f"\n{dict(load.counts)}; p50 {p50:.0f} ms, p99 {p99:.0f} ms; RSS {rss[0]:.0f} then {rss[1]:.0f} MiB;")
    print(f"{CLIENTS} clients, {DURATION:.0f} s, seeds 0-{CLIENTS - 1}; stopped in {seconds:.1f} s with code {code}")
    assert set(load.counts) <= expected
    assert code == 0 and seconds < 30  # less than --grace_seconds; most of it is TensorFlow's own end
    assert load.counts["answered"] > 1000 and load.counts["refused"] > 100 and load.counts["abandoned"] > 100
    assert rss[1] < rss[0] * 1.1 + 20
    assert len(server.log.read_text().splitlines()) == 2, server.log.read_text()[:2000]


@pytest.mark.parametrize("kind", ["nothing", "half a header", "an announced body", "a body without its end"])
def test_sockets_that_hold_on_lock_nobody_out(kind: str, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        server = Server(None, tmp_path / "log", "--client_seconds=20")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    head = f"POST {server.base}:predict HTTP/1.1\r\nHost: x\r\n".encode()
    announced = head + b"Content-Length: 16777216\r\n\r\n"
    data = {"nothing": b"", "half a header": head, "an announced body": announced}.get(kind, announced + bytes(400_000))
    held: list[socket.socket] = []
    asked, longest, end = 0, 0.0, time.monotonic() + 25
    try:
        while time.monotonic() < end:
            held = [one for one in held if hold(one)]
            while len(held) < 300:
                held.append(socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS))
                held[-1].setblocking(False)
                try:
                    held[-1].send(data)
                except OSError:
                    pass
            for path in ("/healthz", server.base):
                start = time.monotonic()
                assert server.request("GET", path).status == 200
                longest, asked = max(longest, time.monotonic() - start), asked + 1
            row = {"noise": [0.0] * 1, "code": [0.5], "truncation": 1.0}
            assert server.predict("generate", instances=[row]).status == 400  # not 429 or 503: it is heard
            asked += 1
            time.sleep(0.2)
        size = server.log.stat().st_size
        print(f"\n{kind}: {asked} requests beside 300 sockets, longest {longest:.2f} s; log {size} bytes")
        assert longest < 5 and size < 20_000
        start = time.monotonic()
        assert server.stop() == 0 and time.monotonic() - start < 25
    finally:
        for one in held:
            one.close()
        server.kill()


def hold(connection: socket.socket) -> bool:
    """Returns True if the server has not closed the connection or answered on it."""
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False
