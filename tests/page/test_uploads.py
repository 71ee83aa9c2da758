"""Uploads and fits without a web server: bounded in number, size, age and time, and nothing is left on the disk."""

import asyncio
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.types import ASGIApp

from ssgan_tf.page import editor_session, limits
from ssgan_tf.page import fits as fits_module
from ssgan_tf.page.fits import Cancelled, Fits
from ssgan_tf.page.limits import Limits
from ssgan_tf.page.uploads import Uploads
from tests.support.visiting import until


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(str(tmp_path))


def upload(uploads: Uploads, name: str = "a.png", content: bytes = b"image", folder: str = "hash") -> str:
    """Does what gradio does with an upload, and returns its path."""
    path = uploads.arriving / folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return str(path)


def files(uploads: Uploads) -> list[Path]:
    """Returns everything in the folder of uploads, except for the two folders that stay."""
    return [path for path in uploads.arriving.parent.rglob("*") if path.name not in ("arriving", "waiting")]


def in_thread(function: Callable, *arguments) -> tuple[threading.Thread, list]:
    """Calls a function in a thread; its result, or the exception that it raises, is put into the list."""
    results: list = []

    def call() -> None:
        try:
            results.append(function(*arguments))
        except Exception as error:
            results.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread, results


# --- Files


def test_a_claimed_upload_is_moved_and_deleted(uploads: Uploads) -> None:
    path = uploads.claim(upload(uploads, "my photo.png"))
    assert path.name == "my photo.png" and path.read_bytes() == b"image"
    assert not list(uploads.arriving.iterdir())
    assert uploads.count() == 1
    uploads.release(path)
    uploads.release(path)  # a second time does nothing
    assert files(uploads) == [] and uploads.count() == 0


def test_uploads_of_the_same_content_are_separate(uploads: Uploads) -> None:
    separate = []
    for _ in range(3):
        path = upload(uploads, 'Käse "1".png')
        separate.append(uploads.separate(path))
        assert len(separate[-1]) == len(path)
    for path in separate:
        assert uploads.claim(path).read_bytes() == b"image"
    assert not list(uploads.arriving.iterdir())


def test_only_uploads_can_be_claimed(uploads: Uploads, tmp_path: Path) -> None:
    (tmp_path / "secret.png").touch()
    (uploads.arriving / "tmp123").touch()  # still arriving
    for path in ("../secret.png", "a/../../secret.png", "../arriving/../secret.png", "tmp123"):
        with pytest.raises(ValueError, match="expected an uploaded file"):
            uploads.claim(str(uploads.arriving / path))
    assert (tmp_path / "secret.png").exists()
    once = upload(uploads)
    uploads.release(uploads.claim(once))
    with pytest.raises(ValueError, match="a.png: expected an uploaded file, but it is gone. Upload it again."):
        uploads.claim(once)


def test_uploads_that_nobody_fits_are_deleted_once_they_are_old(uploads: Uploads) -> None:
    claimed = uploads.claim(upload(uploads, "claimed.png"))
    old, fragment = Path(upload(uploads, "old.png", folder="one")), uploads.arriving / "tmp123"
    fragment.touch()
    upload(uploads, "new.png", folder="two")
    for path in (old, old.parent, fragment):
        os.utime(path, (0, 0))
    assert uploads.sweep(60) == 2
    assert {path.name for path in files(uploads)} == {"two", "new.png", claimed.parent.name, "claimed.png"}
    assert uploads.sweep(-1) == 1 and claimed.exists()


# --- Fits


def test_fits_run_one_after_another_and_delete_their_files(uploads: Uploads) -> None:
    fits, running, order = Fits(uploads), [], []

    def fit(path: Path, check: Callable[[], None]) -> str:
        running.append(path)
        assert len(running) == 1
        order.append(path.name)
        time.sleep(0.02)
        check()
        running.clear()
        return path.name

    names = [f"{i}.png" for i in range(6)]
    threads = []
    for name in names:
        fits.add(name, upload(uploads, name))
        threads.append(in_thread(fits.run, name, fit))
        time.sleep(0.005)  # keeps the order
    for name, (thread, results) in zip(names, threads, strict=True):
        thread.join(10)
        assert results == [name]
    assert order == names and files(uploads) == []


