"""`evaluate.run`: evaluation as a function, in this process, on a run trained in it."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ssgan_tf import config as configs
from ssgan_tf import evaluate, train
from ssgan_tf.evaluate import Scores
from ssgan_tf.models.encoder_only import EncoderOnlyOptions
from tests.support import fakes, faults

QUICK: dict[str, Any] = {"samples": 100, "oracle_images": 3000, "quiet": True}


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[str, str]:
    """The workdir of a run of 4 steps that holds out images, and the folder of its data."""
    folder = tmp_path_factory.mktemp("evaluation")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fakes.Fake, "count", 240)  # the oracle needs 100 images whose labels are all known
        patch.setattr(fakes.Fake, "readable", True)
        fakes.prepare(folder / "data")
    (folder / "tiny.py").write_text(fakes.CONFIG)
    config = configs.load_config(str(folder / "tiny.py"))
    config = dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, held_out=0.25),
        train=dataclasses.replace(config.train, images=32),
    )
    workdir, data_dir = str(folder / "run"), str(folder / "data")
    train.run(config, workdir, data_dir, quiet=True)
    return workdir, data_dir


@pytest.fixture(scope="module")
def scores(trained) -> Scores:
    return evaluate.run(*trained, metrics="mig,l2", **QUICK)


def test_scores_are_a_mapping_and_print_as_a_table(scores, trained):
    workdir = Path(trained[0])
    assert 0 <= scores["encoder"]["mig"] <= 1 and scores["generator"]["l2"] > 0
    assert dict(scores) == json.loads((workdir / "metrics.json").read_text())
    assert repr(scores) + "\n" == (workdir / "metrics.txt").read_text()
    assert repr(scores).splitlines()[1].startswith("MIG  ")
    assert scores.missing == ()


def test_ceiling_chance_and_agreement_stand_beside_the_generators_scores(scores):
    for group in ("generator", "ceiling", "chance"):
        assert {"mig", "l2"} <= set(scores[group]), group
    assert scores["ceiling"]["l2"] == pytest.approx(scores["oracle"]["l2"], abs=1e-6), "on the same images"
    assert scores["chance"]["l2"] != scores["ceiling"]["l2"]
    assert set(scores["agreement"]) == {"real", "generated"}
    assert 0 <= scores["agreement"]["generated"] <= 1
    assert scores["second_oracle"]["l2/samples"] == scores["oracle"]["l2/samples"]
    assert scores["second_oracle"]["l2"] != scores["oracle"]["l2"]
    assert repr(scores).splitlines()[0].split() == ["encoder", "generator", "ceiling", "chance"]


def test_scores_on_held_out_images_come_first_and_those_on_training_images_after_them(scores):
    settings = scores["settings"]
    assert settings["scored_on"] == "held-out images" and settings["seen"] == "training images"
    assert 10 <= settings["samples_encoder"] <= 60 and settings["samples_seen"] == 100
    assert scores["oracle"]["samples"] == settings["samples_encoder"], "the oracles hold out the same images"
    for group in ("encoder", "generator"):
        assert scores[f"{group}_seen"]["l2"] != scores[group]["l2"], group
    table = repr(scores)
    assert "On 100 training images, to compare with the held-out images above:" in table
    assert table.index("\nL2 ") < table.index("\n  L2 ")


def test_the_traversal_is_an_image(scores, trained):
    assert isinstance(scores.traversal, Image.Image)
    written = np.asarray(Image.open(Path(trained[0]) / "traversal.png"))
    assert np.array_equal(np.asarray(scores.traversal), written)
    assert scores.paths == tuple(f"{trained[0]}/{name}" for name in ("metrics.json", "metrics.txt", "traversal.png"))


def test_quiet_prints_nothing_and_scores_of_other_metrics_stay(scores, trained, capsys):
    more = evaluate.run(*trained, metrics="psnr", **QUICK)
    assert capsys.readouterr() == ("", "")
    assert more["encoder"] == scores["encoder"] and more["images"]["psnr"] > 0
    assert more["encoder_seen"] == scores["encoder_seen"] and more["images_seen"]["psnr"] > 0


def test_a_metric_without_a_score_is_explained(scores, trained):
    with_ssim = evaluate.run(*trained, metrics="ssim,mig", **QUICK)
    (sentence,) = with_ssim.missing
    assert sentence.startswith("ssim has no score: ") and "11x11" in sentence


def test_an_encoder_gets_its_scores_although_it_generates_no_images(trained, tmp_path):
    config = configs.load_config(str(Path(trained[0]).parent / "tiny.py"))
    encoder = EncoderOnlyOptions(network=config.model.network)
    config = dataclasses.replace(config, model=encoder, train=dataclasses.replace(config.train, images=16))
    train.run(config, str(tmp_path / "run"), trained[1], quiet=True)
    scores = evaluate.run(str(tmp_path / "run"), trained[1], metrics="mig,factor_vae", **QUICK)
    assert 0 <= scores["encoder"]["mig"] <= 1 and not scores["generator"] and not scores["ceiling"]
    assert scores["settings"]["scored_on"] == "images whose labels were not used"
    assert scores["settings"]["seen"] == "labelled images" and scores["encoder_seen"]["mig/samples"] == 60
    (sentence,) = scores.missing
    assert sentence.startswith("factor_vae has no score: ") and "Take more samples" in sentence
    assert "(encoder); this model encodes images and generates none (generator)" in sentence


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metrics": "mgi"}, r"^metrics: expected 'fast', 'all' or names of .*Received: \['mgi'\]"),
        ({"bootstrap": 1}, "^bootstrap: expected 0 for none, or 2 or more"),
        ({"metrics": "fid"}, "features"),
    ],
)
def test_invalid_arguments_are_named(changes, message, trained):
    with pytest.raises(ValueError, match=message):
        evaluate.run(*trained, **{**QUICK, **changes})


def test_a_folder_without_a_run(trained, tmp_path):
    with pytest.raises(FileNotFoundError, match="^workdir: .* does not contain a run"):
        evaluate.run(str(tmp_path), trained[1], **QUICK)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named_and_leaves_the_scores_as_they_were(scores, trained, small_disk):
    workdir = Path(shutil.copytree(trained[0], small_disk / "run"))
    before = {path: path.read_bytes() for path in workdir.iterdir() if path.is_file()}
    faults.fill_disk(small_disk)
    with pytest.raises(OSError, match=r"^workdir: .*No space left on device; free some space.* again\.$") as error:
        evaluate.run(str(workdir), trained[1], metrics="psnr", **QUICK)
    assert str(workdir / "metrics.json") in str(error.value)
    assert {path: path.read_bytes() for path in workdir.iterdir() if path.is_file()} == before
