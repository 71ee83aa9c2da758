"""Limits of requests to the page, in front of gradio: only what this page needs, and nothing large."""

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 2**20  # bytes of a request


class OnlyThisPage:
    """ASGI middleware that refuses uploads, files by address, and everything else that this page never sends.

    Args:
        app: Application behind it.
    """

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        path = scope.get("path", "").rstrip("/")
        needed = path == "/gradio_api/component_server" or path == "/gradio_api/heartbeat"
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD") and not needed:
            await PlainTextResponse("This page has no such part.", 404)(scope, receive, send)
            return
        arrived = 0

        async def bounded() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > MAX_BODY:
                return {"type": "http.disconnect"}
            return message

        await self._app(scope, bounded, send)
