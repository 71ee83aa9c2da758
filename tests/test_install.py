"""A plain `pip install .` into a fresh environment: the commands, the configs and the builders that come with it."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

BUILD = ["ssgan_tf", "configs", "tfds_builders", "setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"]
TINY = '{"name": "tiny", "resolution": 16, "first": {"shape": 2, "scale": 1, "azimuth": 1}}'


def pip(*arguments: str | Path) -> None:
    """Runs pip without the network."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheel built from a copy of the checkout, because a build leaves files behind."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in BUILD:
        source, target = repository / name, folder / "checkout" / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    pip("wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, folder / "checkout")
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder bin/ of a fresh environment with the wheel. It sees the packages of this one, but no editable install."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=60)
    python = folder / "bin" / "python"
    pip("--python", python, "install", "--no-index", "--no-deps", wheel)
    (site,) = folder.glob("lib/python*/site-packages")
    # Python adds the folder to the path, but does not run the .pth files in it, of which the editable install is one.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder in which the commands run; it is not a checkout."""
    return tmp_path_factory.mktemp("empty")


def run(environment: Path, folder: Path, *words: str) -> str:
    """Runs an installed command in `folder`; returns what it prints."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [environment / words[0], *words[1:]], cwd=folder, env=variables, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_has_the_package_the_builders_and_the_configs(wheel: Path, repository: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in ("ssgan_tf", "tfds_builders"):
        files = [path.relative_to(repository) for path in (repository / name).rglob("*") if path.is_file()]
        assert {str(path) for path in files if path.parent.name != "__pycache__"} <= names
    configs = {str(path.relative_to(repository)) for path in (repository / "configs").rglob("*.py")}
    assert {f"ssgan_tf/{name}" for name in configs} <= names
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"ssgan_tf", "tfds_builders"}


def test_the_commands_start(environment: Path, empty: Path) -> None:
    where = run(environment, empty, "python", "-c", "import ssgan_tf; print(ssgan_tf.__file__)")
    assert where.startswith(str(environment.parent))
    assert "  train " in run(environment, empty, "ssgan", "--help")
    short = run(environment, empty, "ssgan-edit", "--help")
    assert run(environment, empty, "ssgan", "edit", "--help") == short.replace("usage: ssgan-edit", "usage: ssgan edit")
    assert "scene3d " in run(environment, empty, "ssgan", "data", "list")


def test_a_shipped_builder_prepares_a_data_set(environment: Path, empty: Path) -> None:
    run(environment, empty, "ssgan", "data", "build", "scene3d", f"--config={TINY}")
    assert (empty / "data/scene3d/tiny/1.0.0/dataset_info.json").is_file()


def test_a_shipped_config_is_found_by_its_name(environment: Path, empty: Path) -> None:
    printed = run(environment, empty, "ssgan", "train", "--config=demo", "--workdir=runs/demo", "--dry_run")
    assert '"dataset": "scene3d/demo"' in printed
    assert not (empty / "runs").exists()
