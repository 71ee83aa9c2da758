"""tools/make_demo_model and tools/measure_edits: what they make, measure and refuse."""

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ssgan_tf import runs
from ssgan_tf.editing import Editor, Factor, Latents
from ssgan_tf.export import verification
from tests.support import tiny_run

# --- make_demo_model


@pytest.fixture(scope="module")
def maker(load_tool):
    return load_tool("make_demo_model")


@pytest.fixture(scope="module")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_run.write_run(tmp_path_factory.mktemp("runs") / "tiny")


def measured(workdir: Path) -> None:
    """Writes scores of the run's checkpoint."""
    settings = {
        "checkpoint": runs.fingerprint(runs.load_run(str(workdir))), "samples_encoder": 1, "samples_generator": 1,
        "labels": 1, "labeled_fraction": 0.5, "images_trained": 70, "bins": 20, "seed": 0, "bootstrap": {},
    }  # fmt: skip
    groups: dict[str, dict] = {"encoder": {"mig": 0.5}, "generator": {}, "images": {}, "intervals": {}, "refused": {}}
    oracle = {"mig": 1.0, "l2": 0.0, "l2/samples": 9}
    scores = {**groups, "oracle": oracle, "chance_l2": 1.0, "settings": settings}
    (workdir / "metrics.json").write_text(json.dumps(scores))


