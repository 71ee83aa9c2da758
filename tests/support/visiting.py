"""Support for tests of the page: the page served, a browser, and people who use it."""

import base64
import contextlib
import io
import os
import shutil
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright import sync_api
from playwright.sync_api import expect

SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# Python runs this first in the server. It notes every address that is requested, except those of this machine.
SPY = """
    import os, socket
    def note(where):
        with open(os.environ["SPY_NOTES"], "a") as file:
            print(where, file=file)
    find, connect = socket.getaddrinfo, socket.socket.connect
    def spied_find(host, *more, **named):
        if str(host) not in ("None", "", "localhost", "127.0.0.1", "::1", "0.0.0.0"):
            note(host)
        return find(host, *more, **named)
    class Spied(socket.socket):
        def connect(self, address):
            if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
                note(address)
            return super().connect(address)
    socket.getaddrinfo, socket.socket = spied_find, Spied
"""


def find_chromium() -> str:
    """Returns the path of a browser; skips the test if there is none."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(names)} is on the PATH (Debian: apt install chromium)")
    return found


@contextlib.contextmanager
def serving(repository: Path, folder: Path, model: Path | None) -> Iterator[tuple[str, subprocess.Popen]]:
    """Serves the page; yields its address and process.

    Args:
        repository: Root of the checkout.
        folder: Folder for its log, its temporary files (tmp/) and the addresses that it requested (asked).
        model: Export to serve; None for the model that comes with the package.
    """
    words = [] if model is None else [f"--model={model.name}"]
    with running(folder, ["page", *words], model.parent if model else repository) as served:
        yield served


@contextlib.contextmanager
def running(folder: Path, words: list[str], place: Path) -> Iterator[tuple[str, subprocess.Popen]]:
    """Runs `ssgan` with `words` in the folder `place` until its page can be opened; the rest as `serving`."""
    (folder / "spy").mkdir()
    (folder / "spy/sitecustomize.py").write_text(textwrap.dedent(SPY))
    (folder / "tmp").mkdir()
    (folder / "asked").touch()
    port = free_port()
    with open(folder / "log", "w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ssgan_tf", *words, f"--port={port}"],
            cwd=place, env=spied(folder), stdout=log, stderr=log,
        )  # fmt: skip
    try:
        until(lambda: "The page is at" in (folder / "log").read_text() or process.poll() is not None, 180)
        assert process.poll() is None, (folder / "log").read_text()
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait(30)


def spied(folder: Path) -> dict[str, str]:
    """Returns the environment of a process that notes in `folder` which addresses it requests."""
    more = {"PYTHONPATH": str(folder / "spy"), "SPY_NOTES": str(folder / "asked"), "TMPDIR": str(folder / "tmp")}
    return {**os.environ, **more}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def until(true: Callable[[], Any], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


class Visitor:
    """One person at the page."""

    def __init__(self, page: sync_api.Page):
        self.page = page
        page.wait_for_selector(".after img")
        page.wait_for_selector(".strip img")

    def image(self, kind: str) -> np.ndarray:
        """Returns the pixels of "before" or "after"."""
        return decode(self.page.locator(f".{kind} img").get_attribute("src"))

    def slider(self, name: str) -> sync_api.Locator:
        return self.page.get_by_role("slider", name=name)

    def type(self, name: str, number: str) -> None:
        """Types into the box of a slider, or of the seed."""
        self.type_into(self.page.get_by_role("spinbutton", name=name), number)

    def type_into(self, box: sync_api.Locator, number: str) -> None:
        def act() -> None:
            box.fill(number)
            box.press("Enter")

        self.changes(act)

    def choose_another(self) -> str:
        """Chooses a shape that the image does not have, and returns it."""
        name = next(n for n in ("cube", "cone") if not self.page.get_by_role("radio", name=n).is_checked())
        self.changes(lambda: self.page.get_by_role("radio", name=name).check())
        return name

    def changes(self, act: Callable[[], Any], what: str = ".after img") -> float:
        """Acts and waits until an image, or another element with an address, changes; returns the seconds it took."""
        old, begin = self.page.locator(what).first.get_attribute("src"), time.monotonic()
        act()
        self.page.wait_for_function(
            "([what, old]) => document.querySelector(what).src != old", arg=[what, old], polling=5
        )
        return time.monotonic() - begin

    def says(self, text: str) -> None:
        expect(self.page.locator("#said")).to_contain_text(text, timeout=90_000)

    def command(self) -> str:
        return self.page.locator("#command textarea").input_value()

    def upload(self, path: Path) -> None:
        self.page.locator("#file input[type=file]").set_input_files(path)


def decode(address: str | None) -> np.ndarray:
    """Returns the pixels of a PNG in a `data:` address."""
    assert address is not None
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.split(",", 1)[1]))))
