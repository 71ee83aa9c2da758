"""Shared by all tests: quiet TensorFlow on the CPU, the option `--slow`, folders to read, a disk to fill."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

# TensorFlow reads these once, when it is first imported, so they are set before any test module is.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as in the package
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")  # expected numbers are those of a CPU

ROOT = Path(__file__).resolve().parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--slow"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="slow: runs with --slow"))


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout, with configs/, tfds_builders/ and tools/."""
    return ROOT


@pytest.fixture(scope="session")
def real_samples() -> Path:
    """Folder with isaac3d_samples/ and falcor3d_samples/; skips the test if there is none."""
    folder = Path(os.environ.get("SSGAN_REAL_SAMPLES", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real samples in {folder}: set SSGAN_REAL_SAMPLES to their folder")
    return folder


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """Disk of 2 MiB for this test alone; skips the test if it cannot be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root can mount a small disk to fill")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