def test_a_measured_run_becomes_the_model_that_comes_along(maker, workdir: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(verification, "check", lambda run, folder: 0.0)  # has its own tests
    out = str(tmp_path / "demo")
    with pytest.raises(ValueError, match="expected a run with scores .* not measured .*ssgan_tf.evaluate"):
        maker.make(str(workdir), out)
    assert not os.path.exists(out)
    measured(workdir)
    folder, size = maker.make(str(workdir), out)
    assert folder == os.path.join(out, "1")
    assert size == sum(path.stat().st_size for path in Path(out).rglob("*") if path.is_file())
    before = Editor.load(out).generate([[0.5, 0.5]])
    assert maker.make(str(workdir), out) == (folder, pytest.approx(size, abs=100))  # in its place, again as 1
    assert os.listdir(out) == ["1"]
    np.testing.assert_allclose(Editor.load(out).generate([[0.5, 0.5]]), before, rtol=0, atol=1e-6)
    monkeypatch.setattr(maker, "LARGEST", size - 1000)
    with pytest.raises(ValueError, match=f"expected a model of {size - 1000:,} bytes or less. Received: one of "):
        maker.make(str(workdir), out)
    assert os.listdir(out) == ["1"]


def test_the_model_in_the_package_is_whole_and_small(repository: Path, maker) -> None:
    """The one that is there; a checkout in which none was made yet has nothing to look at."""
    folder = repository / "ssgan_tf" / "editing" / "demo"
    if not folder.is_dir():
        pytest.skip("no model comes with this checkout yet: tools/make_demo_model")
    assert os.listdir(folder) == ["1"]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= maker.LARGEST
    packaged = {path for pattern in ("*/*.pb", "*/assets/*", "*/variables/*") for path in folder.glob(pattern)}
    assert packaged == set(files)  # what setup.cfg's package_data takes
    editor = Editor.load()
    assert json.loads((folder / "1" / "assets" / "model_card.json").read_text())["scores"]
    assert np.isfinite(editor.generate(editor.random_codes(2))).all()


# --- measure_edits


@pytest.fixture(scope="module")
def measurer(load_tool):
    return load_tool("measure_edits")


class Pixels:
    """An editor whose pictures show code k as pixel k, and `leak` of code 0 in pixel 1."""

    factors = (Factor("hue", 3), Factor("shape", 5))

    def __init__(self, leak: float):
        self.leak = leak

    def random_codes(self, count: int, seed: int) -> np.ndarray:
        return np.random.default_rng(seed).integers(0, 2, [count, 2]).astype(np.float32)

    def edit(self, latents: Latents, changes: dict) -> np.ndarray:
        code = latents.code.copy()
        code[:, 1] += self.leak * code[:, 0]
        return 2 * code[:, None, :, None] - 1


def read(images: np.ndarray) -> np.ndarray:
    return images[:, 0, :, 0] / 255.0


@pytest.mark.parametrize("leak", [0.0, -0.2])
def test_moved_and_kept_are_what_they_say(leak: float, measurer) -> None:
    editor = Pixels(leak)
    code = np.full([40, 2], 0.6, np.float32)
    latents = Latents(code, np.zeros([40, 3], np.float32), np.ones(40, np.float32), psnr=np.full(40, 30.0, np.float32))
    images = np.rint(255 * np.repeat([[[[0.6], [0.6]]]], 40, axis=0)).astype(np.uint8)
    errors = measurer.measure(measurer.Group(images, latents, code + 0.1), editor, read, seed=0)
    targets = editor.random_codes(40, 1)
    # Of factor 1, 20 % of factor 0 are missing, where the target leaves that much; reading is cut off at 0.
    shown = np.clip(targets[:, 1] + leak * 0.6, 0, 1)
    np.testing.assert_allclose(errors.moved, [0, np.abs(shown - targets[:, 1]).mean()], atol=0.01)
    np.testing.assert_allclose(errors.kept, [np.abs(leak * targets[:, 0]).mean(), 0], atol=0.01)
    np.testing.assert_allclose(errors.read, [0.1, 0.1], atol=0.01)
    assert errors.psnr == pytest.approx(30)


def test_the_table_has_a_row_for_each_factor_and_their_mean(measurer) -> None:
    generated = measurer.Errors(np.array([0.1, 0.3]), np.array([0.0, 0.1]), np.zeros(2), None)
    real = measurer.Errors(np.array([0.2, 0.4]), np.array([0.1, 0.2]), np.array([0.01, 0.03]), 27.25)
    assert measurer.write_table({"generated": generated, "real": real}, ("hue", "shape")).splitlines() == [
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


def test_new_pictures_lie_between_the_values_of_the_data_set(measurer) -> None:
    names = ("shape", "object_hue", "scale", "floor_hue", "wall_hue", "azimuth")
    images, codes = measurer.draw_new("scene3d/demo_16", 16, names, 5, np.random.default_rng(0))
    assert images.shape == (5, 16, 16, 3) and images.dtype == np.uint8 and codes.shape == (5, 6)
    sizes = np.array([4, 6, 4, 6, 6, 9])
    np.testing.assert_allclose((codes * (sizes - 1))[:, 1:] % 1, 0.5, atol=1e-4)
    np.testing.assert_allclose((codes * (sizes - 1))[:, 0] % 1, 0, atol=1e-4)
    assert len(np.unique(images.reshape(5, -1), axis=0)) == 5


def test_rows_are_those_whose_labels_were_not_used(measurer, tmp_path: Path) -> None:
    np.save(tmp_path / "labeled_subset.npy", np.array([0, 1, 2]))
    factors = np.array([[0], [1], [0], [1], [-1], [0]])
    run, table = SimpleNamespace(workdir=str(tmp_path)), SimpleNamespace(factors=factors)
    assert measurer.real_rows(run, table, 9, np.random.default_rng(0)).tolist() == [3, 5]
    np.save(tmp_path / "labeled_subset.npy", np.arange(6))
    with pytest.raises(ValueError, match="workdir: expected a run that did not use all labels. Received: 6 used"):
        measurer.real_rows(run, table, 9, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("tool", "words", "expected"),
    [
        ("make_demo_model", [], "--workdir"),
        ("make_demo_model", ["--workdir=/nowhere"], "'/nowhere' does not contain a run"),
        ("measure_edits", ["--workdir=/nowhere"], "'/nowhere' does not contain a run"),
        ("measure_edits", ["--workdir=a", "--count=0"], "--count: expected 1 or more. Received: 0"),
    ],
)
def test_bad_input_gets_one_line(tool: str, words: list[str], expected: str, load_tool, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [tool, *words])
    with pytest.raises(SystemExit) as ended:
        load_tool(tool).main()
    out, err = capsys.readouterr()
    assert ended.value.code == 2 and out == ""
    assert err.startswith("error: ") and err.count("\n") == 1 and expected in err
