"""The documented way from nothing to an edited image, small but for real: every command in README.md and docs/.

The commands are run as the pages have them, in the order of the work, with flags appended that make them short.
"""

import functools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support import photo_folder, programs

# Flags that make a documented command short enough for a test, by its program, in the order of the work.
SHORT = {
    "tools/example_folders.py": ["--images=40", "--labelled=30"],
    "ssgan new": [],
    "ssgan data show": ["--pairs=5"],
    "ssgan train": [
        "--set=train.images=64",
        "--set=train.checkpoint_every=32",
        "--set=model.network.fmap_max=8",
        "--set=model.network.noise_size=8",
        "--set=train.metrics_samples=200",
        "--oracle_images=2000",
    ],
    "ssgan evaluate": ["--samples=600", "--oracle_images=2000", "--group=16"],
    "ssgan compare": [],
    "ssgan select": ["--groups=12", "--group=8", "--udr_images=100"],
    "ssgan export": [],
    "ssgan edit": [],
    "tools/measure_edits.py": ["--count=4", "--fit_steps=3", "--oracle_images=2000"],
    "tools/compare_methods.py": [
        "--methods=beta_vae",
        "--seeds=0",
        "--images=64",
        "--samples=600",
        "--oracle_images=2000",
        "--metrics=mig,l2",
    ],
    "tools/benchmark_metrics.py": ["--metrics=mig,sap_continuous", "--rows=2560", "--repeats=1"],
    "tools/benchmark_data.py": ["--seconds=0.2"],
    "tools/check_truth.py": [],
}
# What only the slow test runs: programs for maintainers, and further uses of a program.
ONLY_SLOW = (
    "tools/", "--strategy=mirrored", "--checkpoints_of=", "--bootstrap=", "model.augment.", "train.start_from=",
    "LETTERS", "letters/",
)  # fmt: skip
# Documented commands that other tests run.
ELSEWHERE = {
    "tools/benchmark.py": "tests/tools",
    "tools/make_demo_model.py": "tests/tools",
    "tools/demo": "tests/tools",
    "tools/test": "tests/tools",
    "ssgan data build": "the fixture `folder`",
    "ssgan label": "tests/label",
    "ssgan launch": "tests/train/distribution",
    "ssgan page": "tests/page",
    "ssgan serve": "tests/serving",
    "tools/load_test.py": "tests/serving",
}


def documented(repository: Path) -> list[list[str]]:
    """Returns the commands in code blocks of README.md and docs/ as lists of words, each once, in order."""
    commands: list[list[str]] = []
    for page in [repository / "README.md", *sorted((repository / "docs").glob("*.md"))]:
        inside = False
        for line in page.read_text().splitlines():
            line = line.replace(".venv/bin/python tools/", "tools/")
            if line.startswith("```"):
                inside = not inside
            elif inside and re.match(r"python -m |tfds build|tools/\w|ssgan[ -]", line):
                words = shlex.split(line)
                commands += [words] if words not in commands else []
    return commands


@pytest.fixture(scope="module")
def folder(repository, tmp_path_factory) -> Path:
    """Folder with configs/ and the data set of the demo, as in a checkout, for the tests after each other."""
    return prepare(repository, tmp_path_factory.mktemp("checkout"))


def prepare(repository: Path, place: Path) -> Path:
    """Makes a folder like a checkout, with configs/, the data set of the demo, and a user's photos; returns it."""
    photo_folder.draw(place / "photos", 40, 30)
    (place / "configs").symlink_to(repository / "configs")
    (place / "docs").mkdir()
    Image.fromarray(np.tile(np.arange(0, 240, 5, dtype=np.uint8)[:, None], [1, 64])).save(place / "photo.png")
    build = next(words for words in documented(repository) if program(words) == "ssgan data build")
    command = [sys.executable, "-m", "ssgan_tf", *build[1:]]
    subprocess.run(command, cwd=place, check=True, capture_output=True, timeout=600)
    return place


def normalize(words: list[str]) -> list[str]:
    """Returns a command in its form with `ssgan`, if it has one."""
    if words[0] == "ssgan-edit":
        return ["ssgan", "edit", *words[1:]]
    if words[:2] == ["python", "-m"]:
        return ["ssgan", words[2].removeprefix("ssgan_tf."), *words[3:]]
    return words


def program(words: list[str]) -> str:
    """Returns the program of a command: "ssgan train", "ssgan data show", "tools/demo", ..."""
    words = normalize(words)
    return " ".join(words[: 3 if words[1:2] == ["data"] else 2]) if words[0] == "ssgan" else words[0]


def run(folder: Path, words: list[str]) -> programs.Result:
    """Runs a documented command in `folder`, with the flags that make it short."""
    words = [*normalize(words), *SHORT[program(words)]]
    if words[0] == "ssgan":
        return programs.run("ssgan_tf", *words[1:], before=functools.partial(os.chdir, folder))
    command = [sys.executable, str(Path(__file__).parents[1] / words[0]), *words[1:]]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    return programs.Result(done.returncode, done.stdout, done.stderr)


