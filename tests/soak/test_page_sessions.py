"""Fifty visitors of the page who upload, fit, cancel, leave or hang up: nothing of them is left."""

import collections
import contextlib
import os
import random
import re
import socket
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.support.page_client import PageClient
from tests.support.visiting import serving, until

VISITORS, AT_ONCE, SEED = 50, 4, 15
KINDS = ("fit", "cancel", "leave", "abandon", "hang up", "no image")


def write_files(folder: Path) -> dict[str, Path]:
    """Writes a photograph, and two files that are no use."""
    pixels = np.random.default_rng(SEED).integers(0, 256, [300, 400, 4], np.uint8)
    Image.fromarray(pixels).save(folder / "photo.png")
    (folder / "letter.txt").write_text("Dear ...")
    return {"photo": folder / "photo.png", "letter": folder / "letter.txt"}


def visit(kind: str, address: str, files: dict[str, Path], rng: random.Random) -> str:
    """Visits the page once; returns the outcome in a word."""
    visitor = PageClient(address)
    try:
        first = visitor.wait(visitor.join("new", [rng.randrange(1000), 1.0]))
        assert first is not None
        controls = first[6:]
        if kind == "hang up":
            hang_up(address)
            return "hung up"
        value = visitor.upload(files["letter" if kind == "no image" else "photo"])
        if kind == "abandon":
            return "abandoned"
        assert "Fitting" in visitor.call("receive", [value])[0]
        fit = visitor.join("fit", [])
        if kind in ("cancel", "leave"):
            time.sleep(rng.random())
            if kind == "leave":
                return "left"
            assert "cancelled" in visitor.call("cancel", [])[0] or visitor.wait(fit) is not None
            return "cancelled"
        outputs = visitor.wait(fit)
        assert outputs is not None
        if kind == "no image":
            assert "letter.txt: expected a PNG" in outputs[2]
            return "refused"
        assert "Fitted to" in outputs[2]
        assert "photo" in visitor.call("edit", [None, 1.0, *outputs[6 : 6 + len(controls)]])[1]
        return "fitted"
    finally:
        visitor.leave()


def hang_up(address: str) -> None:
    """Sends a third of an upload and closes the connection."""
    place = urlsplit(address)
    head = (
        f"POST /gradio_api/upload HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: 3000000\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        '--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    )
    with socket.create_connection((place.hostname, place.port or 80)) as connection:
        connection.sendall(head.encode() + bytes(1_000_000))


def files_in(folder: Path) -> list[str]:
    return [name for _, _, names in os.walk(folder) for name in names]


def memory(process: int) -> float:
    """Returns the resident memory of a process in MiB."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text())[1]) / 1024  # type: ignore[index]


@pytest.mark.slow
def test_fifty_visitors_leave_no_file_no_memory_and_no_connection(repository: Path, tmp_path: Path) -> None:
    files, counts = write_files(tmp_path), collections.Counter[str]()
    measured: list[float] = []
    work = [KINDS[i % len(KINDS)] for i in range(VISITORS)]
    lock, begin = threading.Lock(), time.monotonic()

    def visit_all(seed: int) -> None:
        rng = random.Random(seed)
        while True:
            with lock:
                if not work:
                    return
                kind = work.pop()
            try:
                outcome = visit(kind, address, files, rng)
            except httpx.HTTPStatusError as error:
                outcome = f"HTTP {error.response.status_code}"
            except Exception as error:
                outcome = f"failed: {kind}: {error!r}"
            with lock:
                counts[outcome] += 1
                measured.append(memory(process.pid))

    (tmp_path / "page").mkdir()
    with serving(repository, tmp_path / "page", None) as (address, process):
        descriptors = len(os.listdir(f"/proc/{process.pid}/fd"))
        threads = [threading.Thread(target=visit_all, args=(SEED + i,)) for i in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds, left = time.monotonic() - begin, len(files_in(tmp_path / "page/tmp"))
        with contextlib.suppress(AssertionError):  # uploads that nobody fitted are deleted after a minute
            until(lambda: not files_in(tmp_path / "page/tmp"), 90)
        log = (tmp_path / "page/log").read_text()
        print(
            f"\n{VISITORS} visitors, {AT_ONCE} at once, seed {SEED}, {seconds:.0f} s: {dict(counts)}; "
            f"files left at the end {left}, a minute later {len(files_in(tmp_path / 'page/tmp'))}; "
            f"memory after 20 visitors {measured[19]:.0f} MiB, after all {measured[-1]:.0f} MiB; "
            f"descriptors before {descriptors}, after {len(os.listdir(f'/proc/{process.pid}/fd'))}; "
            f"tracebacks {log.count('Traceback')}"
        )
        assert set(counts) == {"fitted", "cancelled", "left", "abandoned", "hung up", "refused"}
        assert not files_in(tmp_path / "page/tmp")
        assert "Traceback" not in log
        assert measured[-1] < measured[19] + 60
        assert len(os.listdir(f"/proc/{process.pid}/fd")) <= descriptors + 10
