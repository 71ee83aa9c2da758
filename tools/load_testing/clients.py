"""Clients that send requests to a server at the same time, and count and compare its responses."""

import http.client
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tools.load_testing.protocol import connect, decode_outputs, send

WRONG = "wrong response"  # counted beside status codes and names of exceptions
_COMPARE_EVERY = 20  # responses of a client, one of which is compared
_RETRY_SECONDS = 0.1  # pause of a client after a 429


class Request(NamedTuple):
    """Body of a request, and the outputs in the response when it was sent alone."""

    body: bytes
    expected: list[np.ndarray]


class Clients:
    """Threads that each send the next request as soon as they have a response.

    Args:
        url: Address of the model.
        requests: Requests to send, in turn.
        tolerance: Largest difference from the expected outputs, in units of the largest expected value if above 1.

    Attributes:
        counts: Number of responses by status code, exception, or WRONG.
        times: Seconds of each response with status 200.
        compared: Number of responses that were compared.
        largest: Largest difference among them.
    """

    def __init__(self, url: urllib.parse.SplitResult, requests: Sequence[Request], tolerance: float):
        self.counts: Counter[str] = Counter()
        self.times: list[float] = []
        self.compared, self.largest = 0, 0.0
        self._url, self._requests, self._tolerance = url, requests, tolerance
        self._lock = threading.Lock()

    def run(self, count: int, seconds: float) -> float:
        """Runs `count` clients for `seconds`; returns the time until the last response."""
        start = time.perf_counter()
        threads = [threading.Thread(target=self._client, args=[i, start + seconds]) for i in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - start

    def _client(self, number: int, end: float) -> None:
        connection, turn = connect(self._url), number
        path = f"{self._url.path}:predict"
        while time.perf_counter() < end:
            turn += 1
            request = self._requests[turn % len(self._requests)]
            start = time.perf_counter()
            try:
                status, body = send(connection, "POST", path, request.body)
                outcome = str(status)
            except (OSError, http.client.HTTPException) as error:
                outcome, body = type(error).__name__, b""
                connection.close()
            with self._lock:
                self.counts[outcome] += 1
                if outcome == "200":
                    self.times.append(time.perf_counter() - start)
            if outcome == "200" and turn % _COMPARE_EVERY == (number + 1) % _COMPARE_EVERY:
                self._compare(request, body)
            elif outcome == "429":
                time.sleep(_RETRY_SECONDS)
        connection.close()

    def _compare(self, request: Request, body: bytes) -> None:
        pairs = zip(decode_outputs(body), request.expected, strict=True)
        difference = max(float(np.abs(f - w).max() / max(1.0, np.abs(w).max())) for f, w in pairs)
        with self._lock:
            self.compared += 1
            self.largest = max(self.largest, difference)
            self.counts[WRONG] += difference > self._tolerance
