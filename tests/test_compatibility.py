"""Runs and exports made by commit 3447d5d, before the package had folders, can still be used."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf import runs
from ssgan_tf.editing import Editor
from tests.support import fakes, programs

MADE = Path(__file__).parent / "data" / "made_at_3447d5d"


def arrays(checkpoint: Path) -> dict[str, np.ndarray]:
    """Returns every array in a checkpoint's folder, by its key."""
    reader = tf.train.load_checkpoint(str(checkpoint / "ckpt"))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map() if "OBJECT_GRAPH" not in name}


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Folder with a copy of the run, its config, its data, and in more/ data with enough labels for an oracle."""
    folder = tmp_path_factory.mktemp("old")
    shutil.copytree(MADE / "run", folder / "run")
    fakes.prepare(folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fakes.Fake, "count", 240)
        patch.setattr(fakes.Fake, "readable", True)
        fakes.prepare(folder / "more")
    (folder / "config.py").write_text(fakes.CONFIG.replace("images=128", "images=64"))
    return folder


def train_flags(place: Path, workdir: str) -> list[str]:
    return [f"--config={place}/config.py", f"--workdir={place}/{workdir}", f"--data_dir={place}/data"]


def train_then(place: Path, workdir: str, *more: str) -> str:
    """Trains without oneDNN, which rounds differently and was off when the run was made; returns what is printed."""
    command = [sys.executable, "-m", "ssgan_tf.train", *train_flags(place, workdir), *more]
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_run_resumes_to_the_same_bits_as_then(place: Path) -> None:
    assert "Resuming from step 8 (64 images)" in train_then(place, "run", "--set=train.images=128")
    assert not (place / "run/factors.json").exists()  # its old name, codes.json, is still read
    found, expected = arrays(place / "run/checkpoints/step-000000016"), arrays(MADE / "finished/step-000000016")
    assert set(found) == set(expected) and len(found) > 100
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-3, atol=1e-4, err_msg=name)
    # Processors round differently. If a new run reproduces the bits of then, the resumed run must too.
    train_then(place, "anew")
    first, then = arrays(place / "anew/checkpoints/step-000000008"), arrays(MADE / "run/checkpoints/step-000000008")
    if all(np.array_equal(first[name], then[name]) for name in then):
        assert all(np.array_equal(found[name], expected[name]) for name in expected)


def test_the_run_is_evaluated(place: Path, tmp_path: Path) -> None:
    workdir = tmp_path / "run"
    shutil.copytree(MADE / "run", workdir)
    words = [f"--workdir={workdir}", f"--data_dir={place}/more", "--samples=100", "--oracle_images=3000"]
    result = programs.run("ssgan_tf.evaluate", *words, "--metrics=mig,l2")
    assert result.code == 0, result.err
    assert 0 <= json.loads((workdir / "metrics.json").read_text())["encoder"]["mig"] <= 1


def test_the_run_is_exported_as_then(tmp_path: Path) -> None:
    result = programs.run("ssgan_tf.export", f"--workdir={MADE}/run", f"--out={tmp_path}/export")
    assert result.code == 0, result.err
    for folder in (tmp_path / "export", MADE / "export"):
        editor, given = Editor.load(str(folder)), np.load(MADE / "encoded.npz")
        codes = editor.encode(given["image"])
        np.testing.assert_allclose(codes, np.clip(given["code"], 0, 1), atol=1e-5)
    files = ({p.relative_to(f) for p in f.rglob("*") if p.is_file()} for f in (tmp_path / "export", MADE / "export"))
    assert len(set(map(frozenset, files))) == 1


def test_the_export_opens_and_edits() -> None:
    editor = Editor.load(str(MADE / "export"))
    images = editor.edit(editor.latents(editor.random_codes(2, seed=0), seed=0), {"hue": 1.0})
    assert images.shape == (2, 8, 8, 3) and np.isfinite(images).all()
    assert runs.load_run(str(MADE / "run")).spec.names == ("angle", "hue", "shape")
