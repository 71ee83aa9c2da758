"""Visitor of the page without a browser: sends the requests that gradio's own script sends."""

import contextlib
import json
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx


class PageClient:
    """Visitor who opens the page, calls its functions, and leaves.

    Args:
        address: Address of the page.
    """

    def __init__(self, address: str):
        self.session = secrets.token_hex(6)
        self.http = httpx.Client(base_url=address, timeout=60)
        config = self.http.get("/config").json()
        self._functions = {one["api_name"]: one["id"] for one in config["dependencies"]}
        threading.Thread(target=self._stay, daemon=True).start()

    def _stay(self) -> None:
        """Keeps the connection open by which gradio knows that the page is open."""
        with contextlib.suppress(httpx.HTTPError, OSError):  # raised by `leave`
            with self.http.stream("GET", f"/gradio_api/heartbeat/{self.session}") as response:
                for _ in response.iter_raw():
                    pass

    def upload(self, path: Path) -> dict[str, Any]:
        """Uploads a file; returns it as the value of a component."""
        response = self.http.post("/gradio_api/upload", files={"files": (path.name, path.read_bytes())})
        response.raise_for_status()
        return {"path": response.json()[0], "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}

    def _body(self, name: str, data: list[Any]) -> dict[str, Any]:
        return {"data": data, "fn_index": self._functions[name], "session_hash": self.session}

    def call(self, name: str, data: list[Any]) -> list[Any]:
        """Calls a function that does not use gradio's queue; returns its outputs."""
        response = self.http.post("/gradio_api/run/predict", json=self._body(name, data))
        response.raise_for_status()
        return response.json()["data"]

    def join(self, name: str, data: list[Any]) -> str:
        """Puts a call into gradio's queue; returns its identifier."""
        response = self.http.post("/gradio_api/queue/join", json=self._body(name, data))
        response.raise_for_status()
        return response.json()["event_id"]

    def wait(self, event: str) -> list[Any] | None:
        """Waits for a queued call; returns its outputs, or None if it failed."""
        with self._messages() as messages:
            for message in messages:
                if message["msg"] == "process_completed" and message["event_id"] == event:
                    return message["output"]["data"] if message["success"] else None
        raise AssertionError("the page closed the connection")

    @contextlib.contextmanager
    def _messages(self) -> Iterator[Iterator[dict[str, Any]]]:
        with self.http.stream("GET", "/gradio_api/queue/data", params={"session_hash": self.session}) as response:
            yield (json.loads(line[6:]) for line in response.iter_lines() if line.startswith("data: "))

    def leave(self) -> None:
        """Closes all connections at once, like a browser whose window is closed."""
        self.http.close()
