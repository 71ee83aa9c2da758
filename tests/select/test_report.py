"""Report of a selection: table, rank correlations, selection.json."""

import json

import numpy as np
import pytest

from ssgan_tf.select import model_centrality, report
from tests.support.toy_models import GOOD, ToyMember, compute_matrix


def entry(name: str, **known: float) -> report.Entry:
    return report.Entry(name, {"codes": 4}, known, ())


def test_a_row_of_a_is_an_encoder_and_the_best_come_first(tmp_path):
    """An encoder that sees two codes of four is the first of the pool, and the last written; all generators agree."""
    members = [ToyMember("half", permutation=(1, 2)), *GOOD[:2]]
    a = compute_matrix(members, tmp_path)
    entries = [entry(member.name) for member in members]
    found = report.make_content({"centrality": model_centrality.centrality(a)}, a, entries, "centrality")
    assert [model["name"] for model in found["models"]] == ["a", "b", "half"]
    assert np.array_equal(found["A"][:2], np.ones((2, 3)))
    assert max(found["A"][2]) < 0.8
    assert list(json.loads(json.dumps(found))) == [
        "selected", "method", "models", "A", "B", "correlations", "left_out", "settings"
    ]  # fmt: skip


def test_nothing_is_selected_where_every_score_is_0():
    entries = [entry("a"), entry("b")]
    scores = {"centrality": np.zeros(2)}
    assert report.make_content(scores, np.zeros((2, 2)), entries, "centrality")["selected"] is None
    assert report.summary(scores, entries, "centrality").endswith(
        "No model is selected: ModelCentrality is 0 for all of them, so no two of them agree on anything."
    )
    scores = {"centrality": np.array([0.0, 0.1])}
    assert report.make_content(scores, np.zeros((2, 2)), entries, "centrality")["selected"] == "b"
    assert report.summary(scores, entries, "centrality").endswith("Medoid of the pool: b, ModelCentrality 0.1000")


def test_ties_and_the_best_by_udr_are_named():
    entries, scores = [entry("a"), entry("b"), entry("c")], np.array([0.1, 0.2, 0.2])
    assert report.summary({"centrality": scores}, entries, "centrality").endswith("0.2000 (tied with c)")
    udr = {"centrality": scores, "udr_lasso": np.array([0.3, 0.2, 0.1])}
    assert report.summary(udr, entries, "udr_lasso").endswith("Best model: a, UDR Lasso 0.3000")


def test_rank_correlation_is_over_the_models_that_have_the_score():
    entries = [entry("a", mig=0.1, dci=0.5), entry("b", mig=0.2, dci=0.5), entry("c", dci=0.5), entry("d", mig=0.05)]
    found = report.correlations({"centrality": np.array([0.2, 0.9, 0.3, 0.4])}, entries)["centrality"]
    assert found["mig"] == {"spearman": pytest.approx(0.5), "models": 3}
    assert found["dci"] == {"spearman": None, "models": 3}
    assert found["factor_vae"] == {"spearman": None, "models": 0}
    text = report.correlation_table({"centrality": found})
    assert "MIG (3 models)" in text and "0.500" in text and "fewer than 3" in text


def test_scores_of_other_weights_do_not_count(tmp_path):
    scores = {"settings": {"checkpoint": "abc"}, "encoder": {"mig": 0.5, "dci": float("nan"), "l2": 0.1}}
    (tmp_path / "metrics.json").write_text(json.dumps(scores))
    assert report.load_known(str(tmp_path), "abc") == {"mig": 0.5}
    assert report.load_known(str(tmp_path), "abd") == {}
    (tmp_path / "metrics.json").write_text(
        json.dumps({"encoder": {"mig": 0.5}, "settings": {"checkpoint": "abc", "samples_encoder": 300}})
    )
    assert report.load_known(str(tmp_path), "abc") == {"mig": 0.5, "samples": 300}
    (tmp_path / "metrics.json").write_text("{")
    assert report.load_known(str(tmp_path), "abc") == {}


def test_scores_from_different_numbers_of_images_are_warned_of():
    same = [report.Entry(name, {}, {"mig": 0.1, "samples": 300}, ()) for name in "ab"]
    other = report.Entry("c", {}, {"mig": 0.1, "samples": 1000}, ())
    assert report.warn_of_samples(same) == ""
    assert "on 300 and 1,000 images: to compare them, evaluate" in report.warn_of_samples([*same, other])


def test_names_are_shown_without_the_folder_that_they_share():
    assert report.shorten(["runs/a", "runs/b"]) == ["a", "b"]
    assert report.shorten(["/x/y/a", "/x/z/a"]) == ["y/a", "z/a"]
    assert report.shorten(["step 1", "step 2"]) == ["step 1", "step 2"]
    assert report.shorten(["/x/a", "b/c"]) == ["/x/a", "b/c"]
