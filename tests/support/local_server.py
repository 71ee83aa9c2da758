"""Server in a thread of the test's own process, of a model in plain Python, that starts at once."""

import signal
import socket
import threading
import time
from typing import Any

import numpy as np
import tensorflow as tf

from ssgan_tf.serving.batching import Batcher
from ssgan_tf.serving.model import Arrays, Signature
from ssgan_tf.serving.options import ServerOptions
from ssgan_tf.serving.server import bind, make_server
from tests.support.servers import SECONDS, Server

PAIRS = tf.TensorSpec([None, 2], tf.float32)


class Halves:
    """Model that halves numbers, and can be held up; signature `large` answers each row with a megabyte of text.

    Attributes:
        batches: Inputs `x` of each batch that has been computed.
        open: Cleared to hold up the computation.
    """

    name = "halves"
    version = "1"
    metadata: dict[str, Any] = {}
    signatures = {name: Signature({"x": PAIRS}, ("y",)) for name in ("half", "large")}

    def __init__(self) -> None:
        self.batches: list[list] = []
        self.open = threading.Event()
        self.open.set()

    def run(self, signature: str, inputs: Arrays) -> Arrays:
        self.open.wait(SECONDS)
        self.batches.append(inputs["x"].tolist())
        if signature == "large":
            return {"y": np.full([len(inputs["x"]), 50_000], 1 / 3)}
        return {"y": inputs["x"] / 2}


class LocalServer(Server):
    """Server of `Halves` that stops at the end of a `with` block.

    Args:
        options: Fields of `ServerOptions`.
    """

    def __init__(self, **options: Any):
        chosen = ServerOptions(**{"batch_wait_ms": 0.0, "grace_seconds": 5, **options})
        self.model = Halves()
        self.batcher = Batcher(self.model.run, chosen.max_batch, chosen.batch_wait_ms / 1000, chosen.threads)
        self.http = make_server(self.model, self.batcher, chosen)  # type: ignore[arg-type]
        self._listener = bind("127.0.0.1", 0)
        self.port, self.name = self._listener.getsockname()[1], self.model.name
        self.base = f"/v1/models/{self.name}"
        self._opened: list[socket.socket] = []
        ready = threading.Event()
        self.http.on_ready = ready.set
        self._thread = threading.Thread(target=self.http.run, kwargs={"sockets": [self._listener]})
        self._thread.start()
        assert ready.wait(SECONDS)

    def __enter__(self) -> "LocalServer":
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._opened:
            connection.close()
        self.model.open.set()
        self.stop()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stops the server as the signal would; returns when its threads have ended."""
        self.http.handle_exit(number, None)
        self._thread.join(SECONDS)
        self.batcher.close()
        return 0

    def open(self, data: bytes = b"") -> socket.socket:
        """Opens a connection, which is closed at the end of the block, and sends these bytes."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)
        self._opened.append(connection)
        connection.sendall(data)
        return connection

    def head(self, length: int) -> bytes:
        """Returns the header of a :predict request with a body of this length."""
        return f"POST {self.base}:predict HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()

    def message(self, body: bytes) -> bytes:
        """Returns a whole :predict request."""
        return self.head(len(body)) + body


def read_all(connection: socket.socket) -> bytes:
    """Returns all that the server sends until it closes the connection."""
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def wait_until(condition, seconds: float = 20.0) -> None:
    """Waits until `condition()` is true; fails after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not become true"
        time.sleep(0.005)
