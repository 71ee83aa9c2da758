"""Connections of clients: their number, the time until a request's header is complete, and errors of HTTP itself."""

import asyncio
import logging
import math
import os
import resource
import sys
import time
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from ssgan_tf.serving.admission import CROWDED_KEY, Receive, Scope, Send
from ssgan_tf.serving.responses import error_to_json

ACCEPTS = 8  # connections that are accepted before the first of them is counted, and could be refused
_SPARE_FILES = 64  # for those, several times over, and for files that the server opens for a moment


class Connection(H11Protocol):
    """Connection of uvicorn with limits, which `limit_connections` sets.

    - The header of a request must be complete within `client_seconds` after the connection was opened, or after the
      previous response. Otherwise the connection is closed, with 408 if a part of the header has arrived.
    - At most `max_connections` are open. A new one takes the place of one that waits for its client: of one without a
      request if there is any, or else of one whose request is still arriving or whose response is not accepted; of
      these, the one that has waited longest. If all others wait for the server, the new connection may ask for the
      server's health, but gets 503 instead of a computation.
    - What is wrong with a request as HTTP is answered with JSON, like all other errors.
    """

    max_connections: int
    client_seconds: float

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.timeout_keep_alive = math.ceil(self.client_seconds)  # uvicorn's own timer, which is never the first
        self._timer: asyncio.TimerHandle | None = None
        self._surplus = False  # True if there was no other connection whose place this one could take
        self._application = self.app
        self.app = self._answer

    @property
    def in_request(self) -> bool:
        """True from the end of a request's header to the end of its response."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def waits_for_client(self) -> bool:
        """True while the client sends or has nothing to send, and while it does not accept its response."""
        if self.transport.is_closing():
            return self.transport.get_write_buffer_size() > 0
        return not self.in_request or self.cycle.more_body or self.flow.write_paused

    def refuse(self, status: int, reason: str) -> None:
        """Disconnects the client; answers its request with an error, unless a response has been started."""
        answered = self.transport.is_closing() or (self.in_request and self.cycle.response_started)
        if self.in_request:
            self.cycle.disconnected = True  # The application's response is discarded.
        if answered:
            self.transport.abort()
            return
        body = error_to_json(reason)
        head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
        self.transport.write(f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body)
        self._restart_timer()
        self.transport.close()

    # Functions that uvicorn calls.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the time limit, and makes room for this connection."""
        super().connection_made(transport)
        self._restart_timer()
        if self._is_crowded():
            others = [one for one in self.connections if isinstance(one, Connection) and one is not self]
            waiting = [one for one in others if one.waits_for_client]
            self._surplus = not waiting
            if waiting:
                slowest = min(waiting, key=lambda one: (one.in_request, one.wait_start))
                slowest.refuse(503, "The server has too many connections, and this one has waited longest.")

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the time limit."""
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()

    def send_400_response(self, msg: str) -> None:
        """Refuses what is not HTTP."""
        self.refuse(400, "The request: expected HTTP/1.1. Received: an invalid request line, header, or chunk.")

    def on_response_complete(self) -> None:
        """Restarts the time limit for the next request."""
        self._restart_timer()
        super().on_response_complete()

    def shutdown(self) -> None:
        """Closes the connection when the server stops, once its request is answered."""
        if not self.transport.is_closing():
            super().shutdown()

    # Helpers.

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs the application for one request, and ends the connection if it has not been answered."""
        cycle, self.wait_start = self.cycle, self.loop.time()
        scope[CROWDED_KEY] = self._surplus and self._is_crowded()
        try:
            await self._application(scope, receive, send)
        except asyncio.CancelledError:
            self.refuse(503, "The server is stopping.")  # `grace_seconds` are over
        except Exception:
            if not cycle.response_started:
                self.refuse(500, "The server failed; its log has the details.")
            raise
        if not cycle.response_complete:
            cycle.disconnected = True
            if not self.transport.is_closing():
                self.transport.abort()  # The client does not accept its response.

    def _restart_timer(self) -> None:
        self.wait_start = self.loop.time()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(self.client_seconds, self._on_timer)

    def _on_timer(self) -> None:
        """Ends the connection if it waits for a header, or if it is closing but its client accepts no more bytes."""
        if self.transport.is_closing():
            self.transport.abort()
        elif not self.in_request:  # Otherwise the application limits the time.
            if self.conn.trailing_data[0]:
                self.refuse(408, f"The header: expected all of it within {self.client_seconds:g} s.")
            else:
                self._restart_timer()
                self.transport.close()

    def _is_crowded(self) -> bool:
        return len(self.connections) > self.max_connections


def limit_connections(max_connections: int, client_seconds: float) -> type[Connection]:
    """Returns the class of connections with these limits."""
    return type("Connection", (Connection,), {"max_connections": max_connections, "client_seconds": client_seconds})


def count_affordable_connections() -> int:
    """Returns the number of connections for which the process may open enough files (`ulimit -n`)."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return sys.maxsize
    return max(1, limit - len(os.listdir("/dev/fd")) - _SPARE_FILES)


class LogRateLimit(logging.Filter):
    """Filter that lets at most `count` messages through in each `seconds`, and says how many it has suppressed.

    Clients must not be able to fill the disk with the server's log. Critical messages are always written.
    """

    def __init__(self, count: int = 20, seconds: float = 60.0):
        super().__init__()
        self._count, self._seconds = count, seconds
        self._start, self._seen = float("-inf"), 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Returns True if the record is to be written."""
        if record.levelno >= logging.CRITICAL:
            return True
        now = time.monotonic()
        if now - self._start >= self._seconds:
            suppressed = self._seen - self._count
            if suppressed > 0:
                record.msg, record.args = f"{record.getMessage()} ({suppressed} more messages were suppressed)", None
            self._start, self._seen = now, 0
        self._seen += 1
        return self._seen <= self._count
