"""tools/make_demo_model.py: the model that it makes, the model in the package, and messages for bad input."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from ssgan_tf import runs
from ssgan_tf.editing import Editor
from ssgan_tf.export import verification
from tests.support import tiny_run
from tools import make_demo_model


@pytest.fixture(scope="module")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_run.write_run(tmp_path_factory.mktemp("runs") / "tiny")


def write_scores(workdir: Path) -> None:
    """Writes scores of the run's checkpoint into its workdir."""
    settings = {
        "checkpoint": runs.load_run(str(workdir)).fingerprint, "samples_encoder": 1, "samples_generator": 1,
        "labels": 1, "labeled_fraction": 0.5, "images_trained": 70, "bins": 20, "seed": 0, "bootstrap": {},
    }  # fmt: skip
    groups: dict[str, dict] = {"encoder": {"mig": 0.5}, "generator": {}, "images": {}, "intervals": {}, "refused": {}}
    oracle = {"mig": 1.0, "l2": 0.0, "l2/samples": 9}
    scores = {**groups, "oracle": oracle, "chance_l2": 1.0, "settings": settings}
    Path(runs.Workdir(str(workdir)).scores).write_text(json.dumps(scores))


def test_an_evaluated_run_becomes_the_model_of_the_package(workdir: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(verification, "check", lambda run, folder: 0.0)  # has its own tests
    out = str(tmp_path / "demo")
    with pytest.raises(ValueError, match="expected a run with scores .* not evaluated .*ssgan evaluate"):
        make_demo_model.make(str(workdir), out)
    assert not os.path.exists(out)
    write_scores(workdir)
    folder, size = make_demo_model.make(str(workdir), out)
    assert folder == os.path.join(out, "1")
    assert size == sum(path.stat().st_size for path in Path(out).rglob("*") if path.is_file())
    before = Editor.load(out).generate([[0.5, 0.5]])
    assert make_demo_model.make(str(workdir), out) == (folder, pytest.approx(size, abs=1000))  # replaced, again as 1
    assert os.listdir(out) == ["1"]
    np.testing.assert_allclose(Editor.load(out).generate([[0.5, 0.5]]), before, rtol=0, atol=1e-6)
    monkeypatch.setattr(make_demo_model, "MAX_BYTES", size - 5000)
    with pytest.raises(ValueError, match=f"expected a model of at most {size - 5000:,} bytes. Received: "):
        make_demo_model.make(str(workdir), out)
    assert os.listdir(out) == ["1"]


def test_the_model_in_the_package_is_whole_and_small(repository: Path) -> None:
    """Skipped in a checkout in which no model was made yet."""
    folder = repository / "ssgan_tf" / "editing" / "demo"
    if not folder.is_dir():
        pytest.skip("this checkout has no model yet: run tools/make_demo_model.py")
    assert os.listdir(folder) == ["1"]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= make_demo_model.MAX_BYTES
    packaged = {path for pattern in ("*/*.pb", "*/assets/*", "*/variables/*") for path in folder.glob(pattern)}
    assert packaged == set(files)  # the patterns of package_data in setup.cfg
    editor = Editor.load()
    assert json.loads((folder / "1" / "assets" / "model_card.json").read_text())["scores"]
    assert np.isfinite(editor.generate(editor.random_codes(2))).all()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "--workdir"),
        (["--workdir=/nowhere"], "--workdir: '/nowhere' does not contain a run"),
    ],
)
def test_bad_input_gets_one_line(words: list[str], expected: str, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        make_demo_model.main(words)
    out, err = capsys.readouterr()
    assert ended.value.code == 2 and out == ""
    assert err.startswith("error: ") and err.count("\n") == 1 and expected in err