@pytest.mark.parametrize("where", ["running", "waiting"])
def test_a_cancelled_fit_frees_its_place_and_its_file_at_once(uploads: Uploads, where: str) -> None:
    fits, begun, go_on = Fits(uploads), threading.Event(), threading.Event()

    def fit(path: Path, check: Callable[[], None]) -> str:
        begun.set()
        while not go_on.wait(0.005):
            check()
        return path.name

    fits.add("first", upload(uploads, "first.png"))
    first, first_results = in_thread(fits.run, "first", fit)
    assert begun.wait(10)
    fits.add("second", upload(uploads, "second.png"))
    second, second_results = in_thread(fits.run, "second", fit)
    assert fits.cancel("first" if where == "running" else "second")
    assert uploads.count() == 1
    cancelled, results, other = (
        (first, first_results, second_results) if where == "running" else (second, second_results, first_results)
    )
    cancelled.join(10)
    assert [type(result) for result in results] == [Cancelled] and other == []
    go_on.set()
    for thread in (first, second):
        thread.join(10)
    assert other == ["second.png" if where == "running" else "first.png"] and files(uploads) == []
    assert not fits.cancel("first") and not fits.cancel("nobody")


def test_a_new_upload_replaces_the_fit_of_the_same_visitor(uploads: Uploads) -> None:
    fits = Fits(uploads)
    fits.add("me", upload(uploads, "first.png"))
    fits.add("me", upload(uploads, "second.png"))
    assert uploads.count() == 1
    assert fits.run("me", lambda path, check: path.name) == "second.png"
    with pytest.raises(Cancelled):
        fits.run("me", lambda path, check: pytest.fail("fitted twice"))
    assert files(uploads) == []


def test_the_number_and_the_time_of_fits_are_limited(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fits_module, "MAX_FITS", 2)
    fits = Fits(uploads, seconds=0.05)
    for visitor in "ab":
        fits.add(visitor, upload(uploads))
    with pytest.raises(ValueError, match="2 images are waiting to be fitted already. Try again in a few minutes."):
        fits.add("c", upload(uploads))
    assert uploads.count() == 2 and not list(uploads.arriving.iterdir())

    def endless(_: Path, check: Callable[[], None]) -> None:
        while True:
            check()

    with pytest.raises(ValueError, match="The fit was stopped, because it took longer than 0.05 s."):
        fits.run("a", endless)
    fits.add("c", upload(uploads))  # there is a place again
    monkeypatch.setattr(fits_module, "MAX_AGE", -1.0)
    fits.sweep()  # nobody has started these
    assert files(uploads) == []


def test_closing_cancels_everything(uploads: Uploads) -> None:
    fits = Fits(uploads)
    begun = threading.Event()

    def endless(_: Path, check: Callable[[], None]) -> None:
        begun.set()
        while True:
            check()

    fits.add("a", upload(uploads))
    fits.add("b", upload(uploads))
    threads = [in_thread(fits.run, visitor, endless) for visitor in "ab"]
    assert begun.wait(10)
    fits.close()
    for thread, results in threads:
        thread.join(10)
        assert [type(result) for result in results] == [Cancelled]
    assert files(uploads) == []


class SlowEditor:
    """Stands for an `Editor` whose fits never end."""

    resolution, channels = 8, 3

    def fit(self, images: np.ndarray, progress: Callable[[float], None]) -> None:
        assert images.shape == (1, 8, 8, 3)
        while True:
            progress(0.5)


@pytest.mark.parametrize("ending", ["cancelled", "too long"])
def test_a_fit_stops_at_its_next_step(uploads: Uploads, tmp_path: Path, ending: str) -> None:
    fits = Fits(uploads, 0.1 if ending == "too long" else 100)
    shares: list[float] = []
    Image.new("RGB", (9, 9)).save(tmp_path / "photo.png")
    fits.add("me", upload(uploads, "photo.png", (tmp_path / "photo.png").read_bytes()))

    def fit(path: Path, check: Callable[[], None]) -> editor_session.Session:
        return editor_session.fit(SlowEditor(), path, shares.append, check)  # type: ignore[arg-type]

    thread, results = in_thread(fits.run, "me", fit)
    until(lambda: shares or results)
    if ending == "cancelled":
        assert fits.cancel("me")
    thread.join(10)
    assert isinstance(results[0], Cancelled if ending == "cancelled" else ValueError), results
    assert ending == "cancelled" or "took longer than 0.1 s" in str(results[0])
    assert files(uploads) == [tmp_path / "photo.png"]


# --- Requests


class Response:
    """Sends a request through the limits to an application that reads its body; has the answer.

    Args:
        limits: The limits.
        path: Path of the request.
        parts: Parts of the body; a number is a pause in seconds.
        late: If given, the body ends when it is set.
    """

    def __init__(self, limits: Limits, path: str, parts: list, late: asyncio.Event | None = None):
        self._limits, self._path, self._parts, self._late = limits, path, list(parts), late
        self.status, self.body = 0, b""

    async def run(self) -> "Response":
        scope = {"type": "http", "method": "POST", "path": self._path, "headers": []}
        await self._limits(scope, self._receive, self._send)  # type: ignore[arg-type]
        return self

    async def _receive(self) -> dict:
        if self._late:
            await self._late.wait()
        if self._parts and isinstance(self._parts[0], float):
            await asyncio.sleep(self._parts.pop(0))
        body = self._parts.pop(0) if self._parts else b""
        return {"type": "http.request", "body": body, "more_body": bool(self._parts)}

    async def _send(self, message) -> None:
        self.status = message.get("status", self.status)
        self.body += message.get("body", b"")


