"""Runs the examples of docs/serving.md as they are, against another address."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssgan_tf.editing import read_card
from ssgan_tf.serving.__main__ import parse
from tests.support.servers import Server


@pytest.fixture
def blocks(repository: Path, export_server: Server) -> dict[str, str]:
    """Returns {language: last code block in it} of the page."""
    page = (repository / "docs" / "serving.md").read_text()
    here = f"http://127.0.0.1:{export_server.port}{export_server.base}"
    page = page.replace("http://127.0.0.1:8501/v1/models/demo", here)
    return dict(re.findall(r"^```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))


def test_the_python_example(blocks: dict[str, str], exported: Path, tmp_path: Path) -> None:
    show = "\nprint(len(numbers), sorted(encoded), len(encoded['code']))"
    done = subprocess.run(
        [sys.executable, "-c", blocks["python"] + show], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    card = read_card(str(exported / "1"))
    assert done.stdout.split("\n")[0] == f"{card['resolution']} ['code', 'realness'] {len(card['factors'])}"
    with Image.open(tmp_path / "image.png") as image:
        assert image.size == (card["resolution"],) * 2


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_the_example_for_curl(blocks: dict[str, str], exported: Path, tmp_path: Path) -> None:
    size = read_card(str(exported / "1"))["resolution"]
    Image.fromarray(np.zeros([size, size, 3], np.uint8)).save(tmp_path / "photo.png")
    words = ["bash", "-euc", blocks["bash"]]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert '"AVAILABLE"' in done.stdout and '"realness"' in done.stdout and "error" not in done.stdout.split("}")[-2]


def test_the_limits_in_the_table_are_the_defaults_of_the_command(repository: Path) -> None:
    table = (repository / "docs" / "serving.md").read_text()
    stated = {name: float(value) for name, value in re.findall(r"^\| `--(\w+)` \| ([\d.]+) ", table, re.MULTILINE)}
    assert len(stated) == 6
    options = vars(parse([]))
    assert stated == {name: options[name] for name in stated}
