"""Assets of an export: descriptions for programs, the page for people, and the grid of samples."""

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


@pytest.fixture
def run(run: runs.Run, tmp_path: Path) -> runs.Run:
    """The session's run, in a folder that a test may add to."""
    place = tmp_path / "tiny"
    (place / "checkpoints").mkdir(parents=True)
    step = f"step-{run.step:09d}"
    (place / "checkpoints" / step).symlink_to(Path(run.workdir) / "checkpoints" / step)
    return dataclasses.replace(run, workdir=str(place))


def scores(run: runs.Run) -> dict:
    """Returns the content of a metrics.json with one score."""
    return {
        "encoder": {"mig": 0.876, "mig/gap/hue": 0.8},
        "generator": {"mig": 0.543},
        "images": {},
        "intervals": {},
        "refused": {},
        "oracle": {"l2/samples": 9, "mig": 0.9, "l2": 0.1},
        "chance_l2": 1.2,
        "settings": {
            "checkpoint": run.fingerprint, "samples_encoder": 300, "samples_generator": 400, "labels": 12,
            "labeled_fraction": 0.25, "images_trained": 70, "bins": 20, "seed": 0, "bootstrap": {},
        },
    }  # fmt: skip


def facts(run: runs.Run) -> dict:
    """Returns the content of model_card.json."""
    return {**model_card.facts(run), "max_rows": 1234}


def test_factors_have_kind_unit_and_range(run: runs.Run, monkeypatch) -> None:
    monkeypatch.setattr(run.model, "prior", GridPrior(SPEC))
    described = model_card.describe_codes(run)
    hue, shape, scale = described["factors"]
    assert (hue["kind"], hue["unit"], hue["training_range_in_units"]) == ("steps", "index of the value", [0, 2])
    assert (shape["kind"], shape["values"], shape["training_range_in_units"]) == ("choice", ["cube", "ball"], [0, 1])
    assert (scale["kind"], scale["range"], scale["training_range_in_units"]) == ("number", [10, 20], [10, 20])
    assert [factor["training_range"] for factor in described["factors"]] == [[0.0, 1.0]] * 3
    read = exports.read_factors(json.loads(json.dumps(described)))
    assert [factor.kind for factor in read] == [factor["kind"] for factor in described["factors"]]


def test_info_stylegans_codes_have_no_factors_names(run: runs.Run) -> None:
    """No label ties code 0 to the first factor: it is called latent_0, as in other methods without labels."""
    options = SemiStyleGANOptions(network=tiny_run.NETWORK, beta=0.0, alpha=0.0, gamma_e=1.0)
    run = dataclasses.replace(run, model=models.make_model(options, SPEC, seed=0))
    described = model_card.describe_codes(run)["factors"]
    assert [factor["name"] for factor in described] == ["latent_0", "latent_1", "latent_2"]
    assert [factor["size"] for factor in described] == list(SPEC.sizes)


def test_facts_describe_the_run(run: runs.Run) -> None:
    np.save(Path(run.workdir) / "labeled_subset.npy", np.arange(12))
    (Path(run.workdir) / "data.json").write_text('{"images": 480}')
    card = facts(run)
    assert card["labels"] == 12 and card["images_of_dataset"] == 480 and card["steps"] == 7
    assert card["config"] == run.config.to_json() and card["checkpoint"] == run.fingerprint
    assert "labelled images used: 12 of 480 (eta = 2.5 %)" in model_card.text(card)
    np.save(Path(run.workdir) / "labeled_subset.npy", np.arange(6))
    assert "labelled images used: 6 of 480 (eta = 1.25 %)" in model_card.text(facts(run)), "not the fraction asked for"


def test_scores_of_this_checkpoint_are_shown_with_their_settings(run: runs.Run) -> None:
    (Path(run.workdir) / "metrics.json").write_text(json.dumps(scores(run)))
    card = facts(run)
    assert card["scores"] == scores(run) and card["no_scores_because"] is None
    text = model_card.text(card)
    assert "0.876" in text and "0.543" in text and "20 bins, seed 0" in text


def test_sliders_that_do_nothing_are_named(run: runs.Run) -> None:
    images = {"sliders/ratio/hue": 0.06, "sliders/ratio/shape": 0.97, "sliders": 0.5}
    (Path(run.workdir) / "metrics.json").write_text(json.dumps({**scores(run), "images": images}))
    card = facts(run)
    warning = "no visible effect; images change 6 % as much as real ones"
    assert [factor.get("warning") for factor in card["factors"]].count(warning) == 1
    assert f"Sliders that do not do what they should:\n\n- `hue`: {warning}\n" in model_card.text(card)
    read = {factor.name: factor.warning for factor in exports.read_factors(json.loads(json.dumps(card)))}
    assert read["hue"] == warning and read["shape"] == ""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "this run was not evaluated before it was exported"),
        ("no json", "cannot be read (ValueError('metrics.json is not a file of scores: Expecting value"),
        ('{"settings": {"checkpoint": "another"}}', "another checkpoint"),
        ('{"settings": {}}', "cannot be read (KeyError('checkpoint'))"),
    ],
)
def test_other_scores_are_left_out_and_the_page_says_why(content: str | None, reason: str, run: runs.Run) -> None:
    if content is not None:
        (Path(run.workdir) / "metrics.json").write_text(content)
    card = facts(run)
    assert card["scores"] is None and reason in card["no_scores_because"]
    assert f"## Scores\n\nNone: {card['no_scores_because']}" in model_card.text(card)
    assert "labelled images used: an unknown number (eta = 2.5 %)" in model_card.text(card)


def test_the_files_are_for_programs_and_for_people(run: runs.Run, tmp_path: Path) -> None:
    paths = model_card.write(run, str(tmp_path), 1234)
    assert [Path(path).name for path in paths] == ["codes.json", "model_card.json", "model_card.md", "samples.png"]
    assert json.loads(Path(paths[0]).read_text()) == model_card.describe_codes(run)
    card = json.loads(Path(paths[1]).read_text())
    assert card["dataset"] == "fake/tiny" and card["max_rows"] == 1234
    page = Path(paths[2]).read_text()
    assert "A call takes up to\n1,234 images.\n" in page
    assert page.startswith("# tiny\n") and "8x8 pixels (RGB)" in page and "| hue | steps | 0 | 2 | 3 |" in page
    with Image.open(paths[3]) as image:
        assert image.size == (8 * 65 - 1,) * 2  # 8x8 images, enlarged to 64 pixels


def test_the_grid_has_fewer_large_images(run: runs.Run, monkeypatch) -> None:
    monkeypatch.setattr(model_card, "_MAX_WIDTH", 24)
    assert model_card.plot_samples(run).shape == (3 * 65 - 1, 3 * 65 - 1, 3)