def test_every_documented_command_is_run_here_or_there(repository):
    commands = documented(repository)
    assert len(commands) >= 5
    for words in commands:
        assert program(words) in {**SHORT, **ELSEWHERE}, words


def run_in_order(repository: Path, folder: Path, commands: list[list[str]]) -> None:
    """Runs documented commands in the order of the work."""
    order = list(SHORT)
    train = next(words for words in commands if "--workdir=runs/demo" in words and program(words) == "ssgan train")
    # For select: runs/measured has the same weights as runs/demo, so the two count as one model.
    other = [word.replace("runs/demo", "runs/other") for word in train] + ["--set=train.seed=1"]
    for words in sorted([*commands, other], key=lambda words: order.index(program(words))):
        result = run(folder, words)
        assert result.code == 0, (words, result.err)


@pytest.mark.slow
def test_all_documented_commands_work_in_their_order(repository, tmp_path):
    folder = prepare(repository, tmp_path)
    run_in_order(repository, folder, [words for words in documented(repository) if program(words) in SHORT])
    assert (folder / "docs/editing.png").stat().st_size > 100
    assert (folder / "runs/comparison/comparison.md").exists()


def test_the_documented_commands_work_in_their_order(repository, folder):
    commands = [words for words in documented(repository) if program(words) in SHORT]
    main = [words for words in commands if not any(part in word for word in words for part in ONLY_SLOW)]
    assert {program(words) for words in main} == {name for name in SHORT if name.startswith("ssgan")}
    run_in_order(repository, folder, main)
    workdir = folder / "runs/demo"
    scores = json.loads((workdir / "metrics.json").read_text())
    assert scores["settings"]["labels"] == 778  # 2.5 % of 31,104
    assert scores["settings"]["samples_generator"] == 600
    assert 0 <= scores["generator"]["mig"] <= 1 and scores["generator"]["l2"] > 0
    assert not any(scores["refused"].values()), scores["refused"]
    assert "FactorVAE" in (workdir / "metrics.txt").read_text()
    assert (workdir / "traversal.png").exists()
    for name in ("edited.png", "sheet.png", "turning.gif", "turning.mp4", "new.png"):
        assert (folder / name).stat().st_size > 100, name
    assert len(json.loads((folder / "selection/selection.json").read_text())["models"]) == 2
    cups = json.loads((folder / "cups/run/metrics.json").read_text())
    assert cups["settings"]["labels"] == 30 and cups["encoder"]["l2"] > 0
    assert (folder / "cups/run/export/1/saved_model.pb").exists() and not (folder / "cups/run2").exists()
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


def test_a_requested_score_that_is_not_possible_is_reported_after_the_others_are_written(folder):
    workdir = folder / "runs/measured"
    words = [f"--workdir={workdir}", f"--data_dir={folder}/data", "--metrics=mig,factor_vae", "--samples=100"]
    result = programs.run("ssgan_tf.evaluate", *words, "--oracle_images=2000")
    assert result.code == 3, result.err
    last = result.err.splitlines()[-1]
    assert last.startswith("error: factor_vae has no score: ") and "Take more samples" in last
    scores = json.loads((workdir / "metrics.json").read_text())
    assert scores["settings"]["samples_encoder"] == 100
    assert scores["encoder"]["mig"] >= 0 and "factor_vae" not in scores["encoder"]


def test_evaluate_names_what_is_wrong(folder):
    arguments = {
        "does not contain a run": ["--workdir=/nowhere"],
        "is not prepared": [f"--workdir={folder}/runs/demo", f"--data_dir={folder}/nothing"],
    }
    for message, words in arguments.items():
        result = programs.run("ssgan_tf.evaluate", *words)
        assert result.code == 2 and message in result.err and result.err.count("\n") == 1, result.err


# What makes the Python of docs/python.md short enough for a test.
SHORT_PYTHON = {
    '["train.images=420_000", ': '["train.images=64", "model.network.fmap_max=8", "model.network.noise_size=8", ',
    'train.run(config, "runs/demo", data_dir="data")': 'train.run(config, "runs/python", data_dir="data")',
    'evaluate.run("runs/demo", data_dir="data")': (
        'evaluate.run("runs/python", data_dir="data", samples=600, oracle_images=2000, group=16)'
    ),
    '"runs/demo/export"': '"runs/python/export"',
    "edited.png": "edited-by-python.png",
}


def test_the_documented_python_goes_from_data_to_an_edited_image_in_one_process(repository, folder):
    code = re.search(r"```python\n(.*?)```", (repository / "docs/python.md").read_text(), re.DOTALL)[1]
    assert len([line for line in code.splitlines() if line and not line.startswith("#")]) <= 20
    for long, short in SHORT_PYTHON.items():
        assert long in code
        code = code.replace(long, short)
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "<Run 'runs/python': semi_stylegan at 32x32 on scene3d/demo, 64 of 64 images, factors shape, " in done.stdout
    assert "MIG" in done.stdout and "No L2" not in done.stdout
    for name in ("runs/python/traversal.png", "traversal.png", "edited-by-python.png"):
        assert Image.open(folder / name).size[0] >= 32, name