def gradio(uploads: Uploads) -> ASGIApp:
    """Returns an application that writes every upload to the same path, and answers other requests with their size."""

    async def answer(scope, receive, send) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message["body"]), message["more_body"]
        body = json.dumps([upload(uploads, content=b"x" * size)] if scope["path"] == UPLOAD else size).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    return answer


UPLOAD, OTHER = "/gradio_api/upload", "/gradio_api/queue/join"


@pytest.mark.parametrize(
    ("path", "parts", "status", "text"),
    [
        (UPLOAD, [b"abc"] * 5, 200, "a.png"),
        (OTHER, [b"abc"] * 2, 200, "6"),
        (OTHER, [b"abc"] * 5, 413, "Expected at most 10 bytes. Received: more."),
        (UPLOAD, [b"abc"] * 50, 413, "Expected at most 110 bytes. Received: more."),
        (UPLOAD, [b"abc", 0.5, b"abc"], 408, "Expected 50 kB a second. Received: less. Try again."),
        (UPLOAD, [b"a", 0.08, b"b", 0.08, b"c", 0.08, b"d"], 408, "Expected 50 kB a second"),
        ("/gradio_api/process_recording", [b"abc"], 404, "This page has no such part."),
    ],
)
def test_bodies_are_bounded_in_size_and_time(uploads: Uploads, monkeypatch, path, parts, status, text) -> None:
    monkeypatch.setattr(limits, "MAX_BODY", 10)
    monkeypatch.setattr(limits, "MAX_BYTES", 100)
    monkeypatch.setattr(limits, "PATIENCE", 0.15)
    (uploads.arriving / "tmp123").touch()  # what gradio leaves of an interrupted upload
    response = asyncio.run(Response(Limits(gradio(uploads), uploads), path, parts).run())
    assert response.status == status and text in response.body.decode()
    assert (uploads.arriving / "tmp123").exists() == (path != UPLOAD)
    if response.status == 200 and path == UPLOAD:
        (new,) = json.loads(response.body)
        assert "/hash/" not in new and uploads.claim(new).read_bytes() == b"x" * 15


@pytest.mark.parametrize(
    "body", ['{"data": [1, {"a": [{"path": "HTTPS://nowhere.invalid/a"}]}]}', '{"path": "http:\\u002f/a"}']
)
def test_files_that_gradio_would_download_are_refused(uploads: Uploads, body: str) -> None:
    half = len(body) // 2
    parts = [body[:half].encode(), body[half:].encode()]
    response = asyncio.run(Response(Limits(gradio(uploads), uploads), OTHER, parts).run())
    assert (response.status, response.body) == (400, b"Expected an uploaded file. Received: an address.")
    local = '{"data": [{"path": "/tmp/a.png", "url": "http://127.0.0.1/a.png"}]}'
    for other in (local, "[" * 100_000, "no JSON"):
        response = asyncio.run(Response(Limits(gradio(uploads), uploads), OTHER, [other.encode()]).run())
        assert (response.status, int(response.body)) == (200, len(other))


def test_the_numbers_of_uploads_and_requests_are_bounded(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_UPLOADS", 2)
    monkeypatch.setattr(limits, "MAX_FILES", 3)
    monkeypatch.setattr(limits, "MAX_REQUESTS", 4)

    async def visit() -> None:
        guard, end = Limits(gradio(uploads), uploads), asyncio.Event()
        waiting = [asyncio.create_task(Response(guard, UPLOAD, [b"a"], end).run()) for _ in range(2)]
        await asyncio.sleep(0.01)
        third = await Response(guard, UPLOAD, [b"a"]).run()
        assert third.status == 503 and b"Try again in a minute." in third.body
        waiting += [asyncio.create_task(Response(guard, OTHER, [b"a"], end).run()) for _ in range(2)]
        await asyncio.sleep(0.01)
        fifth = await Response(guard, OTHER, [b"a"]).run()
        assert fifth.status == 503 and b"open too often" in fifth.body
        end.set()
        assert [response.status for response in await asyncio.gather(*waiting)] == [200] * 4
        assert uploads.count() == 2  # of the same content
        upload(uploads, "third.png")
        assert (await Response(guard, UPLOAD, [b"a"]).run()).status == 503
        uploads.sweep(-1)
        assert (await Response(guard, UPLOAD, [b"a"]).run()).status == 200

    asyncio.run(visit())
