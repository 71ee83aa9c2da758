"""tools/compare_methods with stand-ins for training and measuring: what it asks for, keeps and writes."""

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
from tests.support import fakes

CONFIG = """
from ssgan_tf.config import Config, DataOptions, Phase, TrainOptions
from ssgan_tf.models import SemiStyleGANOptions


def get_config():
    return Config(DataOptions(dataset="fake/tiny", labeled_fraction=0.5), SemiStyleGANOptions(ema_half_life=700),
                  (Phase(32, images=100), Phase(64, decay_images=400),), TrainOptions(images=1000))
"""  # fmt: skip


@pytest.fixture(scope="module")
def tool(load_tool):
    return load_tool("compare_methods")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory) -> Path:
    return fakes.prepare(tmp_path_factory.mktemp("data"))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with two configs."""
    for name in ("one", "two", "new"):
        (tmp_path / f"{name}.py").write_text(CONFIG.replace("Phase(32, images=100), Phase(64, ", "Phase("))
    return tmp_path


@pytest.fixture
def start(tool, place, data_dir, monkeypatch):
    """Runs the tool; `programs` are what it started, [(program, method-seed, words)], `codes` what they end with."""
    programs: list[tuple[str, str, list[str]]] = []
    codes: dict[tuple[str, str], int] = {}

    def run(program: str, words: list[str]) -> int:
        workdir = Path(next(word for word in words if word.startswith("--workdir=")).partition("=")[2])
        programs.append((program, workdir.name, words))
        code = codes.get((program, workdir.name), 0)
        if program == "evaluate" and code in (0, 3):
            seed = int(workdir.name[-1])
            scores = {
                "encoder": {"mig": 0.5 + 0.1 * seed, "mig/samples": 9}, "generator": {"mig": 0.25},
                "images": {"frechet_oracle": math.nan}, "settings": {"labels": 12, "images_trained": 1000},
            }  # fmt: skip
            if code == 3:
                none = {"mig": "no pictures", "l2": "no pictures."}
                scores |= {"generator": {}, "refused": {"encoder": {"l2": "no labels"}, "generator": none}}
            (workdir / "metrics.json").write_text(json.dumps(scores))
            Image.fromarray(np.full([4, 4, 3], seed, np.uint8)).save(workdir / "traversal.png")
        return code

    monkeypatch.setattr(tool, "run", run)

    def begin(*words: str, methods: str = "one,two") -> int:
        named = ",".join(str(place / f"{name}.py") for name in methods.split(","))
        return tool.main([f"--out={place / 'out'}", f"--data_dir={data_dir}", f"--methods={named}", *words])

    begin.programs, begin.codes = programs, codes  # type: ignore[attr-defined]
    return begin


def test_every_seed_of_every_method_is_trained_and_measured_once(start, place, capsys):
    assert start("--seeds=0,1", "--images=500") == 0
    names = ["one-0", "two-0", "one-1", "two-1"]  # all methods with one seed first
    assert [entry[:2] for entry in start.programs] == [(p, n) for n in names for p in ("train", "evaluate")]
    for _, name, words in start.programs[::2]:
        assert f"--set=train.seed={name[-1]}" in words and "--set=train.images=500" in words
        assert f"--config={place / name[:-2]}.py" in words
    table = (place / "out/comparison.md").read_text()
    assert re.search(r"\| one +\| +2 \| +12 \| +- \| +1,000 \| +- \| +0.550 ± 0.071 \|", table), table
    assert "0.250 ± 0.000" in table and table in capsys.readouterr().out
    numbers = json.loads((place / "out/comparison.json").read_text())
    assert [run["scores"]["mig"] for run in numbers] == [0.5, 0.5, 0.6, 0.6]
    assert np.asarray(Image.open(place / "out/traversals/one.png")).max() == 0  # of the first seed
    picture = np.asarray(Image.open(place / "out/comparison.png"))
    assert picture.shape[0] > 100 and np.ptp(picture) > 200
    start.programs.clear()
    assert start("--seeds=0,1", "--images=500") == 0 and start.programs == []
    assert start("--seeds=0,1", "--images=500", "--samples=777") == 0
    assert [entry[:2] for entry in start.programs] == [("evaluate", n) for n in names]


def test_lengths_inside_a_config_go_with_the_budget(tool, tmp_path):
    (tmp_path / "long.py").write_text(CONFIG)
    jobs = sys.modules[tool.Job.__module__]
    job = jobs.Job("long", tmp_path / "long.py", 3, tmp_path / "run")
    options = tool.parse(["--out=o", "--images=500", "--set=model.gamma_g=3"])
    settings, config = jobs.settings_of(job, options)
    assert config.phases[1].decay_images == 200 and config.train.seed == 3
    assert settings == [
        "model.gamma_g=3", "train.seed=3", "train.images=500", "phases.1.decay_images=200",
    ]  # fmt: skip


def test_what_fails_is_said_and_the_others_go_on(start, place, capsys):
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
    assert start() == 0  # another call tries again what failed, and nothing else
    assert [entry[:2] for entry in start.programs] == [("train", "one-0"), ("evaluate", "one-0"), ("evaluate", "two-0")]
    assert re.search(r"one +done\ntwo +done", capsys.readouterr().out)


def test_a_score_that_a_method_cannot_have_is_no_failure_and_the_table_says_why(start, place, capsys):
    start.codes[("evaluate", "two-0")] = 3
    assert start("--metrics=mig,l2") == 0
    captured = capsys.readouterr()
    assert captured.err == "" and re.search(r"one +done\ntwo +done", captured.out)
    assert (place / "out/comparison.md").read_text().splitlines()[-3:] == [
        "Mean and standard deviation over seeds; lower is better for Frechet (oracle).",
        "No L2 of two: no labels.",
        "No MIG-gen, L2-gen of two: no pictures.",
    ]
    start.programs.clear()
    assert start("--metrics=mig,l2") == 0 and start.programs == []


@pytest.mark.parametrize("code", [130, 143])
def test_it_goes_on_where_it_was_stopped(start, code, capsys):
    start.codes[("train", "two-0")] = code
    assert start("--minutes=3") == 130
    assert "Stopped, all saved" in capsys.readouterr().err
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
    assert start.programs == []  # said before the new one is trained for long


def test_a_config_that_was_changed_since_is_refused(start, place, capsys):
    """Or a table would show the scores of what the config was before."""
    assert start(methods="one") == 0
    config = configs.override(configs.load_config(str(place / "one.py")), ["train.seed=0"])
    Workdir(str(place / "out/one-0")).write_config(config)
    assert start(methods="one") == 0
    (place / "one.py").write_text((place / "one.py").read_text().replace("ema_half_life=700", "ema_half_life=800"))
    start.programs.clear()
    with pytest.raises(SystemExit):
        start(methods="one")
    err = capsys.readouterr().err
    assert "one-0' contains a run of another config (model.ema_half_life: expected 700.0, received 800.0). Remove" in err
    assert start.programs == []


def test_scores_of_before_do_not_stand_for_an_evaluation_that_failed(start, place):
    assert start("--seeds=0,1") == 0
    start.codes[("evaluate", "one-1")] = 2
    assert start("--seeds=0,1", "--samples=300") == 1
    table = (place / "out/comparison.md").read_text()
    assert re.search(r"\| one +\| +1 \| .* 0\.500 \|", table), table
    assert "one, seed 1: evaluation ended with exit code 2." in table


def test_all_columns_of_a_metric_that_was_refused_say_why(tool, tmp_path):
    refused = {"encoder": {"dci": "too slow"}, "generator": {}, "images": {"precision_recall": "too few"}}
    (tmp_path / "metrics.json").write_text(json.dumps({"refused": refused}))
    found = tool.method_table.read("one", 0, str(tmp_path), {}).refused
    dci = dict.fromkeys(("dci", "dci/completeness", "dci/informativeness"), "too slow")
    assert found == {**dci, "precision": "too few", "recall": "too few"}


def test_columns_that_were_asked_for_and_not_measured_are_told(start, place):
    assert start("--columns=mig, fid,mig, dci_gen") == 0
    text = (place / "out/comparison.md").read_text()
    assert text.splitlines()[-1] == "Not measured: FID, DCI-gen; --metrics chooses." and text.count("MIG") == 1
    assert start() == 0
    assert "Not measured" not in (place / "out/comparison.md").read_text()


def test_a_training_that_was_killed_with_it_has_used_its_time(tool, start, place, monkeypatch):
    def killed(program, words):
        (place / "out/one-0/metrics.jsonl").touch()
        raise SystemExit(9)  # stands for kill -9: nothing is noted after it

    with monkeypatch.context() as patch:
        patch.setattr(tool, "run", killed)
        patch.setattr(tool, "write_record", once(tool.write_record))
        with pytest.raises(SystemExit):
            start("--minutes=3", methods="one")
    log = place / "out/one-0/metrics.jsonl"
    begun = json.loads((place / "out/one-0/comparison_record.json").read_text())["begun"]
    os.utime(log, (begun + 60, begun + 60))
    assert start("--minutes=3", methods="one") == 0
    (left,) = [word for word in start.programs[0][2] if word.startswith("--minutes=")]
    assert left == "--minutes=2.00"


def once(function):
    """Works the first time, and then no more."""
    calls = []

    def call(*arguments):
        calls.append(arguments)
        return function(*arguments) if len(calls) == 1 else None

    return call


def test_two_at_once_in_a_folder_are_refused(tool, start, place, data_dir, capsys):
    with tool.files.exclusive_folder(str(place / "out"), "compares"), pytest.raises(SystemExit) as ended:
        start()
    assert ended.value.code == 2 and start.programs == []
    assert "--out: another process compares in" in capsys.readouterr().err
    (place / "file").write_text("mine")
    with pytest.raises(SystemExit):
        tool.main([f"--out={place / 'file'}", f"--data_dir={data_dir}", f"--methods={place / 'one.py'}"])
    assert "--out: expected a folder. Received: " in capsys.readouterr().err


def test_its_programs_end_with_it(repository, tmp_path):
    """kill -9 leaves no training behind that nobody waits for."""
    code = """if True:
        import importlib.machinery, sys
        tool = importlib.machinery.SourceFileLoader("compare_methods", sys.argv[1]).load_module()
        import subprocess
        child = subprocess.Popen(["sleep", "60"], preexec_fn=tool.end_with_parent)
        print(child.pid, flush=True)
        os = __import__("os"); os.kill(os.getpid(), 9)
    """
    done = subprocess.run(
        [sys.executable, "-c", code, str(repository / "tools/compare_methods")], capture_output=True, text=True
    )
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
        (["--methods=nothing"], "--methods: expected paths of configs, or among "),
        (["--methods=semi_stylegan,configs/compare/semi_stylegan.py"], "different names"),
        (["--methods=,"], "--methods: expected paths of configs, or among "),
        (["--seeds=0,x"], "--seeds: expected different numbers"),
        (["--seeds=1,1"], "--seeds: expected different numbers"),
        (["--images=0"], "expected a number above 0. Received: 0"),
        (["--minutes=nan"], "expected a number above 0. Received: nan"),
        (["--images=5", "--minutes=5"], "expected one of them"),
        (["--metrics=nothing"], "--metrics: expected 'fast', 'all' or names of"),
        (["--samples=-3"], "--samples: expected 100 or more. Received: -3"),
        (["--columns=mig,nothing"], "--columns: expected known scores. Received: ['nothing']. Known: mig, mig_gen"),
        (["--columns=psnr_gen"], "--columns: expected known scores. Received: ['psnr_gen']"),
        (["--metrics=mig,fid"], "--metrics: expected none of ['fid', "),
        (["--data_dir=/nowhere"], "is not prepared in '/nowhere'"),
        (["--set=train.seed=7"], "--set: expected no train.seed, which --seeds says. Received: both."),
        (["--images=9", "--set=train.images=7"], "--set: expected no train.images, which --images says"),
        (["--methods=semi_stylegan", "--set=model.nothing=1"], "error: semi_stylegan: --set: expected one of "),
    ],
)
def test_bad_input_gets_one_line_and_nothing_is_made(tool, words, message, tmp_path, repository, monkeypatch, capsys):
    monkeypatch.chdir(repository)
    with pytest.raises(SystemExit) as ended:
        tool.main([f"--out={tmp_path / 'out'}", *words])
    err = capsys.readouterr().err
    assert ended.value.code == 2 and message in err and err.count("\n") == 1, err
    assert not (tmp_path / "out").exists()


def test_programs_are_this_repositorys_and_their_codes_are_kept(tool, tmp_path):
    assert tool.run("evaluate", ["--workdir=/nowhere", "--data_dir=x"]) == 2
    assert str(tool.ROOT) in tool.python_path()["PYTHONPATH"].split(":")
