"""tools/benchmark.py: the setting that flags choose, the summary of the seconds, and a whole run on two devices."""

import dataclasses
import json
import os
import re
import subprocess
import sys

import pytest

from ssgan_tf.config import load_config
from ssgan_tf.train import costs
from tools import benchmark
from tools.benchmarking import report as reports
from tools.benchmarking import workloads

TINY = ["--resolution=8", "--fmap_base=16", "--fmap_max=4", "--batch=4", "--steps=1", "--rounds=2"]


def choose(*arguments: str) -> workloads.Setting:
    return benchmark.choose_setting(benchmark.make_parser().parse_args(arguments))


def test_the_default_is_the_small_networks_at_64():
    setting = choose()
    network = setting.model.network
    assert [network.feature_maps(r) for r in (4, 8, 16, 32, 64)] == [128, 128, 128, 128, 64]
    assert (setting.phase.batch, setting.phase.labeled_batch, setting.model.r1_interval) == (8, 8, 1)


def test_a_flag_changes_what_it_names():
    setting = choose(
        "--resolution=128", "--fmap_base=512", "--fmap_max=32", "--batch=4", "--r1_interval=16",
        "--precision=mixed_bfloat16",
    )  # fmt: skip
    network = setting.model.network
    assert (network.resolution, network.feature_maps(4), network.feature_maps(128)) == (128, 32, 8)
    assert network.precision == "mixed_bfloat16" and setting.model.r1_interval == 16
    assert (setting.phase.batch, setting.phase.labeled_batch) == (4, 4)
    assert choose("--batch=4", "--labeled_batch=2").phase.labeled_batch == 2


def test_a_config_gives_networks_objective_and_last_phase(repository):
    path = str(repository / "configs" / "demo.py")
    config = load_config(path)
    setting = choose(f"--config={path}")
    assert setting.model == config.model
    assert (setting.phase.batch, setting.phase.labeled_batch) == (16, 8)
    assert [factor.name for factor in setting.spec.factors] == list(config.data.factors)
    setting = choose(f"--config={path}", "--batch=32", "--r1_interval=1")
    assert setting.model == dataclasses.replace(config.model, r1_interval=1)
    assert (setting.phase.batch, setting.phase.labeled_batch) == (32, 8)


def test_the_documented_commands_choose_settings(repository, monkeypatch):
    monkeypatch.chdir(repository)
    page = (repository / "docs/speed.md").read_text()
    settings = [choose(*words.split()) for words in re.findall("^.venv/bin/python tools/benchmark.py(.*)$", page, re.M)]
    found = [(setting.model.network.resolution, setting.phase.batch) for setting in settings]
    assert found == [(64, 8), (128, 4), (32, 16)]


def test_ratios_are_taken_within_a_round():
    """When the machine slows down by half, speeds scatter and ratios do not."""
    timed = {
        "convolution peak": workloads.Workload(run=lambda: None, images=1, flops=100.0),
        "training": workloads.Workload(run=lambda: None, images=6, flops=90.0),
        "input pipeline": workloads.Workload(run=lambda: None, images=10, flops=None),
    }
    seconds = {"convolution peak": [1.0, 2.0, 2.0], "training": [3.0, 6.0, 6.0], "input pipeline": [1.0, 1.0, 2.0]}
    result = reports.summarize(timed, seconds)
    assert result["convolution peak"] == {
        "images_per_s": 0.5, "slowest": 0.5, "fastest": 1.0, "flops_per_s": 50.0, "of_peak": 1.0,
    }  # fmt: skip
    assert result["training"]["of_peak"] == pytest.approx(0.3)
    assert (result["training"]["images_per_s"], result["training"]["fastest"]) == (1.0, 2.0)
    assert result["input pipeline"] == {"images_per_s": 10.0, "slowest": 5.0, "fastest": 10.0}


def test_every_round_runs_each_workload_once():
    turns: list[str] = []
    timed = {name: workloads.Workload(lambda name=name: turns.append(name), 1, None) for name in "abc"}
    seconds = reports.time_rounds(timed, 2)
    assert turns == list("abcabc")
    assert all(len(times) == 2 and min(times) >= 0 for times in seconds.values())


def test_steps_come_in_whole_intervals_of_r1():
    class Model:
        calls = 0

        def make_train_function(self):
            def step(_):
                self.calls += 1
                return {"loss": 0.0}

            return step

    model, setting = Model(), choose(*TINY, "--r1_interval=4")
    work = workloads.training_workload(setting, model, {}, steps=5, replicas=2)
    work.run()
    assert model.calls == 8
    assert work.images == 8 * 4
    assert work.flops == 8 * costs.step_flops(setting.model, 5, 8, 2, 2).total


@pytest.fixture(scope="module")
def run_on_two_devices(repository, tmp_path_factory):
    """(printed table, content of the JSON file) of a tiny run on two logical processors."""
    out = tmp_path_factory.mktemp("benchmark") / "new" / "report.json"
    script = (
        "import runpy, sys, tensorflow as tf\n"
        "(cpu,) = tf.config.list_physical_devices('CPU')\n"
        "tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    words = [str(repository / "tools" / "benchmark.py"), *TINY, "--strategy=mirrored", f"--out={out}"]
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert os.listdir(out.parent) == ["report.json"]
    return done.stdout, json.loads(out.read_text())


@pytest.mark.slow
def test_a_run_on_two_devices(run_on_two_devices):
    _, report = run_on_two_devices
    assert list(report["results"]) == ["convolution peak", "training", "generation", "input pipeline"]
    for row in report["results"].values():
        assert 0 < row["slowest"] <= row["images_per_s"] <= row["fastest"]
    setting = choose(*TINY)
    flops, memory = setting.costs(2)  # each device has half of the batch
    assert report["setting"]["devices"] == 2
    assert report["step_flops"]["total"] == flops.total
    training = report["results"]["training"]
    assert training["flops_per_s"] == pytest.approx(training["images_per_s"] / 4 * flops.total, rel=1e-6)
    assert 0 < training["of_peak"] < 1
    assert report["memory"]["estimate"] == memory.total
    assert report["memory"]["peak"]["process"] >= report["memory"]["before"]["process"] > 2**28
    assert sum(report["parameters"].values()) == sum(costs.parameters(setting.model.network, 5))
    assert report["machine"]["threads"] >= 1 and report["machine"]["versions"]["tensorflow"]


@pytest.mark.slow
def test_the_table_has_the_numbers_of_the_file(run_on_two_devices):
    printed, report = run_on_two_devices
    lines = {line[:18].strip(): line[18:].split() for line in printed.splitlines()}
    training = report["results"]["training"]
    assert lines["training"][0] == f"{training['images_per_s']:,.1f}"
    assert lines["training"][4] == f"{training['of_peak']:.2f}"
    assert "batch 4 and 4 labelled" in printed and "2 device(s)" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resolution=48"], "resolution: expected a power of two.*Received: 48"),
        (["--batch=2", "--labeled_batch=3"], "labeled_batch: expected 1 to batch=2"),
        (["--steps=0"], "--steps: expected 1 or more. Received: 0"),
        (["--precision=float8"], "--precision: .*float8"),
        (["--config=nothing.py"], "--config: expected a Python file.*nothing.py"),
        (["--out=file/report.json"], "--out: cannot write .*file"),
        (["configs/demo.py"], "unrecognized arguments: configs/demo.py"),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(arguments, message, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        benchmark.main(arguments)
    captured = capsys.readouterr()
    assert end.value.code == 2
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("error: ") and re.search(message, line)
