"""Runs a server in a process of its own, and sends it requests."""

import dataclasses
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120.0  # time limit for a process to start or stop, on a busy machine
# Without the log level that tests/conftest.py sets for TensorFlow: the program sets its own.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}


@dataclasses.dataclass
class Response:
    """Response of the server."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """Reason of a refusal; fails unless the body is an object with the key "error" alone."""
        (reason,) = self.json.values()
        assert list(self.json) == ["error"] and isinstance(reason, str) and reason
        return reason


class Server:
    """Process of `python -m ssgan_tf.serving --port=0 ...`, ready when the constructor returns.

    Args:
        model: Folder of an export; None for the model that comes with the package.
        log: File for the output of the process.
        flags: Further flags of the program.
    """

    def __init__(self, model: Path | None, log: Path, *flags: str):
        model_flag = [] if model is None else [f"--model={model}"]
        words = [sys.executable, "-m", "ssgan_tf.serving", *model_flag, "--port=0", *flags]
        self.log = log
        with open(log, "wb") as file:
            self.process = subprocess.Popen(
                words, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, env=ENVIRONMENT
            )
        found = None
        end = time.monotonic() + SECONDS
        while found is None and self.process.poll() is None and time.monotonic() < end:
            found = re.search(r"http://127\.0\.0\.1:(\d+)/v1/models/(\S+) ", log.read_text())
            time.sleep(0.05)
        if found is None:
            self.kill()
            raise AssertionError(f"The server did not start: {log.read_text()}")
        self.port, self.name = int(found[1]), found[2]
        self.base = f"/v1/models/{self.name}"

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)

    def request(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Response:
        connection = self.connect()
        try:
            return send_request(connection, method, path, body, headers)
        finally:
            connection.close()

    def predict(self, signature: str | None = None, **body: Any) -> Response:
        """Sends POST :predict; `body` is `instances` or `inputs`, and further keys beside them."""
        named = {} if signature is None else {"signature_name": signature}
        return self.request("POST", f"{self.base}:predict", json.dumps({**named, **body}).encode())

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Sends a signal; returns the exit code once the process has ended."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def send_request(
    connection: http.client.HTTPConnection, method: str, path: str, body: Any = None, headers: dict | None = None
) -> Response:
    """Sends one request over an open connection."""
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    return Response(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
