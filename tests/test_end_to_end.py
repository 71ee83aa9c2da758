"""The documented way from nothing to an edited picture, small but for real: every command of README and docs.

The pages' own commands are run, in a copy of their order, with options appended that make them short.
"""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support import programs

# What makes a documented command short enough for a test, by its program.
SHORT = {
    "ssgan_tf.train": [
        "--set=train.images=64",
        "--set=train.checkpoint_every=32",
        "--set=model.network.fmap_max=8",
        "--set=model.network.noise_size=8",
        "--set=train.metrics_samples=200",
        "--oracle_images=2000",
    ],
    "ssgan_tf.evaluate": ["--samples=600", "--oracle_images=2000", "--group=16"],
    "ssgan_tf.select": ["--groups=12", "--group=8", "--udr_images=100"],
    "ssgan_tf.export": [],
    "ssgan-edit": [],
    "tools/measure_edits.py": ["--count=4", "--fit_steps=3", "--oracle_images=2000"],
    "tools/compare_runs": [],
    "tools/compare_methods.py": [
        "--methods=encoder_only,beta_vae", "--seeds=0", "--images=64", "--samples=600", "--oracle_images=2000",
        "--metrics=mig,l2",
    ],
    "tools/benchmark_metrics.py": ["--metrics=mig,sap_continuous", "--rows=2560", "--repeats=1"],
    "tools/show_data": ["--pairs=5"],
    "tools/benchmark_data.py": ["--seconds=0.2"],
    "tools/benchmark.py": ["--resolution=16", "--fmap_max=8", "--steps=1", "--rounds=1"],
}
# Documented commands that other tests run.
ELSEWHERE = {
    "tools/make_demo_model.py": "tests/tools",
    "tools/demo": "tests/tools",
    "tools/test": "tests/tools",
    "tools/launch": "tests/tools",
    "tools/editor_page": "tests/tools",
    "ssgan_tf.serving": "tests/serving",
    "tools/load_test.py": "tests/serving",
}


def documented(repository: Path) -> list[list[str]]:
    """Every command that stands in a code block of README.md and docs/, as words, each once, in order."""
    commands: list[list[str]] = []
    for page in [repository / "README.md", *sorted((repository / "docs").glob("*.md"))]:
        inside = False
        for line in page.read_text().splitlines():
            line = line.replace(".venv/bin/python tools/", "tools/")
            if line.startswith("```"):
                inside = not inside
            elif inside and re.match(r"python -m |tfds build|tools/\w|ssgan-edit", line):
                words = shlex.split(line)
                commands += [words] if words not in commands else []
    return commands


@pytest.fixture(scope="module")
def folder(repository, tmp_path_factory) -> Path:
    """A folder like a checkout after `tools/demo` has prepared the data."""
    place = tmp_path_factory.mktemp("checkout")
    (place / "configs").symlink_to(repository / "configs")
    tfds = Path(sys.executable).with_name("tfds")
    (place / "docs").mkdir()
    Image.fromarray(np.tile(np.arange(0, 240, 5, dtype=np.uint8)[:, None], [1, 64])).save(place / "photo.png")
    build = [tfds, "build", repository / "tfds_builders/scene3d", "--config=demo", f"--data_dir={place / 'data'}"]
    subprocess.run(build, check=True, capture_output=True, timeout=600)
    return place


def program(words: list[str]) -> str:
    """What a command runs: "ssgan_tf.train", "tools/compare_runs", ..."""
    return words[2] if words[:2] == ["python", "-m"] else words[0]


def run(folder: Path, words: list[str]) -> programs.Result:
    name = program(words)
    if name.startswith("tools/") or name == "ssgan-edit":
        start = [Path(__file__).parents[1] / name] if name.startswith("tools/") else ["-m", "ssgan_tf.editing"]
        done = subprocess.run(
            [sys.executable, *start, *words[1:], *SHORT[name]],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=600,
        )
        return programs.Result(done.returncode, done.stdout, done.stderr)
    plain = [word.replace("=configs/", f"={folder}/configs/") for word in words[3:]]
    plain = [re.sub(r"=(runs|data|selection\w*)\b", rf"={folder}/\1", word) for word in plain]
    return programs.run(name, *plain, *SHORT[name])


def test_every_documented_command_is_run_here_or_there(repository):
    commands = documented(repository)
    assert len(commands) >= 5
    for words in commands:
        assert program(words) in {**SHORT, **ELSEWHERE}, words


