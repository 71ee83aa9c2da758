"""Malformed requests: valid ones with random damage to their bytes, each answered in JSON or not at all (slow)."""

import concurrent.futures
import json
import random
import socket
from collections import Counter
from pathlib import Path

import pytest

from tests.support.servers import Server
from tests.support.toy_export import save_toy

pytestmark = pytest.mark.slow

REQUESTS = 400
CLIENTS = 16
SEED = 15


def valid_requests(server: Server) -> list[bytes]:
    """Returns valid requests of several kinds, as bytes."""
    bodies = [
        b'{"signature_name": "half", "instances": [[2, 4], [6, 8]]}',
        b'{"signature_name": "words", "inputs": {"word": ["a", {"b64": "YWI="}]}}',
        b'{"signature_name": "repeat", "inputs": {"x": [[1, 2]], "steps": 2}}',
        b'{"signature_name": "pick", "instances": [{"factor": "hue"}]}',
    ]
    head = f"POST {server.base}:predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n".encode()
    plain = [head + b"Content-Length: %d\r\n\r\n" % len(body) + body for body in bodies]
    chunks = [
        head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n" for body in bodies
    ]
    gets = [f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for path in ("/healthz", server.base)]
    return plain + chunks + gets + [gets[0] + plain[0]]


def damage(data: bytes, rng: random.Random) -> bytes:
    """Returns `data` with 1-4 pieces deleted, doubled, replaced by random bytes or by words with a meaning in HTTP."""
    words = [b"\r\n", b"\r\n\r\n", b"\x00", b"\xff" * 9, b"9" * 40, b": ", b"HTTP/9.9", b"-1", b"%zz", b"y" * 20_000]
    words += [b"chunked", b"Content-Length: 7\r\n", b"Expect: 100-continue\r\n", b"{" * 3_000, b"1e999", b"NaN"]
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(data) + 1)
        end = min(len(data), start + rng.choice([0, 1, 2, 8, 40]))
        piece = rng.choice([b"", data[start:end] * 2, rng.randbytes(rng.randint(1, 8)), rng.choice(words)])
        data = data[:start] + piece + data[end:]
    return data


def send(server: Server, data: bytes) -> list[bytes]:
    """Sends these bytes; returns the responses, which are complete once the server closes the connection."""
    parts = []
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        try:
            connection.sendall(data)
            while part := connection.recv(1 << 16):
                parts.append(part)
        except ConnectionError:
            pass  # closed while there was more to send
    return [part for part in b"".join(parts).split(b"HTTP/1.1 ") if part]


def check(response: bytes) -> str:
    """Returns the status of a response; fails unless it is 200 or an error of the client, as JSON below 700 bytes."""
    head, _, body = response.partition(b"\r\n\r\n")
    status = head.split()[0].decode()
    if status == "100":
        return status
    assert status[0] in "24", response[:1000]
    assert b"content-type: application/json" in head.lower(), response[:1000]
    if status != "200" and body:
        assert list(json.loads(body)) == ["error"] and len(body) < 700, response[:1000]
    return status


def test_damaged_requests_are_answered_and_the_server_goes_on(tmp_path: Path) -> None:
    server = Server(save_toy(tmp_path / "toy"), tmp_path / "log", "--client_seconds=1")
    try:
        rng, valid = random.Random(SEED), valid_requests(server)
        for request in valid:
            assert {check(response) for response in send(server, request)} == {"200"}, request
        requests = [damage(rng.choice(valid), rng) for _ in range(REQUESTS)]
        counts: Counter[str] = Counter()
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
            for responses in clients.map(lambda data: send(server, data), requests):
                counts.update(check(response) for response in responses or [b"none\r\n\r\n"] if responses)
                counts["no response"] += not responses
        print(f"\n{REQUESTS} damaged requests, seed {SEED}: {dict(sorted(counts.items()))}")
        assert server.predict("half", instances=[[2, 4]]).json == {"predictions": [[1.0, 2.0]]}
        assert counts["no response"] < REQUESTS / 10 and counts["400"] > REQUESTS / 10
        assert server.stop() == 0
        assert len(server.log.read_text().splitlines()) == 2, server.log.read_text()[:3000]
    finally:
        server.kill()
