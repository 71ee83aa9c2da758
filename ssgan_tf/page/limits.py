"""Limits of requests to the page, in front of gradio: number, size and time."""

import asyncio
import json
import time
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ssgan_tf.page.uploads import MAX_BYTES, MAX_FILES, Uploads

MAX_REQUESTS = 256  # open at once; every open page holds one or two
MAX_UPLOADS = 8  # that arrive at once
MAX_BODY = 2**20  # bytes of a request that is not an upload
PATIENCE = 30.0  # seconds for the first bytes of a body
MIN_RATE = 50_000  # bytes a second of a body thereafter

_API = "/gradio_api/"
_UNUSED = ("process_recording", "component_server")  # write files, and serve no part of this page


class Refused(Exception):
    """Request that exceeds a limit.

    Args:
        status: HTTP status of the response.
        text: Text of the response, which gradio shows to the visitor.
    """

    def __init__(self, status: int, text: str):
        super().__init__(text)
        self.status, self.text = status, text


class Limits:
    """ASGI middleware that refuses requests beyond the limits of this module, with a sentence.

    Args:
        app: Application behind it.
        uploads: Folder of uploads.
    """

    def __init__(self, app: ASGIApp, uploads: Uploads):
        self._app, self._uploads = app, uploads
        self._open = self._arriving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        self._open += 1
        try:
            await self._answer(scope, receive, watch)
        except Refused as refused:
            if started:
                raise
            await PlainTextResponse(refused.text, refused.status, {"Connection": "close"})(scope, receive, send)
        except ClientDisconnect:  # in the middle of an upload
            pass
        finally:
            self._open -= 1

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._open > MAX_REQUESTS:
            raise Refused(503, "The page is open too often. Close it elsewhere, or try again later.")
        path = scope["path"].rstrip("/")
        if path.startswith(_API) and path[len(_API) :].split("/")[0] in _UNUSED:
            raise Refused(404, "This page has no such part.")
        if path != _API + "upload":
            body = _Body(receive, MAX_BODY)
            if scope["method"] == "POST":
                _check_files(await body.read())
            await self._app(scope, body, send)
            return

        if self._arriving >= MAX_UPLOADS or self._uploads.count() >= MAX_FILES:
            raise Refused(503, "Other images are waiting to be fitted. Try again in a minute.")
        self._arriving += 1
        try:
            await self._app(scope, _Body(receive, MAX_BYTES + MAX_BODY), self._separate(send))
        finally:
            self._arriving -= 1
            if not self._arriving:
                self._uploads.remove_fragments()

    def _separate(self, send: Send) -> Send:
        """Returns `send` for the response to an upload, which is a JSON list of paths."""
        status = 0

        async def separate(message: Message) -> None:
            # Nothing is awaited since gradio has moved the file, so no other upload can have replaced it.
            nonlocal status
            status = message.get("status", status)
            if message["type"] == "http.response.body" and status == 200:
                paths = [self._uploads.separate(path) for path in json.loads(message["body"])]
                message = {**message, "body": json.dumps(paths, ensure_ascii=False, separators=(",", ":")).encode()}
            await send(message)

        return separate


class _Body:
    """`receive` of a request whose body is bounded in size and time.

    Args:
        receive: Function of the server that returns the next part of the body.
        most: Bytes of the largest body.
    """

    def __init__(self, receive: Receive, most: int):
        self._receive, self._most = receive, most
        self._begin, self._arrived, self._complete = time.monotonic(), 0, False
        self._read: list[Any] = []  # parts that `read` has received

    async def read(self) -> bytes:
        """Returns the body, which can still be received afterwards."""
        parts = []
        while not self._complete:
            parts.append(await self())
        self._read = parts
        return b"".join(part.get("body", b"") for part in parts)

    async def __call__(self) -> Any:
        """Returns the next part; after the last one, waits until the visitor leaves.

        Raises:
            Refused: If the body is too long or arrives too slowly.
        """
        if self._read:
            return self._read.pop(0)
        if self._complete:
            return await self._receive()
        left = PATIENCE + self._arrived / MIN_RATE - (time.monotonic() - self._begin)
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, left))
        except asyncio.TimeoutError:
            raise Refused(408, f"Expected {MIN_RATE // 1000} kB a second. Received: less. Try again.") from None
        self._arrived += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        if self._arrived > self._most:
            raise Refused(413, f"Expected at most {self._most:,} bytes. Received: more.")
        return message


def _check_files(body: bytes) -> None:
    """Refuses a body in which a file is an address, since gradio would download it from another machine."""
    try:
        stack = [json.loads(body)]
    except (ValueError, RecursionError):  # gradio answers these
        return
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            path = value.get("path")
            if isinstance(path, str) and "://" in path:
                raise Refused(400, "Expected an uploaded file. Received: an address.")
            stack += value.values()
        elif isinstance(value, list):
            stack += value
