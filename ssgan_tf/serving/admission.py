"""Admission control: limits the work in progress and the time that a client may take.

A slow or greedy client delays only itself, and ties up a bounded amount of memory:
- The work in progress is counted in rows, from the moment that a request has arrived whole until its response is sent.
  When the limit is reached, further requests get status 429, unless a client that accepts its response slowly can be
  disconnected in their favour.
- A request that is refused before its body was read is still read to its end, up to the time limit. Otherwise a client
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

CROWDED_KEY = "ssgan_tf.crowded"
"""Key of a request's scope; True if there are more connections than allowed."""

_STATE_KEY = "ssgan_tf.request_state"  # in a request's scope
_CHUNK_BYTES = 1 << 16
_SLOW_BYTES = 1 << 16  # per second; a client that accepts less makes room for others


class RequestState:
    """Progress of one request: the rows reserved for it, how far its body has been read and its response accepted."""

    def __init__(self) -> None:
        self.rows = 0
        self.start_time = time.monotonic()
        self.reading_started = False
        self.fully_read = False
        self.task = asyncio.current_task()
        self.send_time = float("inf")  # when the response began to be sent
        self.accepted_bytes = 0
        self.disconnected = False

    @property
    def rate(self) -> float:
        """Bytes per second that the client has accepted of its response; infinite in the first second."""
        seconds = time.monotonic() - self.send_time
        return self.accepted_bytes / seconds if seconds > 1 else float("inf")


class AdmissionControl:
    """ASGI middleware that limits the rows in progress and the time that clients take.

    Args:
        app: ASGI application behind it.
        max_rows: Maximum number of rows that wait, are computed or are sent, over all requests.
        client_seconds: Time limit for a client to send its request, and to accept each chunk of the response.
    """

    def __init__(self, app: App, max_rows: int, client_seconds: float):
        self._app = app
        self._max_rows = max_rows
        self._client_seconds = client_seconds
        self._states: set[RequestState] = set()
        self.stopping = False

    def admit(self, scope: Scope) -> None:
        """Admits the request of `scope` before its body is read, so that it is finished even if the server is stopped.

        Raises:
            RequestError: 429 if the server is full; 503 if it is stopping or has too many connections.
        """
        if self.stopping:
            reason = "The server is stopping; send the request to another server."
            raise RequestError(503, reason, {"Connection": "close"})
        if scope.get(CROWDED_KEY):
            reason = "The server has too many connections; try again later."
            raise RequestError(503, reason, {"Connection": "close", "Retry-After": "1"})
        self._make_room(1)

    def reserve(self, scope: Scope, rows: int) -> None:
        """Increases the number of rows reserved for the request of `scope` to `rows`; never lowers it.

        Raises:
            RequestError: 429 if there is no room for the rows.
        """
        state: RequestState = scope[_STATE_KEY]
        self._make_room(max(0, rows - state.rows))
        state.rows = max(state.rows, rows)

    def _make_room(self, rows: int) -> None:
        """Makes room for more rows, at the cost of clients that accept their response slowly.

        Raises:
            RequestError: 429 if there is not enough room.
        """
        while (used := sum(state.rows for state in self._states)) + rows > self._max_rows:
            holders = [state for state in self._states if state.rows]
            slowest = min(holders, key=lambda state: state.rate, default=None)
            if slowest is None or slowest.task is None or slowest.rate >= _SLOW_BYTES:
                reason = (
                    f"The server is busy: expected at most {self._max_rows} rows at once from all clients. "
                    f"Received: {used} in progress and {rows} more; try again later."
                )
                raise RequestError(429, reason, {"Retry-After": "1"})
            slowest.disconnected = True
            slowest.task.cancel()
            self._states.remove(slowest)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope[_STATE_KEY] = RequestState()
        self._states.add(state)

        async def receive_in_time() -> Message:
            if state.fully_read:
                return await receive()  # Nothing more can come, except that the client disconnects.
            state.reading_started = True
            left = state.start_time + self._client_seconds - time.monotonic()
            message = await asyncio.wait_for(receive(), max(left, 0.0))
            state.fully_read = not message.get("more_body", False)
            return message

        async def send_in_chunks(message: Message) -> None:
            if message["type"] == "http.response.start":
                if not state.fully_read:
                    await self._drain_request(scope, state, receive)
                state.send_time = time.monotonic()
            for chunk in _split_body(message):
                if state.disconnected:
                    raise asyncio.CancelledError
                await asyncio.wait_for(send(chunk), self._client_seconds)
                state.accepted_bytes += len(chunk.get("body", b""))

        try:
            await self._app(scope, receive_in_time, send_in_chunks)
        except asyncio.TimeoutError:
            return  # The client does not accept its response, so the server closes the connection.
        except asyncio.CancelledError:
            if not state.disconnected:
                raise
        finally:
            self._states.discard(state)

    async def _drain_request(self, scope: Scope, state: RequestState, receive: Receive) -> None:
        """Reads the rest of the request and discards it, up to the time limit."""
        # A client that sent "Expect: 100-continue" waits for permission: it has sent no body and will not send any.
        if not state.reading_started and any(name == b"expect" for name, _ in scope["headers"]):
            return
        end = state.start_time + self._client_seconds
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
