"""A new model needs one file, and one import and one line in models/__init__.py; then every program supports it."""

import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.editing import Editor
from tests.support import fakes

CONFIG = """
from ssgan_tf.config import Config, DataOptions, Phase, TrainOptions
from ssgan_tf.models import LinearOptions


def get_config():
    return Config(
        data=DataOptions(dataset="fake/tiny", labeled_fraction=0.0),
        model=LinearOptions(),
        phases=(Phase(batch=8, labeled_batch=4, learning_rate=0.01),),
        train=TrainOptions(images=160, log_every=40, sample_every=80, checkpoint_every=80),
    )
"""
IMPORT, LINE = "from ssgan_tf.models.linear import Linear, LinearOptions\n", '    "linear": (LinearOptions, Linear),\n'


@pytest.fixture(scope="module")
def place(tmp_path_factory, repository) -> Path:
    """Folder with a copy of the package that has the new model, data, a config, and a run of it."""
    folder = tmp_path_factory.mktemp("new")
    package = folder / "ssgan_tf"
    shutil.copytree(repository / "ssgan_tf", package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(repository / "tests/support/linear_model.py", package / "models/linear.py")
    text = (package / "models/__init__.py").read_text()
    text = text.replace("\nMODELS", IMPORT + "\nMODELS", 1).replace("\n}\n", f"\n{LINE}}}\n", 1)
    assert IMPORT in text and LINE in text
    (package / "models/__init__.py").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fakes.Fake, "count", 240)  # the oracle needs 100 images whose labels are all known
        patch.setattr(fakes.Fake, "readable", True)
        fakes.prepare(folder / "data")
    (folder / "linear.py").write_text(CONFIG)
    train(folder, "run")
    return folder


def program(place: Path, name: str, *words: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(place)}
    command = [sys.executable, "-m", f"ssgan_tf.{name}", *words]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def train(place: Path, run: str, *more: str) -> str:
    return program(place, "train", "--config=linear.py", f"--workdir={run}", *more)


def weights(workdir: Path) -> dict[str, np.ndarray]:
    """Returns the weights in the checkpoint after 160 images."""
    reader = tf.train.load_checkpoint(str(workdir / "checkpoints/step-000000020/ckpt"))
    names = [name for name in reader.get_variable_to_shape_map() if "coder/" in name and "VARIABLE_VALUE" in name]
    return {name: reader.get_tensor(name) for name in names}


def test_it_is_trained_logged_and_plotted(place):
    lines = [json.loads(line) for line in (place / "run/metrics.jsonl").read_text().splitlines()]
    errors = [line["linear/error"] for line in lines if "linear/error" in line]
    assert len(errors) == 4 and errors[-1] < 0.95 * errors[0]  # four codes explain little of images of noise
    assert (place / "run/samples/traversal-000000160.png").exists()


@pytest.mark.slow
def test_it_is_stopped_and_resumed(place):
    train(place, "stopped", "--set=train.images=80")
    assert "Resuming from step 10" in train(place, "stopped")
    whole, stopped = weights(place / "run"), weights(place / "stopped")
    assert len(whole) >= 4 and whole.keys() == stopped.keys()
    for name in whole:
        np.testing.assert_array_equal(whole[name], stopped[name])


def test_it_is_evaluated(place):
    out = program(place, "evaluate", "--workdir=run", "--samples=200", "--oracle_images=3000")
    scores = json.loads((place / "run/metrics.json").read_text())
    assert "MIG" in out and 0 <= scores["encoder"]["mig"] <= 1 and 0 <= scores["generator"]["mig"] <= 1
    assert (place / "run/traversal.png").exists()


def test_it_is_exported_and_edited(place):
    program(place, "export", "--workdir=run", "--out=export")
    editor = Editor.load(place / "export")
    assert [factor.name for factor in editor.factors] == [f"latent_{i}" for i in range(4)]
    unit_codes = [0.2, 0.5, 0.9, 0.4]
    codes = [statistics.NormalDist().inv_cdf(share) for share in unit_codes]
    found = {name.split("/")[-3]: value for name, value in weights(place / "run").items() if "decoder" in name}
    expected = (codes @ found["kernel"] + found["bias"]).reshape([1, 8, 8, 3])
    np.testing.assert_allclose(editor.generate(unit_codes), expected, atol=1e-5)


@pytest.mark.slow
def test_it_is_selected_among_others(place):
    shutil.copytree(place / "run", place / "pool/one")
    train(place, "pool/two", "--set=train.seed=1")
    program(place, "select", "--workdirs=pool/*", "--out=selection", "--groups=8", "--group=4")
    chosen = json.loads((place / "selection/selection.json").read_text())
    assert [model["kind"] for model in chosen["models"]] == ["linear"] * 2
