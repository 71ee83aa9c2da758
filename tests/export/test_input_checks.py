"""Export with input that it must refuse: one line that names the flag, exit code 2, nothing written."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from ssgan_tf import export
from ssgan_tf.core.schedule import Phase
from tests.support import tiny_run


@pytest.fixture(scope="module")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_run.write_run(tmp_path_factory.mktemp("runs") / "tiny")


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def no_run(workdir: Path) -> None:
    shutil.rmtree(workdir)


def no_checkpoint(workdir: Path) -> None:
    shutil.rmtree(workdir / "checkpoints")


def no_factors(workdir: Path) -> None:
    (workdir / "codes.json").unlink()


def damaged_factors(workdir: Path) -> None:
    (workdir / "codes.json").write_text('[{"name": "hue"}]')


def damaged_checkpoint(workdir: Path) -> None:
    data = workdir / "checkpoints" / "step-000000007" / "ckpt.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-100])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (no_run, "holds no run"),
        (no_checkpoint, "holds no checkpoint"),
        (no_factors, "codes.json"),
        (damaged_factors, "codes.json is no list of factors"),
        (damaged_checkpoint, "None of the 1 checkpoints"),
    ],
)
def test_a_workdir_without_a_whole_run_is_refused(spoil, words: str, workdir: Path, tmp_path: Path, capsys) -> None:
    spoiled = Path(shutil.copytree(workdir, tmp_path / "spoiled"))
    spoil(spoiled)
    assert export.main(str(spoiled), str(tmp_path / "out")) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: --workdir: ") and words in error and str(spoiled) in error
    assert not (tmp_path / "out").exists()


def test_a_run_that_still_grows_is_refused(tmp_path: Path, capsys) -> None:
    network = dataclasses.replace(tiny_run.NETWORK, resolution=16)
    phases = (Phase(8, images=100, batch=10, labeled_batch=2), Phase(16, batch=10, labeled_batch=2))
    growing = tiny_run.write_run(tmp_path / "growing", phases, network=network)
    assert export.main(str(growing), str(tmp_path / "out")) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: --workdir: ") and "past step 10" in error and "at 8x8, step 7" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("path", ["notes.txt", "notes.txt/inside", "", "numbers", "mixed", "mixed/1"])
def test_an_out_that_is_no_export_is_left_alone(path: str, workdir: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "numbers" / "1").mkdir(parents=True)
    (tmp_path / "numbers" / "1" / "thesis.txt").write_text("mine")
    (tmp_path / "mixed" / "1" / "assets").mkdir(parents=True)  # looks like an export ...
    (tmp_path / "mixed" / "1" / "saved_model.pb").touch()
    (tmp_path / "mixed" / "1" / "assets" / "codes.json").write_text('{"made_by": "ssgan_tf 0.1.0"}')
    (tmp_path / "mixed" / "2").mkdir()  # ... beside something else
    (tmp_path / "mixed" / "2" / "thesis.txt").write_text("mine")
    before = files(tmp_path)
    assert export.main(str(workdir), str(tmp_path / path)) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: --out: ") and error.count("\n") == 1 and "expected" in error
    assert files(tmp_path) == before


def test_an_out_that_cannot_be_made_is_named(workdir: Path, capsys) -> None:
    assert export.main(str(workdir), "/proc/ssgan_tf_export") == 2
    error = capsys.readouterr().err
    assert error.startswith("error: --out: '/proc/ssgan_tf_export' cannot be written") and error.count("\n") == 1
