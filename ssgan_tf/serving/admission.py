"""Every request and every answer passes the door: how much is inside at once, and how long a client may take.

A slow or greedy client costs itself time and no one else memory:
- what is inside is counted in rows; when it is full, the next is answered 429;
- a request that was refused before its body was read is heard out, for a while, since a client that is still
  sending would otherwise see a broken connection in place of the reason;
- an answer leaves in pieces, as fast as its client takes them.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ssgan_tf.serving.errors import RequestError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_KEY = "ssgan_tf.visit"  # in a request's scope
_PIECE = 1 << 16  # bytes of an answer that are sent at once


class Visit:
    """One request: how many rows it counts for, and how much of it was read."""

    def __init__(self) -> None:
        self.rows = 0
        self.began = time.monotonic()
        self.touched = False
        self.read = False


class Door:
    """An ASGI application in front of another.

    Args:
        app: the other.
        max_rows: rows of all requests that are being read, computed or answered, at most.
        seconds: how long a client may take to send its request, and to take each piece of its answer.
    """

    def __init__(self, app: App, max_rows: int, seconds: float):
        self._app = app
        self._max_rows = max_rows
        self._seconds = seconds
        self._rows = 0
        self.stopping = False

    def admit(self, scope: MutableMapping[str, Any], rows: int) -> None:
        """Counts the request of that scope as so many rows, or as more if it already counts as more.

        Raises:
            RequestError: 429 if they do not fit, 503 if the server is stopping.
        """
        visit: Visit = scope[_KEY]
        if self.stopping and not visit.rows:
            raise RequestError(503, "The server is stopping; send the request to another.", {"Connection": "close"})
        more = max(0, rows - visit.rows)
        if self._rows + more > self._max_rows:
            reason = f"Too much to do: expected at most {self._max_rows} rows at once, of all clients. Received: "
            raise RequestError(429, f"{reason}{self._rows} and {more} more; try again later.", {"Retry-After": "1"})
        self._rows += more
        visit.rows += more

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit = scope[_KEY] = Visit()

        async def listen() -> Message:
            visit.touched = True
            left = visit.began + self._seconds - time.monotonic()
            message = await asyncio.wait_for(receive(), max(left, 0.0))
            visit.read = not message.get("more_body", False)
            return message

        async def speak(message: Message) -> None:
            if message["type"] == "http.response.start" and not visit.read:
                await self._hear_out(scope, visit, receive)
            for part in _pieces(message):
                await asyncio.wait_for(send(part), self._seconds)

        try:
            await self._app(scope, listen, speak)
        except asyncio.TimeoutError:
            return  # the client does not take its answer: the server closes the connection
        finally:
            self._rows -= visit.rows

    async def _hear_out(self, scope: MutableMapping[str, Any], visit: Visit, receive: Receive) -> None:
        """Reads the rest of the request and forgets it; not of one that waits for leave to be sent."""
        if not visit.touched and any(name == b"expect" for name, _ in scope["headers"]):
            return
        end = time.monotonic() + self._seconds
        while not visit.read and time.monotonic() < end:
            try:
                message = await asyncio.wait_for(receive(), end - time.monotonic())
            except asyncio.TimeoutError:
                return
            visit.read = not message.get("more_body", False)


def _pieces(message: Message) -> list[Message]:
    body = message.get("body", b"")
    if message["type"] != "http.response.body" or len(body) <= _PIECE:
        return [message]
    view = memoryview(body)
    last = message.get("more_body", False)
    return [
        {**message, "body": bytes(view[i : i + _PIECE]), "more_body": last or i + _PIECE < len(body)}
        for i in range(0, len(body), _PIECE)
    ]
