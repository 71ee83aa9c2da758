"""What an export says of itself: facts, the page for people, and the pictures."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssgan_tf import models, runs
from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.core.priors import GridPrior
from ssgan_tf.editing import exports
from ssgan_tf.export import model_card
from ssgan_tf.models.semi_stylegan.model import SemiStyleGANOptions
from tests.support import tiny_run

SPEC = CodeSpec(
    (FactorSpec("hue", 3), FactorSpec("shape", 2, ("cube", "ball")), FactorSpec("scale", 1001, range=(10.0, 20.0)))
)


@pytest.fixture(scope="module")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_run.write_run(tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture(scope="module")
def loaded(workdir: Path) -> runs.Run:
    return runs.load_run(str(workdir))


@pytest.fixture
def run(loaded: runs.Run, tmp_path: Path) -> runs.Run:
    """The run in a folder that a test may add to."""
    place = tmp_path / "tiny"
    (place / "checkpoints").mkdir(parents=True)
    step = f"step-{loaded.step:09d}"
    (place / "checkpoints" / step).symlink_to(Path(loaded.workdir) / "checkpoints" / step)
    return dataclasses.replace(loaded, workdir=str(place))


def scores(run: runs.Run) -> dict:
    """metrics.json of one score."""
    return {
        "encoder": {"mig": 0.876, "mig/gap/hue": 0.8},
        "generator": {"mig": 0.543},
        "images": {},
        "intervals": {},
        "refused": {},
        "oracle": {"l2/samples": 9, "mig": 0.9, "l2": 0.1},
        "chance_l2": 1.2,
        "settings": {
            "checkpoint": runs.fingerprint(run), "samples_encoder": 300, "samples_generator": 400, "labels": 12,
            "labeled_fraction": 0.25, "images_trained": 70, "bins": 20, "seed": 0, "bootstrap": {},
        },
    }  # fmt: skip


def test_factors_have_kind_unit_and_range(run: runs.Run, monkeypatch) -> None:
    monkeypatch.setattr(run.model, "prior", GridPrior(SPEC))
    described = model_card.describe(run)
    hue, shape, scale = described["factors"]
    assert (hue["kind"], hue["unit"], hue["training_range_in_units"]) == ("steps", "index of the value", [0, 2])
    assert (shape["kind"], shape["values"], shape["training_range_in_units"]) == ("choice", ["cube", "ball"], [0, 1])
    assert (scale["kind"], scale["range"], scale["training_range_in_units"]) == ("number", [10, 20], [10, 20])
    assert [factor["training_range"] for factor in described["factors"]] == [[0.0, 1.0]] * 3
    read = exports.read_factors(json.loads(json.dumps(described)))
    assert [factor.kind for factor in read] == [factor["kind"] for factor in described["factors"]]


def test_info_stylegans_codes_have_no_factors_names(run: runs.Run) -> None:
    """No label ties code 0 to the first factor: latent_0, as of other methods without labels."""
    options = SemiStyleGANOptions(network=tiny_run.NETWORK, beta=0.0, alpha=0.0, gamma_e=1.0)
    run = dataclasses.replace(run, model=models.make_model(options, SPEC, seed=0))
    described = model_card.describe(run)["factors"]
    assert [factor["name"] for factor in described] == ["latent_0", "latent_1", "latent_2"]
    assert [factor["size"] for factor in described] == list(SPEC.sizes)


def test_facts_hold_what_the_run_was(run: runs.Run) -> None:
    np.save(Path(run.workdir) / "labeled_subset.npy", np.arange(12))
    (Path(run.workdir) / "data.json").write_text('{"images": 480}')
    known = model_card.facts(run)
    assert known["labels"] == 12 and known["images_of_dataset"] == 480 and known["steps"] == 7
    assert known["config"] == run.config.to_json() and known["checkpoint"] == runs.fingerprint(run)
    assert "labels used: of 12 pictures of 480 (eta = 2.5 %)" in model_card.text(known)


def test_scores_of_this_checkpoint_are_shown_with_their_settings(run: runs.Run) -> None:
    (Path(run.workdir) / "metrics.json").write_text(json.dumps(scores(run)))
    known = model_card.facts(run)
    assert known["scores"] == scores(run) and known["no_scores_because"] is None
    text = model_card.text(known)
    assert "0.876" in text and "0.543" in text and "20 bins, seed 0" in text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "this run was not measured before it was exported"),
        ("no json", "this run was not measured"),
        ('{"settings": {"checkpoint": "another"}}', "another checkpoint"),
        ('{"settings": {}}', "cannot be read (KeyError('checkpoint'))"),
    ],
)
def test_other_scores_are_left_out_and_the_page_says_why(content: str | None, reason: str, run: runs.Run) -> None:
    if content is not None:
        (Path(run.workdir) / "metrics.json").write_text(content)
    known = model_card.facts(run)
    assert known["scores"] is None and reason in known["no_scores_because"]
    assert f"## Scores\n\nNone: {known['no_scores_because']}" in model_card.text(known)
    assert "labels used: not known of how many pictures (eta = 2.5 %)" in model_card.text(known)


def test_the_files_are_what_programs_and_people_read(run: runs.Run, tmp_path: Path) -> None:
    paths = model_card.write(run, str(tmp_path))
    assert [Path(path).name for path in paths] == ["codes.json", "model_card.json", "model_card.md", "samples.png"]
    assert json.loads(Path(paths[0]).read_text()) == model_card.describe(run)
    assert json.loads(Path(paths[1]).read_text())["dataset"] == "fake/tiny"
    page = Path(paths[2]).read_text()
    assert page.startswith("# tiny\n") and "8x8 pixels (RGB)" in page and "| hue | steps | 0 | 2 | 3 |" in page
    with Image.open(paths[3]) as image:
        assert image.size == (8 * 65 - 1,) * 2  # 8x8 of them, enlarged to 64 pixels


def test_large_pictures_are_fewer(run: runs.Run, monkeypatch) -> None:
    monkeypatch.setattr(model_card, "_WIDEST", 24)
    assert model_card.draw_samples(run).shape == (3 * 65 - 1, 3 * 65 - 1, 3)
