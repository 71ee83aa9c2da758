"""tools/compare_methods.py with stand-ins for training and evaluation: programs that it starts, records, files."""

import json
import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssgan_tf import config as configs
from ssgan_tf.runs import Workdir
from ssgan_tf.utils import files
from tests.support import fakes
from tools import compare_methods

CONFIG = """
from ssgan_tf.config import Config, DataOptions, Phase, TrainOptions
from ssgan_tf.models import SemiStyleGANOptions


def get_config():
    return Config(DataOptions(dataset="fake/tiny", labeled_fraction=0.5), SemiStyleGANOptions(ema_half_life=700),
                  (Phase(decay_images=400),), TrainOptions(images=1000))
"""  # fmt: skip


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory) -> Path:
    return fakes.prepare(tmp_path_factory.mktemp("data"))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with three configs."""
    for name in ("one", "two", "new"):
        (tmp_path / f"{name}.py").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def start(place, data_dir, monkeypatch):
    """Runs the tool. `programs` are those it started, [(program, method-seed, words)]; `codes` are their exit codes."""
    programs: list[tuple[str, str, list[str]]] = []
    codes: dict[tuple[str, str], int] = {}

    def run_program(program: str, words: list[str]) -> int:
        workdir = Path(next(word for word in words if word.startswith("--workdir=")).partition("=")[2])
        programs.append((program, workdir.name, words))
        code = codes.get((program, workdir.name), 0)
        if program == "evaluate" and code in (0, 3):
            write_scores(Workdir(str(workdir)), seed=int(workdir.name[-1]), complete=code == 0)
        return code

    monkeypatch.setattr(compare_methods, "run_program", run_program)

    def begin(*words: str, methods: str = "one,two") -> int:
        paths = ",".join(str(place / f"{name}.py") for name in methods.split(","))
        return compare_methods.main([f"--out={place / 'out'}", f"--data_dir={data_dir}", f"--methods={paths}", *words])

    begin.programs, begin.codes = programs, codes  # type: ignore[attr-defined]
    return begin


def write_scores(workdir: Workdir, seed: int, complete: bool) -> None:
    """Writes the files of an evaluation; an incomplete one has no scores of the generator and no L2."""
    scores = {
        "encoder": {"mig": 0.5 + 0.1 * seed, "mig/samples": 9}, "generator": {"mig": 0.25},
        "images": {"frechet_oracle": math.nan}, "settings": {"labels": 12, "images_trained": 1000},
    }  # fmt: skip
    if not complete:
        none = {"mig": "no images", "l2": "no images."}
        scores |= {"generator": {}, "refused": {"encoder": {"l2": "no labels"}, "generator": none}}
    Path(workdir.scores).write_text(json.dumps(scores))
    Image.fromarray(np.full([4, 4, 3], seed, np.uint8)).save(workdir.traversal)


def test_every_seed_of_every_method_is_trained_and_evaluated_once(start, place, capsys):
    assert start("--seeds=0,1", "--images=500") == 0
    names = ["one-0", "two-0", "one-1", "two-1"]  # all methods with one seed first
    assert [entry[:2] for entry in start.programs] == [(p, n) for n in names for p in ("train", "evaluate")]
    for _, name, words in start.programs[::2]:
        assert f"--set=train.seed={name[-1]}" in words and "--set=train.images=500" in words
        assert f"--config={place / name[:-2]}.py" in words
    table = (place / "out/comparison.md").read_text()
    assert re.search(r"\| one +\| +2 \| +12 \| +- \| +1,000 \| +- \| +0.550 ± 0.635 \|", table), table
    assert "(Student's t)" in table and "0.250 ± 0.000" in table and table in capsys.readouterr().out
    numbers = json.loads((place / "out/comparison.json").read_text())
    assert [run["scores"]["mig"] for run in numbers] == [0.5, 0.5, 0.6, 0.6]
    assert np.asarray(Image.open(place / "out/traversals/one.png")).max() == 0  # of the first seed
    figure = np.asarray(Image.open(place / "out/comparison.png"))
    assert figure.shape[0] > 100 and np.ptp(figure) > 200
    start.programs.clear()
    assert start("--seeds=0,1", "--images=500") == 0 and start.programs == []
    assert start("--seeds=0,1", "--images=500", "--samples=777") == 0
    assert [entry[:2] for entry in start.programs] == [("evaluate", n) for n in names]


def test_a_failure_is_reported_and_the_other_methods_continue(start, capsys):
    start.codes.update({("train", "one-0"): 1, ("evaluate", "two-0"): 2})
    assert start() == 1
    assert [entry[:2] for entry in start.programs] == [("train", "one-0"), ("train", "two-0"), ("evaluate", "two-0")]
    captured = capsys.readouterr()
    assert "one, seed 0: training ended with exit code 1." in captured.out
    assert "two, seed 0: evaluation ended with exit code 2." in captured.out
    assert captured.err.splitlines() == [
        "error: one (seed 0): training ended with exit code 1",
        "error: two (seed 0): evaluation ended with exit code 2",
    ]
    assert re.search(r"one +failed\ntwo +no scores", captured.out)
    start.programs.clear()
    start.codes.clear()
    assert start() == 0  # the next start repeats what failed, and nothing else
    assert [entry[:2] for entry in start.programs] == [("train", "one-0"), ("evaluate", "one-0"), ("evaluate", "two-0")]
    assert re.search(r"one +done\ntwo +done", capsys.readouterr().out)


def test_a_score_that_a_method_cannot_have_is_no_failure_and_the_table_says_why(start, place, capsys):
    start.codes[("evaluate", "two-0")] = 3
    assert start("--metrics=mig,l2") == 0
    captured = capsys.readouterr()
    assert captured.err == "" and re.search(r"one +done\ntwo +done", captured.out)
    assert (place / "out/comparison.md").read_text().splitlines()[-4:] == [
        "Lower is better for Frechet (oracle).",
        "The order of the methods is not established, which takes at least 5 seeds of each.",
        "No L2 for two: no labels.",
        "No MIG-gen, L2-gen for two: no images.",
    ]
    start.programs.clear()
    assert start("--metrics=mig,l2") == 0 and start.programs == []


@pytest.mark.parametrize("code", [130, 143])
def test_it_resumes_where_it_was_stopped(start, code, capsys):
    start.codes[("train", "two-0")] = code
    assert start("--minutes=3") == 130
    assert "Stopped. Everything is saved" in capsys.readouterr().err
    assert ("evaluate", "two-0") not in [entry[:2] for entry in start.programs]
    start.programs.clear()
    start.codes.clear()
    assert start("--minutes=3") == 0
    assert [entry[:2] for entry in start.programs] == [("train", "two-0"), ("evaluate", "two-0")]
    (left,) = [float(word.partition("=")[2]) for word in start.programs[0][2] if word.startswith("--minutes=")]
    assert 2.9 < left <= 3.0


def test_another_budget_needs_another_folder(start, capsys):
    assert start("--images=500") == 0
    with pytest.raises(SystemExit) as ended:
        start("--images=600")
    err = capsys.readouterr().err
    assert ended.value.code == 2 and "one-0 was made with --images=500. Received: --images=600. Choose another" in err
    with pytest.raises(SystemExit):
        start("--images=500", "--set=model.gamma_g=3")
    assert "was made with no such flag. Received: --set=model.gamma_g=3. Choose another" in capsys.readouterr().err
    start.programs.clear()
    with pytest.raises(SystemExit):
        start("--images=600", methods="new,one")
    assert start.programs == []  # noticed before the new method is trained for a long time


def test_a_config_that_was_edited_since_is_refused(start, place, capsys):
    """Otherwise a table would show the scores of the earlier config."""
    assert start(methods="one") == 0
    config = configs.override(configs.load_config(str(place / "one.py")), ["train.seed=0"])
    Workdir(str(place / "out/one-0")).write_config(config)
    assert start(methods="one") == 0
    (place / "one.py").write_text((place / "one.py").read_text().replace("ema_half_life=700", "ema_half_life=800"))
    start.programs.clear()
    with pytest.raises(SystemExit):
        start(methods="one")
    err = capsys.readouterr().err
    assert err.startswith("error: --out: ")
    difference = "(model.ema_half_life: expected 700.0, received 800.0)"
    assert f"one-0' contains a run of another config {difference}. Remove" in err
    assert start.programs == []


def test_earlier_scores_do_not_replace_those_of_an_evaluation_that_failed(start, place):
    assert start("--seeds=0,1") == 0
    start.codes[("evaluate", "one-1")] = 2
    assert start("--seeds=0,1", "--samples=300") == 1
    table = (place / "out/comparison.md").read_text()
    assert re.search(r"\| one +\| +1 \| .* 0\.500 \|", table), table
    assert "one, seed 1: evaluation ended with exit code 2." in table


def test_requested_columns_that_were_not_measured_are_listed(start, place):
    assert start("--columns=mig, fid,mig, dci_gen") == 0
    text = (place / "out/comparison.md").read_text()
    last = text.splitlines()[-1]
    assert last == "Not measured: FID, DCI-gen; choose metrics with --metrics." and text.count("MIG") == 1
    assert start() == 0
    assert "Not measured" not in (place / "out/comparison.md").read_text()


def test_the_time_of_a_training_that_was_killed_counts(start, place, monkeypatch):
    workdir = Workdir(str(place / "out/one-0"))

    def killed(program, words):
        Path(workdir.log).touch()
        raise SystemExit(9)  # as kill -9: nothing is recorded after it

    with monkeypatch.context() as patch:
        patch.setattr(compare_methods, "run_program", killed)
        patch.setattr(compare_methods, "write_record", once(compare_methods.write_record))
        with pytest.raises(SystemExit):
            start("--minutes=3", methods="one")
    begun = json.loads((place / "out/one-0/comparison_record.json").read_text())["begun"]
    os.utime(workdir.log, (begun + 60, begun + 60))
    assert start("--minutes=3", methods="one") == 0
    (left,) = [word for word in start.programs[0][2] if word.startswith("--minutes=")]
    assert left == "--minutes=2.00"


def once(function):
    """Returns a function that calls `function` the first time and does nothing later."""
    calls = []

    def call(*arguments):
        calls.append(arguments)
        return function(*arguments) if len(calls) == 1 else None

    return call


def test_two_processes_in_one_folder_are_refused(start, place, data_dir, capsys):
    with files.exclusive_folder(str(place / "out"), "compares"), pytest.raises(SystemExit) as ended:
        start()
    assert ended.value.code == 2 and start.programs == []
    assert "--out: another process compares in" in capsys.readouterr().err
    (place / "file").write_text("mine")
    with pytest.raises(SystemExit):
        compare_methods.main([f"--out={place / 'file'}", f"--data_dir={data_dir}", f"--methods={place / 'one.py'}"])
    assert "--out: expected a folder. Received: " in capsys.readouterr().err


def test_its_programs_end_with_it(repository):
    """After kill -9 no training is left that nobody waits for."""
    code = """if True:
        import os, subprocess
        from tools import compare_methods
        child = subprocess.Popen(["sleep", "60"], preexec_fn=compare_methods.terminate_with_parent)
        print(child.pid, flush=True)
        os.kill(os.getpid(), 9)
    """
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    status = Path(f"/proc/{int(done.stdout)}/status")
    for _ in range(50):
        if not status.exists() or "State:\tZ" in status.read_text():
            return
        time.sleep(0.1)
    pytest.fail("the program that was started still runs")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--methods=nothing"], "--methods: expected comma-separated paths of configs, or names among "),
        (["--methods=semi_stylegan,configs/compare/semi_stylegan.py"], "different names"),
        (["--methods=,"], "--methods: expected comma-separated paths of configs, or names among "),
        (["--seeds=0,x"], "--seeds: expected different integers"),
        (["--seeds=1,1"], "--seeds: expected different integers"),
        (["--images=0"], "expected a number above 0. Received: 0"),
        (["--minutes=nan"], "expected a number above 0. Received: nan"),
        (["--images=5", "--minutes=5"], "expected one of them"),
        (["--metrics=nothing"], "--metrics: expected 'fast', 'all' or "),
        (["--samples=-3"], "--samples: expected 100 or more. Received: -3"),
        (["--columns=mig,nothing"], "--columns: expected known scores. Received: ['nothing']. Known: mig, mig_gen"),
        (["--columns=psnr_gen"], "--columns: expected known scores. Received: ['psnr_gen']"),
        (["--metrics=mig,fid"], "--metrics: expected none of ['fid', "),
        (["--data_dir=/nowhere"], "is not prepared in '/nowhere'"),
        (["--set=train.seed=7"], "--set: expected no train.seed, because --seeds sets it. Received: both."),
        (["--images=9", "--set=train.images=7"], "--set: expected no train.images, because --images sets it"),
        (["--methods=semi_stylegan", "--set=model.nothing=1"], "error: --set: expected one of "),
        (["--methods=semi_stylegan", "--set=model.nothing=1"], " Method: semi_stylegan."),
    ],
)
def test_bad_input_gets_one_line_and_nothing_is_made(words, message, tmp_path, repository, monkeypatch, capsys):
    monkeypatch.chdir(repository)
    with pytest.raises(SystemExit) as ended:
        compare_methods.main([f"--out={tmp_path / 'out'}", *words])
    err = capsys.readouterr().err
    assert ended.value.code == 2 and message in err and err.count("\n") == 1, err
    assert not (tmp_path / "out").exists()


def test_it_runs_the_programs_of_this_repository_and_returns_their_exit_codes():
    assert compare_methods.run_program("evaluate", ["--workdir=/nowhere", "--data_dir=x"]) == 2
    assert str(compare_methods.ROOT) in compare_methods.make_environment()["PYTHONPATH"].split(":")
