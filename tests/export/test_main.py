"""Command `python -m ssgan_tf.export`: what it prints, and its exit codes."""

import functools
import os
import shutil
from pathlib import Path

import pytest

from ssgan_tf.utils import project
from tests.support import programs

DIFFERENT = """
from ssgan_tf.export import ExportError, saved_model

def write(run, folder):
    raise ExportError("The export's image differs.")

saved_model.write = write
"""


def test_the_command_exports_and_says_so(workdir: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "tiny"
    result = programs.run("ssgan_tf.export", f"--workdir={workdir}", f"--out={out}")
    assert result.code == 0, result.err
    assert os.listdir(out) == ["1"] and result.err == ""
    assert "70 images" in result.out and f"{out / '1'} (" in result.out and f"ssgan edit --model={out}" in result.out
    assert "16 images" in result.out and str(out / "1" / "assets" / "model_card.md") in result.out


def test_bad_input_is_one_line_that_names_the_flag(workdir: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for flag, words in [
        ("workdir", [f"--workdir={tmp_path / 'nowhere'}", f"--out={tmp_path / 'new'}"]),
        ("out", [f"--workdir={workdir}", f"--out={tmp_path}"]),
    ]:
        result = programs.run("ssgan_tf.export", *words)
        assert result.code == 2 and result.out == ""
        assert result.err.startswith(f"error: --{flag}: ") and result.err.count("\n") == 1
    assert os.listdir(tmp_path) == ["notes.txt"]


@pytest.mark.parametrize("missing", ["workdir", "out"])
def test_both_flags_are_required(missing: str, tmp_path: Path) -> None:
    words = [f"--{name}={tmp_path / name}" for name in ("workdir", "out") if name != missing]
    result = programs.run("ssgan_tf.export", *words)
    assert result.code == 2 and f"--{missing}" in result.err and result.err.count("\n") == 1


def test_a_config_of_ssgan_new_stands_for_both_flags(workdir: Path, tmp_path: Path) -> None:
    (tmp_path / "config.py").touch()
    (tmp_path / "run").symlink_to(workdir)
    project.write_state(str(tmp_path), {"run": "run"})
    try:
        result = programs.run("ssgan_tf.export", f"--config={tmp_path}/config.py")
        assert result.code == 0 and f"to {tmp_path}/run/export/1 (" in result.out, result.err
    finally:
        shutil.rmtree(workdir / "export", ignore_errors=True)

def test_an_export_that_fails_its_check_exits_with_1(workdir: Path, tmp_path: Path) -> None:
    words = [f"--workdir={workdir}", f"--out={tmp_path / 'new'}"]
    result = programs.run("ssgan_tf.export", *words, before=functools.partial(exec, DIFFERENT, {}))
    assert (result.code, result.out, result.err) == (1, "", "error: The export's image differs.\n")
    assert os.listdir(tmp_path) == []
