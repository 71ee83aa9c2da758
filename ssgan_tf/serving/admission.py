"""Admission control: limits the work in progress and the time that a client may take.

A slow or greedy client delays only itself, and ties up a bounded amount of memory:
- The work in progress is counted in rows. When the limit is reached, further requests get status 429.
- A request that is refused before its body was read is still read to its end, up to a time limit. Otherwise a client
  that is still sending would see a broken connection instead of the reason.
- A response is sent in chunks, as fast as its client accepts them.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ssgan_tf.serving.errors import RequestError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_STATE_KEY = "ssgan_tf.request_state"  # in a request's scope
_CHUNK_BYTES = 1 << 16


class RequestState:
    """Progress of one request: the rows reserved for it, and how far its body has been read."""

    def __init__(self) -> None:
        self.rows = 0
        self.start_time = time.monotonic()
        self.reading_started = False
        self.fully_read = False


class AdmissionControl:
    """ASGI middleware that limits the rows in progress and the time that clients take.

    Args:
        app: ASGI application behind it.
        max_rows: Maximum number of rows that are being read, computed or sent, over all requests.
        client_seconds: Time limit for a client to send its request, and to accept each chunk of the response.
    """

    def __init__(self, app: App, max_rows: int, client_seconds: float):
        self._app = app
        self._max_rows = max_rows
        self._client_seconds = client_seconds
        self._rows = 0
        self.stopping = False

    def reserve(self, scope: Scope, rows: int) -> None:
        """Increases the number of rows reserved for the request of `scope` to `rows`; never lowers it.

        Raises:
            RequestError: 429 if there is no room for the rows; 503 if the server is stopping and has not yet admitted
                this request.
        """
        state: RequestState = scope[_STATE_KEY]
        if self.stopping and not state.rows:
            reason = "The server is stopping; send the request to another server."
            raise RequestError(503, reason, {"Connection": "close"})
        more = max(0, rows - state.rows)
        if self._rows + more > self._max_rows:
            reason = (
                f"The server is busy: expected at most {self._max_rows} rows at once from all clients. "
                f"Received: {self._rows} in progress and {more} more; try again later."
            )
            raise RequestError(429, reason, {"Retry-After": "1"})
        self._rows += more
        state.rows += more

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope[_STATE_KEY] = RequestState()

        async def receive_in_time() -> Message:
            state.reading_started = True
            left = state.start_time + self._client_seconds - time.monotonic()
            message = await asyncio.wait_for(receive(), max(left, 0.0))
            state.fully_read = not message.get("more_body", False)
            return message

        async def send_in_chunks(message: Message) -> None:
            if message["type"] == "http.response.start" and not state.fully_read:
                await self._drain_request(scope, state, receive)
            for chunk in _split_body(message):
                await asyncio.wait_for(send(chunk), self._client_seconds)

        try:
            await self._app(scope, receive_in_time, send_in_chunks)
        except asyncio.TimeoutError:
            return  # The client does not accept its response, so the server closes the connection.
        finally:
            self._rows -= state.rows

    async def _drain_request(self, scope: Scope, state: RequestState, receive: Receive) -> None:
        """Reads the rest of the request and discards it, up to the time limit."""
        # A client that sent "Expect: 100-continue" waits for permission: it has sent no body and will not send any.
        if not state.reading_started and any(name == b"expect" for name, _ in scope["headers"]):
            return
        end = time.monotonic() + self._client_seconds
        while not state.fully_read and time.monotonic() < end:
            try:
                message = await asyncio.wait_for(receive(), end - time.monotonic())
            except asyncio.TimeoutError:
                return
            state.fully_read = not message.get("more_body", False)


def _split_body(message: Message) -> list[Message]:
    """Splits a response message into messages of at most `_CHUNK_BYTES` bytes of body."""
    body = message.get("body", b"")
    if message["type"] != "http.response.body" or len(body) <= _CHUNK_BYTES:
        return [message]
    view = memoryview(body)
    more = message.get("more_body", False)
    return [
        {**message, "body": bytes(view[i : i + _CHUNK_BYTES]), "more_body": more or i + _CHUNK_BYTES < len(body)}
        for i in range(0, len(body), _CHUNK_BYTES)
    ]
