"""tools/demo and tools/test with a stand-in for Python: messages, and when .venv is made, kept or made again.

Nothing is installed. The stand-in logs its arguments, answers `-c` as the real Python does, and makes a .venv of two
files, copies of itself as python and ssgan.
"""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

COMMANDS = "awk bash cat cksum cp df dirname grep ls mkdir rm sleep tail tee".split()
STAND_IN = """\
    #!/bin/bash
    echo "$*" >> "{notes}"
    case "$*" in
      "-m venv "*) mkdir -p .venv/bin && cp "$0" .venv/bin/python && cp "$0" .venv/bin/ssgan ;;
      "-m pip "*) [ ! -e "{notes}.fail" ] || {{ echo "no network"; exit 1; }} ;;
      -c* | -V) exec "{python}" "$@" ;;
    esac
"""


class Sandbox:
    """A checkout with a space in its path, and a PATH with a few commands and `python3.11`."""

    def __init__(self, folder: Path, repository: Path) -> None:
        self.root, self.path = folder / "a checkout", folder / "path"
        self.notes, self.venv = folder / "notes", self.root / ".venv"
        shutil.copytree(repository / "tools", self.root / "tools")
        for file in ("setup.cfg", "setup.py", "pyproject.toml", "constraints/lane1.txt"):
            (self.root / file).parent.mkdir(exist_ok=True)
            shutil.copy(repository / file, self.root / file)
        self.path.mkdir()
        for command in COMMANDS:
            found = shutil.which(command)
            assert found, f"tools/demo needs {command}"
            (self.path / command).symlink_to(found)
        self.add("python3.11", STAND_IN.format(notes=self.notes, python=sys.executable))
        self.add("df", "#!/bin/bash\necho header\necho disk 9 9 99999999 1% /\n")

    def add(self, command: str, text: str) -> None:
        file = self.path / command
        file.unlink(missing_ok=True)
        file.write_text(textwrap.dedent(text))
        file.chmod(0o755)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs tools/<command> from another folder; clears the log of the stand-in first."""
        self.notes.unlink(missing_ok=True)
        return subprocess.run(
            ["bash", self.root / "tools" / command[0], *command[1:]],
            cwd=self.path,
            env={**os.environ, "PATH": str(self.path)},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def calls(self, *starts: str) -> list[str]:
        """Returns the calls of the stand-in during the last run whose arguments start with one of `starts`."""
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        return [line for line in lines if line.startswith(starts)]


@pytest.fixture
def sandbox(tmp_path: Path, repository: Path) -> Sandbox:
    return Sandbox(tmp_path, repository)


def assert_refused(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """Checks for exit code 2 and a message of the program itself that contains `words`."""
    assert result.returncode == 2, result.stderr
    assert "tools/" in result.stderr and ": line " not in result.stderr, result.stderr
    assert [word for word in words if word not in result.stderr] == [], result.stderr


@pytest.mark.parametrize("program", ["test", "demo"])
def test_without_python_says_what_to_install(sandbox: Sandbox, program: str) -> None:
    (sandbox.path / "python3.11").unlink()
    assert_refused(sandbox.run(program), "Python 3.10 or 3.11", "apt install", "no Python")
    assert not sandbox.venv.exists()


def test_lists_the_pythons_that_cannot_be_used(sandbox: Sandbox) -> None:
    folder = sandbox.path / "no venv module"
    folder.mkdir()
    (folder / "ensurepip.py").write_text("raise ImportError")
    real = f'exec "{sys.executable}" "$@"'
    sandbox.add("python3.11", f'#!/bin/bash\nPYTHONPATH="{folder}" {real}\n')
    sandbox.add("python3.10", "#!/bin/bash\nexit 127\n")
    sandbox.add("python3", "#!/bin/bash\necho is version 3.12.1\n")
    result = sandbox.run("test")
    assert_refused(result, "python3.10 does not run", "python3 is version 3.12.1")
    assert "without its venv module" in result.stderr


def test_takes_the_first_python_that_runs(sandbox: Sandbox) -> None:
    (sandbox.path / "python3.11").rename(sandbox.path / "python3")
    sandbox.add("python3.11", "#!/bin/bash\nexit 127\n")
    assert sandbox.run("test").returncode == 0
    assert sandbox.calls("-m venv") == ["-m venv .venv"]


def test_without_disk_space_says_how_much_is_missing(sandbox: Sandbox) -> None:
    sandbox.add("df", f"#!/bin/bash\necho header\necho disk 9 9 {3 * 2**20} 99% /\n")
    assert_refused(sandbox.run("test"), "5 GiB", "found 3 GiB", str(sandbox.root))
    assert not sandbox.venv.exists()


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("--minute=5", ["unknown argument '--minute=5'", "usage: tools/demo [--minutes=N] [--setup]"]),
        ("5", ["unknown argument '5'", "usage"]),
        ("--minutes=soon", ["expected a number above 0", "'soon'", "usage"]),
        ("--minutes=0.0", ["expected a number above 0", "'0.0'"]),
        ("--minutes=", ["expected a number above 0", "''"]),
    ],
)
def test_demo_refuses_arguments_before_it_installs(
    sandbox: Sandbox, argument: str, words: list[str]
) -> None:
    assert_refused(sandbox.run("demo", argument), *words)
    assert not sandbox.venv.exists()


def test_installs_once_and_passes_arguments_on(sandbox: Sandbox) -> None:
    assert sandbox.run("test").returncode == 0
    assert sandbox.calls("-m pip")[-1].endswith("--editable .[test]")
    assert "--constraint constraints/lane1.txt" in sandbox.calls("-m pip")[-1]
    assert sandbox.run("test", "--slow", "-k", "two words").returncode == 0
    assert sandbox.calls("-m venv") == sandbox.calls("-m pip") == []
    assert sandbox.calls("-m pytest") == ["-m pytest --slow -k two words"]
    assert sandbox.calls("-m ruff") and sandbox.calls("-m mypy")


def test_a_failed_check_is_reported_after_the_others_ran(sandbox: Sandbox) -> None:
    stand_in = (sandbox.path / "python3.11").read_text()
    sandbox.add("python3.11", stand_in.replace("esac", '"-m ruff "*) exit 1 ;;\nesac'))
    assert sandbox.run("test").returncode == 1
    assert sandbox.calls("-m pytest")


@pytest.mark.parametrize("file", ["setup.cfg", "setup.py", "pyproject.toml", "constraints/lane1.txt"])
def test_a_change_of_the_requirements_installs_again(sandbox: Sandbox, file: str) -> None:
    sandbox.run("test")
    with (sandbox.root / file).open("a") as stream:
        stream.write("# changed\n")
    assert sandbox.run("test").returncode == 0
    assert sandbox.calls("-m venv") == []
    assert sandbox.calls("-m pip")


def test_setup_alone_trains_nothing(sandbox: Sandbox) -> None:
    result = sandbox.run("demo", "--setup")
    assert result.returncode == 0 and ".venv/bin/ssgan page" in result.stdout
    assert (sandbox.venv / "bin/python").exists() and sandbox.calls("-m pip")
    assert not sandbox.calls("data", "train")


@pytest.mark.parametrize("minutes", [[], ["--minutes=0.5"]])
def test_the_demo_takes_every_step_and_prints_where_the_results_are(
    sandbox: Sandbox, minutes: list[str]
) -> None:
    for _ in range(2):
        result = sandbox.run("demo", *minutes)
        assert result.returncode == 0, result.stderr
        data, workdir = "--data_dir=data", "--workdir=runs/demo"
        assert sandbox.calls("data", "train", "evaluate", "export") == [
            f"data build scene3d --config=demo {data}",
            " ".join([f"train --config=demo {workdir} {data}", *minutes]),
            f"evaluate {workdir} {data}",
            f"export {workdir} --out=runs/demo/export",
        ]
        for place in ("traversal.png", "metrics.json", "export"):
            assert str(sandbox.root / "runs/demo" / place) in result.stdout


def test_the_demo_stops_at_the_step_that_failed(sandbox: Sandbox) -> None:
    stand_in = (sandbox.path / "python3.11").read_text()
    sandbox.add("python3.11", stand_in.replace("esac", '"train "*) exit 2 ;;\nesac'))
    assert sandbox.run("demo").returncode == 2
    assert sandbox.calls("train") and sandbox.calls("evaluate") == []


def test_the_demo_installs_no_test_packages_and_the_tests_add_theirs(sandbox: Sandbox) -> None:
    sandbox.run("demo")
    assert sandbox.calls("-m pip")[-1].endswith("--editable .")
    sandbox.run("test")
    assert sandbox.calls("-m venv") == []
    assert sandbox.calls("-m pip")[-1].endswith("--editable .[test]")


def test_the_demo_uses_what_the_tests_installed(sandbox: Sandbox) -> None:
    sandbox.run("test")
    assert sandbox.run("demo").returncode == 0
    assert sandbox.calls("-m pip") == []


def test_a_failed_install_is_reported_and_repeated(sandbox: Sandbox) -> None:
    assert sandbox.run("demo").returncode == 0
    fail = sandbox.notes.with_name("notes.fail")
    fail.touch()
    assert_refused(sandbox.run("test"), "no network", "pip could not install", "install.log")
    assert sandbox.calls("-m pytest") == []
    fail.unlink()
    assert sandbox.run("demo").returncode == 0
    assert sandbox.calls("-m venv") and sandbox.calls("-m pip")


def test_a_setup_that_was_killed_is_repeated(sandbox: Sandbox) -> None:
    stand_in = (sandbox.path / "python3.11").read_text()
    sandbox.add("python3.11", stand_in.replace('"-m pip "*)', '"-m pip "*) sleep 60;'))
    command = ["bash", str(sandbox.root / "tools" / "test")]
    with subprocess.Popen(command, env={"PATH": str(sandbox.path)}, start_new_session=True) as half:
        while not sandbox.calls("-m pip"):
            time.sleep(0.01)
        os.killpg(half.pid, signal.SIGKILL)
    (sandbox.venv / "left over").touch()
    sandbox.add("python3.11", stand_in)
    assert sandbox.run("test").returncode == 0
    assert sandbox.calls("-m venv") and sandbox.calls("-m pip")
    assert not (sandbox.venv / "left over").exists()


def test_another_setup_in_progress_is_not_disturbed(sandbox: Sandbox) -> None:
    sandbox.venv.mkdir()
    (sandbox.venv / "unfinished").write_text(str(os.getpid()))
    assert_refused(sandbox.run("test"), f"process {os.getpid()} is setting up")
    assert sandbox.venv.exists()


def test_a_venv_made_by_hand_is_used(sandbox: Sandbox) -> None:
    (sandbox.venv / "bin").mkdir(parents=True)
    shutil.copy(sandbox.path / "python3.11", sandbox.venv / "bin" / "python")
    (sandbox.venv / "by hand").touch()
    assert sandbox.run("test").returncode == 0
    assert sandbox.calls("-m venv") == []
    assert sandbox.calls("-m pip")
    assert (sandbox.venv / "by hand").exists()


def test_a_venv_made_by_hand_that_cannot_be_used_is_not_removed(sandbox: Sandbox) -> None:
    sandbox.venv.mkdir()
    (sandbox.venv / "by hand").touch()
    assert_refused(sandbox.run("test"), "was not made by", "does not run", "move it away")
    assert (sandbox.venv / "by hand").exists()


def test_a_moved_checkout_makes_its_venv_again(sandbox: Sandbox) -> None:
    sandbox.run("test")
    sandbox.root = sandbox.root.rename(sandbox.root.with_name("moved"))
    assert sandbox.run("test").returncode == 0
    assert sandbox.calls("-m venv") and sandbox.calls("-m pip")


def test_every_python_tool_ends_in_py(repository: Path) -> None:
    """Otherwise ruff, mypy and the test of the layers would not check it."""
    others = [path for path in (repository / "tools").iterdir() if path.is_file() and path.suffix != ".py"]
    assert [path.name for path in others if "python" in path.read_text().split("\n", 1)[0]] == []
