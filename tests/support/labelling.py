"""Support for tests of the labelling page: a folder of drawings whose labels are known, and people who label it."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from playwright import sync_api

from tests.support.visiting import SWITCHES, find_chromium, running

FACTORS = "--factors=shape=cube,ball,cone;size=0..1;dark=no,yes"
SHAPES = ["cube", "ball", "cone"]


def draw_folder(folder: Path, count: int, resolution: int = 64) -> dict[str, dict[str, str]]:
    """Draws images of a shape on a background; returns {image: {factor: value}}, sizes in tenths."""
    folder.mkdir()
    rng, truth = np.random.default_rng(0), {}
    for i in range(count):
        shape, size, dark = rng.choice(3, p=[0.6, 0.35, 0.05]), int(rng.integers(1, 10)), bool(rng.integers(2))
        image = Image.new("RGB", (resolution,) * 2, tuple(rng.integers(150, 255, 3).tolist()))
        middle, half = resolution / 2, resolution * (0.1 + 0.03 * size)
        box = (middle - half, middle - half, middle + half, middle + half)
        colour = tuple(rng.integers(0, 40, 3) + (0 if dark else 100))
        draw = ImageDraw.Draw(image)
        if shape == 2:
            draw.polygon([(middle, box[1]), (box[0], box[3]), (box[2], box[3])], fill=colour)
        else:
            (draw.rectangle, draw.ellipse)[shape](box, fill=colour)
        image.save(folder / f"{i}.png")
        truth[f"{i}.png"] = {"shape": SHAPES[shape], "size": f"0.{size}", "dark": "yes" if dark else "no"}
    return truth


@contextlib.contextmanager
def labelling(folder: Path, *words: str, served: str = "served") -> Iterator[tuple[str, subprocess.Popen]]:
    """Serves the labelling page of folder/photos; yields its address and process. Its log is in folder/`served`."""
    (folder / served).mkdir()
    with running(folder / served, ["label", "photos", *words], folder) as address_and_process:
        yield address_and_process


@contextlib.contextmanager
def chromium() -> Iterator[sync_api.Browser]:
    """Starts a browser; skips the test if there is none."""
    path = find_chromium()
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=SWITCHES)
        yield browser
        browser.close()


class Labeller:
    """One person at the labelling page, who knows the answers and types them.

    Args:
        page: The browser's page.
        address: Address of the labelling page.
    """

    def __init__(self, page: sync_api.Page, address: str):
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(address)
        page.wait_for_selector(".label .photo img[src^='data:']")

    def image(self) -> str:
        return self.page.locator(".label .where").inner_text()

    def question(self) -> str:
        """Returns the factor that is asked."""
        return self.page.locator("fieldset.now").get_attribute("data-factor") or ""

    def count(self, factor: str) -> str:
        """Returns the caption of a factor's progress."""
        return self.page.locator(".label .progress caption", has_text=factor).inner_text()

    def draws(self) -> int:
        return int(self.page.locator(".label .head").get_attribute("data-draws") or 0)

    def press(self, *keys: str) -> float:
        """Presses keys, of which the last one answers; returns the seconds until the next question is shown."""
        before = self.draws()
        for key in keys[:-1]:
            self.page.keyboard.press(key)
        begin = time.monotonic()
        self.page.keyboard.press(keys[-1])
        self.page.wait_for_function(
            "(before) => Number(document.querySelector('.label .head').dataset.draws) > before", arg=before, polling=5
        )
        return time.monotonic() - begin

    def answer(self, cells: dict[str, str]) -> float:
        """Answers the question that is asked; returns the seconds until the next one is shown."""
        name = self.question()
        if name == "size":
            return self.press(cells[name][-1], "Enter")
        values = SHAPES if name == "shape" else ["no", "yes"]
        return self.press(str(values.index(cells[name]) + 1))
