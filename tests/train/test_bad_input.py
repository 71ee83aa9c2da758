"""Bad input: the training program answers with one line and exit code 2, and writes nothing."""

import json
import re
import subprocess

import numpy as np
import pytest

from ssgan_tf.config import Config
from ssgan_tf.runs import Workdir
from ssgan_tf.utils import project
from tests.support import faults, programs
from tests.support.run_files import files_in
from tests.support.training import cut, flags, train


def assert_refused(result: programs.Result, message: str) -> None:
    """Fails unless the program exited with 2 and one line on stderr that matches `message`."""
    assert result.code == 2, result.err
    assert re.fullmatch(r"error: [^\n]+\n", result.err), result.err
    assert re.search(message, result.err), result.err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--set=model.gama_g=3"], r"--set: expected one of .*Received: 'model.gama_g'. Did you mean 'gamma_g'\?"),
        (["--set=train.images"], "--set: expected name=value, .*Received: 'train.images'"),
        (["--set=data.labeled_fraction=1.5"], r"labeled_fraction: expected a number in \[0, 1\]. Received: 1.5"),
        (["--set=phases.labeled_batch=9"], "labeled_batch: expected 1 to batch=8 .*Received: 9"),
        (["--set=model.network.resolution=12"], "resolution: expected a power of two from 8 to 1024. Received: 12"),
        (["--set=train.seed=-1"], r"seed: expected a number from 0 to 2\*\*31 - 1. Received: -1"),
        (["--set=model.network.resolution=16"], "model.network.resolution: fake/tiny has images of 8x8. Received: 16"),
        (["--set=model.network.channels=1"], "model.network.channels: fake/tiny has 3. Received: 1"),
        (["--set=data.factors=hue,shap"], r"data.factors: expected names among .*'shap'. Did you mean 'shape'\?"),
        (["--set=data.factors=hue,hue"], r"more than once: \['hue'\]"),
        (["--set=phases.batch=64"], "phases.0.batch: expected at most the 60 images of fake/tiny. Received: 64"),
        (["--set=data.memory_gib=1e-9"], "data.memory_gib: fake/tiny needs .*Received: 1e-09"),
        (["--set=data.dataset=fake/other"], "not prepared .* ssgan data build fake --config=other --data_dir="),
        (["--data_dir=/nowhere"], "'fake/tiny' is not prepared in '/nowhere' .*: ssgan data build .*=/nowhere"),
        (["--config=/nowhere.py"], "--config: expected a Python file such as .*Received: '/nowhere.py'"),
        (["--strategy=multigpu"], "strategy=multigpu: value should be one of <default|mirrored|multiworker>"),
        (["--minutes=-1"], "minutes"),
        (["--workdir=gs://bucket/run"], "--workdir: expected a folder of this machine, without 'gs://'. Received: "),
        (["--wrkdir=x"], r"Unknown command line flag 'wrkdir'. Did you mean: workdir \?"),
        (["model.gamma_g=3"], "expected only flags .*Received: 'model.gamma_g=3'"),
    ],
)
def test_bad_input_is_answered_in_one_line_and_nothing_is_written(more, message, inputs, tmp_path):
    assert_refused(train(inputs, tmp_path / "run", *more), message)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", ["config", "workdir"])
def test_a_missing_flag(missing, inputs, tmp_path):
    given = [flag for flag in flags(inputs, tmp_path) if not flag.startswith(f"--{missing}")]
    expected = {"config": "flag --config=None: .*--help lists the flags", "workdir": "--workdir: expected the folder"}
    assert_refused(programs.run("ssgan_tf.train", *given), expected[missing])


def test_run_and_data_are_found_beside_a_config_of_ssgan_new(inputs, tmp_path):
    (tmp_path / "config.py").write_text((inputs / "tiny.py").read_text())
    (tmp_path / "data").symlink_to(inputs / "data")
    project.write_state(str(tmp_path), {"run": "run2"})
    result = programs.run("ssgan_tf.train", f"--config={tmp_path}/config.py", "--set=train.images=16")
    assert result.code == 0, result.err
    assert (tmp_path / "run2/checkpoints").is_dir()
    scored = programs.run("ssgan_tf.evaluate", f"--config={tmp_path}/config.py", "--metrics=none")
    assert scored.code == 2 and scored.err.startswith("error: --metrics: "), scored.err
    shown = programs.run("ssgan_tf.train", f"--config={tmp_path}/config.py", "--data_dir=/nowhere", "--dry_run")
    assert shown.code == 2 and "is not prepared in '/nowhere'" in shown.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", r"must define get_config\(\)"),
        ("def get_config(:", r"SyntaxError: .*\(bad.py, line 1\)"),
        ("def get_config():\n    return 1 / 0", "bad.py, line 2: ZeroDivisionError"),
    ],
)
def test_an_invalid_config_file(text, message, inputs, tmp_path):
    (tmp_path / "bad.py").write_text(text)
    assert_refused(train(inputs, tmp_path / "run", f"--config={tmp_path}/bad.py"), "--config: .*" + message)
    assert not (tmp_path / "run").exists()


