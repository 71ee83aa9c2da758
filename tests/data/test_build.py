"""ssgan data build and list: builders by name or path, the command they become, and invalid input."""

import subprocess
import sys

import pytest
from tensorflow_datasets.scripts.cli import main as tfds_program

from ssgan_tf.data import __main__ as program
from ssgan_tf.data import build, run_builder

SHIPPED = [sys.executable, "-m", "ssgan_tf.data.run_builder", "build"]
START = [sys.executable, "-m", "tensorflow_datasets.scripts.cli.main", "build"]


def test_shipped_builders_are_found_by_name(repository):
    root = repository / "tfds_builders"
    assert build.make_command("scene3d", ["--config=demo"]) == (
        [*SHIPPED, str(root / "scene3d"), "--config=demo", "--data_dir=data"]
    )
    assert build.make_command("scene3d/demo", ["--overwrite"], "elsewhere") == (
        [*SHIPPED, str(root / "scene3d"), "--config=demo", "--overwrite", "--data_dir=elsewhere"]
    )
    assert build.make_command("isaac3d", ["--data_dir", "big"])[-2:] == ["--data_dir", "big"]
    folders = {path.parent.name for path in root.glob("*/*_dataset_builder.py")}
    assert set(build.shipped_builders()) == folders


def test_builders_by_path_and_from_the_catalogue(repository, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "scene3d").mkdir()  # a folder of that name does not hide the shipped builder
    assert build.make_command("mine") == [*START, "mine", "--data_dir=data"]
    assert build.make_command("scene3d")[4] == str(repository / "tfds_builders/scene3d")
    assert build.make_command("dsprites")[4] == "dsprites"


def test_unknown_names_are_refused_with_the_nearest_one(capsys):
    with pytest.raises(ValueError, match="^name: expected one of .*'sprites2d'.* Received: 'scene3/x'. .*'scene3d'"):
        build.make_command("scene3/x")
    for words, message in (
        (["build", "scene3"], "Did you mean 'scene3d'?"),
        (["build"], "required: NAME"),
        (["bild"], "invalid choice: 'bild'"),
        (["list", "--all"], "unrecognized arguments: --all"),
        ([], "required: action"),
    ):
        with pytest.raises(SystemExit) as end:
            program.main(words)
        captured = capsys.readouterr()
        assert (end.value.code, captured.out) == (2, "")
        assert message in captured.err and captured.err.count("\n") == 1


def test_list_has_a_line_for_every_builder(capsys):
    assert program.main(["list"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line}
    assert set(build.shipped_builders()) < set(lines)
    assert "rendered images of a room" in lines["scene3d"]


def test_run_reports_a_builder_that_fails(monkeypatch):
    calls = []

    def fail(command):
        calls.append(command)
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(RuntimeError, match="building scene3d/demo failed with exit code 1"):
        build.run("scene3d/demo", "data")
    assert calls == [build.make_command("scene3d/demo")]


@pytest.mark.parametrize(
    "text", ['{"name": "x"', '{"sizes": {"a": ' + "9" * 5000 + "}}", '{"a":' * 5000 + "1" + "}" * 5000]
)
@pytest.mark.parametrize("separate", [False, True])
def test_a_config_that_is_not_json_is_refused_before_anything_starts(text, separate):
    with pytest.raises(ValueError, match="^--config: expected JSON. Received: '{") as error:
        build.make_command("labeled_folder", ["--config", text] if separate else [f"--config={text}"])
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("labels.csv, line 5:\n no image '9.png'."), "labels.csv, line 5: no image '9.png'."),
        (FileNotFoundError("no file"), "no file"),
        (RuntimeError("another build is running there."), "another build is running there."),
        (
            TypeError("SceneConfig.__init__() got an unexpected keyword argument 'x'"),
            "--config: expected fields of this",
        ),
    ],
)
def test_errors_of_shipped_builders_are_one_line(error, line, monkeypatch, capsys):
    def fail():
        raise error

    monkeypatch.setattr(tfds_program, "launch_cli", fail)
    with pytest.raises(SystemExit) as end:
        run_builder.main()
    captured = capsys.readouterr().err
    assert end.value.code == 2 and captured.startswith(line) and captured.count("\n") == 1


def test_mistakes_in_the_code_of_a_builder_keep_their_traceback(monkeypatch):
    monkeypatch.setattr(tfds_program, "launch_cli", lambda: 1 + "1")
    with pytest.raises(TypeError, match="unsupported operand"):
        run_builder.main()
