"""The command ssgan: its list of verbs, the program of each, and what it does with a wrong one."""

import os
import platform
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import ssgan_tf
from ssgan_tf import __main__ as command
from tests.support import programs

# Verbs whose help needs no TensorFlow, and those whose flags are defined by modules that do.
LIGHT = ["new", "label", "data", "compare", "edit", "page", "serve", "launch"]
HEAVY = ["train", "evaluate", "select", "export"]


def run_without_tensorflow(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Runs `ssgan` in a process in which importing TensorFlow fails."""
    (folder / "tensorflow.py").write_text("raise SystemExit('TensorFlow was imported')")
    command = [sys.executable, "-m", "ssgan_tf", *arguments]
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True, text=True)


def test_help_lists_the_verbs_in_order_in_less_than_a_second(tmp_path):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = run_without_tensorflow(tmp_path, "--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (done.returncode, done.stderr) == (0, "")
    assert (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime) < 1
    lines = re.findall(r"^  (\w+)  +\w.*$", done.stdout, re.MULTILINE)
    assert lines == "new label data train evaluate compare select export edit page serve launch".split()
    assert lines == [*command.VERBS] and sorted(lines) == sorted(LIGHT + HEAVY)
    assert run_without_tensorflow(tmp_path).stdout == done.stdout


def test_the_list_imports_no_numerical_package():
    code = "import sys; from ssgan_tf.__main__ import main; main(['--help']); print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"tensorflow", "numpy", "absl", "matplotlib", "argparse"} & set(loaded)
    assert {name for name in loaded if name.startswith("ssgan_tf")} == {"ssgan_tf", "ssgan_tf.__main__"}


@pytest.mark.parametrize(("setting", "enabled"), [({}, "True"), ({"TF_ENABLE_ONEDNN_OPTS": "0"}, "False")])
def test_tensorflow_uses_onednn_on_any_x86_processor_unless_told_otherwise(setting, enabled):
    if platform.machine() != "x86_64":
        pytest.skip("oneDNN's operations are in TensorFlow's builds for x86")
    code = "import ssgan_tf; from tensorflow.python.framework import test_util; print(test_util.IsMklEnabled())"
    environment = {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env={**environment, **setting}, capture_output=True, text=True, check=True)
    assert done.stdout == enabled + "\n"


def test_version(tmp_path):
    assert run_without_tensorflow(tmp_path, "--version").stdout == f"ssgan_tf {ssgan_tf.__version__}\n"


@pytest.mark.parametrize("verb", LIGHT)
def test_help_of_a_verb_without_tensorflow(verb, tmp_path):
    done = run_without_tensorflow(tmp_path, verb, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(rf"\bssgan[ -]{verb} ", done.stdout) and "__main__" not in done.stdout


@pytest.mark.parametrize("verb", HEAVY)
def test_help_of_a_verb(verb):
    done = programs.run("ssgan_tf", verb, "--help")
    assert (done.code, done.err) == (0, "")
    assert f"\nssgan {verb}:\n  --" in done.out and "--workdir" in done.out and "__main__" not in done.out


@pytest.mark.parametrize(
    ("word", "hint"), [("trian", " Did you mean 'train'?"), ("evaluation", " Did you mean 'evaluate'?"), ("x", "")]
)
def test_an_unknown_verb_gets_one_line_and_exit_code_2(word, hint, tmp_path):
    done = run_without_tensorflow(tmp_path, word, "--help")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: expected one of {', '.join(command.VERBS)}. Received: {word!r}.{hint}\n"


def test_a_verb_gets_its_arguments_and_its_exit_code_is_kept(tmp_path):
    done = run_without_tensorflow(tmp_path, "serve", "--port=x")
    assert done.returncode == 2 and done.stderr.startswith("error: argument --port")
    failed = programs.run("ssgan_tf", "evaluate", "--workdir=/nowhere")
    assert failed.code == 2 and failed.err.startswith("error: --workdir: ") and failed.err.count("\n") == 1


def test_a_program_sees_itself_as_main_and_leaves_nothing(tmp_path, monkeypatch, capsys):
    (tmp_path / "hello.py").write_text("import sys\nprint(__name__, sys.argv, sys.modules['__main__'].__file__)")
    monkeypatch.syspath_prepend(tmp_path)
    before = sys.modules["__main__"], sys.argv
    command.run_program("hello", "ssgan hello", ["--a"])
    assert capsys.readouterr().out == f"__main__ ['ssgan hello', '--a'] {tmp_path}/hello.py\n"
    assert (sys.modules["__main__"], sys.argv) == before