def test_the_documented_commands_work_in_their_order(repository, folder):
    programs = list(SHORT)
    commands = [words for words in documented(repository) if program(words) in SHORT]
    first = next(words for words in commands if "--workdir=runs/demo" in words and program(words) == "ssgan_tf.train")
    # For select: runs/measured has the weights of runs/demo, which count once.
    commands.append([word.replace("runs/demo", "runs/other") for word in first] + ["--set=train.seed=1"])
    for words in sorted(commands, key=lambda words: programs.index(program(words))):
        result = run(folder, words)
        assert result.code == 0, (words, result.err)
    workdir = folder / "runs/demo"
    scores = json.loads((workdir / "metrics.json").read_text())
    assert scores["settings"]["labels"] == 778  # 2.5 % of 31,104
    assert scores["settings"]["samples_generator"] == 600
    assert 0 <= scores["generator"]["mig"] <= 1 and scores["generator"]["l2"] > 0
    assert not any(scores["refused"].values()), scores["refused"]
    assert "FactorVAE" in (workdir / "metrics.txt").read_text()
    assert (workdir / "traversal.png").exists()
    for name in ("edited.png", "sheet.png", "turning.gif", "turning.mp4", "new.png", "docs/editing.png"):
        assert (folder / name).stat().st_size > 100, name
    assert len(json.loads((folder / "selection/selection.json").read_text())["models"]) == 2
    assert "| demo " in (folder / "comparison.md").read_text() and (folder / "comparison.png").exists()


def test_scores_during_training_are_logged_and_change_nothing(folder):
    lines = (folder / "runs/measured/metrics.jsonl").read_text().splitlines()
    (scored,) = [line for line in map(json.loads, lines) if "scores/mig" in line]
    assert scored["images"] == 64
    assert set(scored) == {"step", "images", *(f"scores/{name}" for name in ("mig", "l2", "mig_gen", "l2_gen"))}
    measured, plain = (
        (folder / run / "checkpoints/step-000000004/ckpt.data-00000-of-00001").read_bytes()
        for run in ("runs/measured", "runs/demo")
    )
    assert measured == plain


def test_the_export_edits_without_the_package(repository, folder):
    export = folder / "runs/demo/export"
    assert export.is_dir(), "the commands above were not run"
    script = """
import sys, numpy as np
from editing import Editor, to_uint8
editor = Editor.load(sys.argv[1])
codes = np.full([1, 6], 0.4, np.float32)
before, after = editor.generate(codes, seed=1), editor.edit(codes, {"azimuth": "+0.3"}, seed=1)
photo = editor.fit("photo.png", steps=10)
fitted = editor.edit(photo, {"azimuth": 0.3})
assert not any(name.startswith("ssgan_tf") for name in sys.modules)
np.savez(sys.argv[2], before=before, after=after, codes=editor.encode(to_uint8(before)), fitted=fitted, psnr=photo.psnr)
"""
    (folder / "alone").mkdir()
    shutil.copytree(repository / "ssgan_tf/editing", folder / "alone/editing")
    shutil.copy(folder / "photo.png", folder / "alone")
    arguments = [sys.executable, "-W", "error::RuntimeWarning", "-c", script, export, folder / "alone/out.npz"]
    subprocess.run(arguments, check=True, cwd=folder / "alone", env={"PATH": ""}, timeout=300)
    with np.load(folder / "alone/out.npz") as out:
        assert out["before"].shape == (1, 32, 32, 3) and out["codes"].shape == (1, 6)
        assert not np.array_equal(out["before"], out["after"])
        assert out["fitted"].shape == (1, 32, 32, 3) and out["psnr"][0] > 3


def test_a_score_that_was_asked_for_and_cannot_be_is_told_after_the_others_are_written(folder):
    workdir = folder / "runs/comparison/beta_vae-0"
    words = [f"--workdir={workdir}", f"--data_dir={folder}/data", "--metrics=mig,l2", "--samples=300"]
    result = programs.run("ssgan_tf.evaluate", *words, "--oracle_images=2000")
    assert result.code == 3, result.err
    why = "no labels were used, so no code belongs to a named factor"
    assert result.err.splitlines()[-1] == f"error: l2 has no score: {why}"
    scores = json.loads((workdir / "metrics.json").read_text())
    assert scores["settings"]["samples_encoder"] == 300
    assert scores["encoder"]["mig"] >= 0 and "l2" not in scores["encoder"]


def test_a_score_that_the_encoder_has_is_there_though_it_makes_no_pictures(folder):
    words = [f"--workdir={folder}/runs/comparison/encoder_only-0", f"--data_dir={folder}/data", "--samples=300"]
    result = programs.run("ssgan_tf.evaluate", *words, "--oracle_images=2000", "--metrics=mig,factor_vae")
    assert result.code == 3, result.err
    (error,) = [line for line in result.err.splitlines() if line.startswith("error: ")]
    assert error.startswith("error: factor_vae has no score: ") and "Take more samples" in error
    assert "(encoder); this model reads pictures and makes none (generator)" in error


def test_evaluate_names_what_is_wrong(folder):
    arguments = {
        "does not contain a run": ["--workdir=/nowhere"],
        "is not prepared": [f"--workdir={folder}/runs/demo", f"--data_dir={folder}/nothing"],
    }
    for message, words in arguments.items():
        result = programs.run("ssgan_tf.evaluate", *words)
        assert result.code == 2 and message in result.err and result.err.count("\n") == 1, result.err
