"""tools/measure_edits.py: groups of images, errors, the table, and messages for bad input."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ssgan_tf import runs
from ssgan_tf.editing import Factor, Latents
from tools import measure_edits


class Pixels:
    """Editor whose images show code k as pixel k, and `leak` times code 0 in pixel 1."""

    factors = (Factor("hue", 3), Factor("shape", 5))

    def __init__(self, leak: float):
        self.leak = leak

    def random_codes(self, count: int, seed: int) -> np.ndarray:
        return np.random.default_rng(seed).integers(0, 2, [count, 2]).astype(np.float32)

    def edit(self, latents: Latents, changes: dict) -> np.ndarray:
        code = latents.code.copy()
        code[:, 1] += self.leak * code[:, 0]
        return 2 * code[:, None, :, None] - 1


def predict(images: np.ndarray) -> np.ndarray:
    return images[:, 0, :, 0] / 255.0


@pytest.mark.parametrize("leak", [0.0, -0.2])
def test_errors_of_the_edited_and_the_other_factors(leak: float) -> None:
    editor: Any = Pixels(leak)
    code = np.full([40, 2], 0.6, np.float32)
    latents = Latents(code, np.zeros([40, 3], np.float32), np.ones(40, np.float32), psnr=np.full(40, 30.0, np.float32))
    images = np.rint(255 * np.repeat([[[[0.6], [0.6]]]], 40, axis=0)).astype(np.uint8)
    errors = measure_edits.measure(measure_edits.ImageGroup(images, latents, code + 0.1), editor, predict, seed=0)
    targets = editor.random_codes(40, 1)
    # Pixel 1 is lower by 20 % of code 0, but not below 0.
    shown = np.clip(targets[:, 1] + leak * 0.6, 0, 1)
    np.testing.assert_allclose(errors.moved, [0, np.abs(shown - targets[:, 1]).mean()], atol=0.01)
    np.testing.assert_allclose(errors.kept, [np.abs(leak * targets[:, 0]).mean(), 0], atol=0.01)
    np.testing.assert_allclose(errors.oracle, [0.1, 0.1], atol=0.01)
    assert errors.psnr == pytest.approx(30)


def test_the_table_has_a_row_for_each_factor_and_their_mean() -> None:
    generated = measure_edits.EditErrors(np.array([0.1, 0.3]), np.array([0.0, 0.1]), np.zeros(2), None)
    real = measure_edits.EditErrors(np.array([0.2, 0.4]), np.array([0.1, 0.2]), np.array([0.01, 0.03]), 27.25)
    assert measure_edits.format_table({"generated": generated, "real": real}, ("hue", "shape")).splitlines() == [
        "moved / kept:",
        "",
        "| factor | generated | real | oracle on real |",
        "| --- | ---: | ---: | ---: |",
        "| hue | 0.100 / 0.000 | 0.200 / 0.100 | 0.010 |",
        "| shape | 0.300 / 0.100 | 0.400 / 0.200 | 0.030 |",
        "| mean | 0.200 / 0.050 | 0.300 / 0.150 | 0.020 |",
        "",
        "Mean PSNR of the fits: 27.2 dB (real).",
    ]


def test_new_images_lie_between_the_values_of_the_data_set() -> None:
    names = ("shape", "object_hue", "scale", "floor_hue", "wall_hue", "azimuth")
    images, codes = measure_edits.render_new("scene3d/demo_16", 16, names, 5, np.random.default_rng(0))
    assert images.shape == (5, 16, 16, 3) and images.dtype == np.uint8 and codes.shape == (5, 6)
    sizes = np.array([4, 6, 4, 6, 6, 9])
    np.testing.assert_allclose((codes * (sizes - 1))[:, 1:] % 1, 0.5, atol=1e-4)
    np.testing.assert_allclose((codes * (sizes - 1))[:, 0] % 1, 0, atol=1e-4)
    assert len(np.unique(images.reshape(5, -1), axis=0)) == 5


def test_held_out_rows_have_labels_that_were_not_used(tmp_path: Path) -> None:
    workdir = runs.Workdir(str(tmp_path))
    np.save(workdir.labeled_subset, np.array([0, 1, 2]))
    factors = np.array([[0], [1], [0], [1], [-1], [0]])
    run: Any = SimpleNamespace(files=workdir)
    dataset: Any = SimpleNamespace(factors=factors)
    assert measure_edits.held_out_rows(run, dataset, 9, np.random.default_rng(0)).tolist() == [3, 5]
    np.save(workdir.labeled_subset, np.arange(6))
    with pytest.raises(ValueError, match="workdir: expected a run that did not use all labels. Received: 6 used"):
        measure_edits.held_out_rows(run, dataset, 9, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--workdir=/nowhere"], "--workdir: '/nowhere' does not contain a run"),
        (["--workdir=a", "--count=0"], "--count: expected 1 or more. Received: 0"),
    ],
)
def test_bad_input_gets_one_line(words: list[str], expected: str, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        measure_edits.main(words)
    out, err = capsys.readouterr()
    assert ended.value.code == 2 and out == ""
    assert err.startswith("error: ") and err.count("\n") == 1 and expected in err
