"""Comparison of an export with its model: differences, processes that fail, and a model on a GPU."""

import shutil
from pathlib import Path

import pytest
import tensorflow as tf

from ssgan_tf import export, runs
from ssgan_tf.export import verification


@pytest.fixture
def changed(workdir: Path) -> runs.Run:
    """The run, with one bias moved by 1e-4."""
    run = runs.load_run(str(workdir))
    run.model.ema_generator.synthesis.to_rgb[-1].bias.assign_add([0.0, 1e-4, 0.0])
    return run


def test_a_small_difference_is_an_error(changed: runs.Run, exported: Path) -> None:
    with pytest.raises(export.ExportError, match=r"^The export's image differs .* at most 1e-05\. Received: 0\.000"):
        verification.check(changed, str(exported / "1"))


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("raise ValueError('the package is missing')", "fresh process: ValueError: the package is missing"),
        ("import os; os._exit(9)", "fresh process: exit code 9"),
        (
            "import numpy as n; n.savez(open(1, 'wb'), **{'image': n.nan, 'edited code': n.zeros([16, 2], 'f')})",
            "Received: nan",
        ),
    ],
)
def test_a_process_that_fails_or_returns_nan_is_an_error(script, message, run, exported, monkeypatch) -> None:
    monkeypatch.setattr(verification, "_FRESH_PROCESS", script)
    with pytest.raises(export.ExportError, match=message) as error:
        verification.check(run, str(exported / "1"))
    assert str(error.value).endswith("Nothing was exported.") and "\n" not in str(error.value)


def test_a_damaged_file_is_an_error(run: runs.Run, exported: Path, tmp_path: Path) -> None:
    damaged = Path(shutil.copytree(exported / "1", tmp_path / "damaged"))
    (damaged / "saved_model.pb").write_bytes(b"damaged")
    with pytest.raises(export.ExportError, match="cannot be used in a fresh process: .*Nothing was exported"):
        verification.check(run, str(damaged))


@pytest.mark.skipif(not tf.config.list_physical_devices("GPU"), reason="needs a GPU: CUDA_VISIBLE_DEVICES=0")
def test_a_model_on_a_gpu_is_compared_on_the_cpu(workdir: Path, tmp_path: Path) -> None:
    run = runs.load_run(str(workdir))
    assert {variable.device[-5:] for variable in run.model.ema_generator.variables} == {"GPU:0"}
    result = export.run(run, str(tmp_path / "export"))
    assert result.largest_difference < 1e-5
    assert b"GPU:0" not in Path(result.folder, "saved_model.pb").read_bytes()  # so it runs anywhere