def test_a_batch_that_cannot_be_divided_among_the_devices(inputs, tmp_path):
    result = train(inputs, tmp_path / "run", "--strategy=mirrored", before=faults.Devices(3))
    assert_refused(result, "phases.0.batch: expected a multiple of the 3 replicas. Received: 8")
    assert not (tmp_path / "run").exists()


def test_a_workdir_with_a_run_of_another_config(inputs, workdir):
    before = files_in(workdir)
    result = train(inputs, workdir, "--set=model.gamma_g=3", "--set=train.seed=1")
    message = r"contains a run of another config \(model.gamma_g: expected 10.0, received 3.0; train.seed: expected"
    assert_refused(result, message)
    assert files_in(workdir) == before


def test_a_workdir_with_a_run_on_other_factors(inputs, workdir):
    # The config names no factors, so they are those of the data, which was built again with another size.
    codes = json.loads((workdir / "factors.json").read_text())
    codes[0]["size"] = 7
    (workdir / "factors.json").write_text(json.dumps(codes))
    before = files_in(workdir)
    message = r"contains a run on other factors: expected .*'size': 7.*Received: .*'size': 5"
    assert_refused(train(inputs, workdir), message)
    assert files_in(workdir) == before


def test_a_workdir_without_config_json(inputs, workdir):
    (workdir / "config.json").unlink()
    before = files_in(workdir)
    assert_refused(train(inputs, workdir), "contains checkpoints but no config.json")
    assert files_in(workdir) == before


def test_a_workdir_with_a_damaged_config_json(inputs, workdir):
    (workdir / "config.json").write_text('{"data": {')
    before = files_in(workdir)
    assert_refused(train(inputs, workdir), "config.json is not a config of this version")
    assert files_in(workdir) == before


def test_a_workdir_with_damaged_checkpoints_alone(inputs, workdir):
    for path in (workdir / "checkpoints").glob("*/ckpt.index"):
        cut(path)
    before = files_in(workdir)
    result = train(inputs, workdir)
    assert result.code == 2
    assert "None of the 3 checkpoints in" in result.err.splitlines()[-1]
    assert files_in(workdir) == before


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "labeled_subset.npy is not a list of"), (None, "belongs to other data; expected the 15 rows of 60")],
)
def test_a_labelled_subset_that_is_damaged_or_belongs_to_other_data(content, message, inputs, workdir):
    path = workdir / "labeled_subset.npy"
    if content is None:
        np.save(path, np.arange(50, 65))
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    assert_refused(train(inputs, workdir, "--set=train.images=256"), message)
    assert path.read_bytes() == before


def test_a_workdir_that_is_a_file(inputs, tmp_path):
    (tmp_path / "run").write_text("mine")
    for workdir in (tmp_path / "run", tmp_path / "run" / "inside"):
        assert_refused(train(inputs, workdir), "--workdir: expected a folder. Received: .*run is a file")
    assert (tmp_path / "run").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, "a writable folder") for name in ("checkpoints", "samples", "tensorboard")),
        *((name, "a file") for name in ("metrics.jsonl", "config.json", "factors.json", "lock", "replicas.json")),
    ],
)
def test_a_file_in_the_place_of_a_folder_and_the_reverse(name, expected, tmp_path):
    path = tmp_path / name
    path.write_text("mine") if "folder" in expected else path.mkdir()
    with pytest.raises(OSError, match=f"^workdir: expected {expected}. Received: '{path}'.$"):
        Workdir(str(tmp_path)).check_config(Config())


def test_a_workdir_that_cannot_be_written(inputs, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert_refused(train(inputs, small_disk / "run"), "--workdir: expected a writable folder. Received: ")


def test_a_disk_too_small_for_the_checkpoints(inputs, tmp_path):
    # 4 bytes x (weight, average, two moments) x (3 checkpoints kept, 1 being written).
    result = train(inputs, tmp_path / "run", "--dry_run")
    parameters = int(re.search(r"parameters +([\d,]+)", result.out)[1].replace(",", ""))
    needed = 4 * 4 * parameters * 4
    result = train(inputs, tmp_path / "run", before=faults.DiskWith(needed - 1))
    assert_refused(result, "--workdir: .* needs 0.1 MiB for checkpoints. Received: a disk with 0.1 MiB free.")
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_has_its_checkpoints_needs_no_more_room(inputs, workdir):
    assert train(inputs, workdir, before=faults.DiskWith(0)).code == 0
