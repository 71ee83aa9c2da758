"""Scoring: names of metrics, scores of all groups, metrics that have no score, and intervals."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from ssgan_tf.evaluate import scoring
from ssgan_tf.evaluate.named_images import NOT_A_GRID, NamedComparison
from ssgan_tf.evaluate.predictions import Predictions
from ssgan_tf.evaluate.read_moves import ReadMoves
from ssgan_tf.evaluate.references import GeneratorTables
from ssgan_tf.evaluate.scoring import NAMES, Plan, choose, plan_for_training, score, summary
from ssgan_tf.metrics import FEATURE_METRICS, GENERATOR_METRICS, METRICS, Settings
from tests.support import ideals

SIZES, FACTOR_NAMES = (3, 4), ("shape", "hue")


def make_predictions(count: int = 400, extras: bool = True) -> Predictions:
    rng = np.random.default_rng(0)
    factors = ideals.sample_factors(SIZES, count)
    perfect = ideals.make_table(ideals.exact(factors, SIZES), factors, SIZES, FACTOR_NAMES)
    noisy = ideals.make_table(perfect.codes + 0.2 * rng.normal(size=(count, 2)), factors, SIZES, FACTOR_NAMES)
    sides = (rng.normal(size=(count, 5)), rng.normal(size=(count, 5)) + 1)
    features = {"oracle": sides, "network": sides, "trunk": sides} if extras else {}
    per_image = {"psnr": 20 + rng.normal(size=count), "ssim": np.full(count, 0.5)} if extras else {}
    generator = GeneratorTables(noisy, perfect)
    named = NamedComparison(FACTOR_NAMES, 20 + rng.normal(size=count), *rng.uniform(1, 2, [4, 2, count]))
    asked = rng.uniform(0.1, 1, [2, count])
    moved = ReadMoves(FACTOR_NAMES, asked, asked[..., None] * np.eye(2)[:, None] + 0.1 * rng.normal(size=(2, count, 2)))
    more: dict[str, Any] = {"named": named, "moves_read": moved} if extras else {}
    return Predictions(perfect, generator, features, per_image, **more)


def plan(names, **changes) -> Plan:
    return Plan(tuple(names), settings=Settings(group=16, train_groups=200, eval_groups=200), quiet=True, **changes)


# --- Names.


def test_chosen_names_are_unique_and_in_a_fixed_order():
    assert choose("l2, mig,l2", False) == ("mig", "l2")
    assert choose("all", True) == NAMES
    assert set(choose("all", False)) == set(NAMES) - set(FEATURE_METRICS)
    assert set(NAMES) - set(choose("fast", True)) == {"dci"}
    assert set(choose("fast,dci,fid", False)) == set(NAMES) - {"kid", "precision_recall"}


@pytest.mark.parametrize("text", ["mgi", "mig,", "", " , "])
def test_unknown_names_are_answered_with_the_known_ones(text):
    if text == "mig,":
        assert choose(text, False) == ("mig",)
        return
    with pytest.raises(ValueError, match=r"metrics: expected 'fast', 'all' or names of \['mig', 'l2', .*Received: "):
        choose(text, False)


def test_every_metric_has_a_title():
    for name in (*METRICS, *GENERATOR_METRICS, "frechet_oracle", "fid", "kid", "psnr", "ssim"):
        assert name in scoring.TITLES
    assert {"named_psnr", "sliders", "read_sliders"} <= set(scoring.TITLES)


def test_optional_inputs_are_those_that_the_metrics_need():
    assert plan(["mig", "dci"]).optional_inputs == set()
    assert plan(["mig", "ssim", "fid", "frechet_oracle"]).optional_inputs == {"reconstruction", "network", "oracle"}


def test_training_refuses_metrics_that_need_a_feature_network():
    assert plan_for_training(("l2", "mig"), True).names == ("mig", "l2")
    with pytest.raises(ValueError, match="^train.metrics: expected none of .*'fid'"):
        plan_for_training(("mig", "fid"), True)
    with pytest.raises(ValueError, match="^train.metrics: expected 'fast'.*Received.*mgi"):
        plan_for_training(("mgi",), True)


# --- Scores.


def test_all_metrics_of_all_groups():
    result = score(make_predictions(), plan(choose("all", True)))
    assert result.refused == {"encoder": {}, "generator": {}, "images": {}}
    for group in ("encoder", "generator"):
        assert set(METRICS) <= set(result.values[group])
    assert result.values["generator"]["mig_swapped"] > 0.95
    assert not any(key.startswith("mig_swapped") for key in result.values["encoder"])
    assert {"frechet_oracle", "fid", "kid", "precision", "recall", "psnr", "ssim"} <= set(result.values["images"])
    assert result.values["images"]["frechet_oracle"] == result.values["images"]["fid"] > 3
    assert result.values["images"]["ssim"] == 0.5
    assert result.values["encoder"]["l2"] == 0 < result.values["generator"]["l2"]
    assert result.intervals == {"encoder": {}, "generator": {}, "images": {}}


def test_a_score_does_not_depend_on_the_other_metrics():
    predictions = make_predictions()
    together = score(predictions, plan(choose("all", True))).values
    for name in ("factor_vae", "sap", "kid"):
        for group, values in score(predictions, plan([name])).values.items():
            assert values == {key: value for key, value in together[group].items() if key.split("/")[0] == name}


def test_the_seed_changes_only_metrics_with_random_groups():
    predictions, names = make_predictions(), ["mig", "factor_vae"]
    one, other = (score(predictions, plan(names, seed=seed)).values["generator"] for seed in (0, 1))
    assert one["mig"] == other["mig"] and one != other


def test_a_metric_without_a_score_gives_its_reason_and_the_others_have_scores():
    predictions = make_predictions(count=50)
    strict = dataclasses.replace(plan(["mig", "factor_vae", "sap_continuous"]), settings=Settings(group=64))
    result = score(predictions, strict)
    assert "needs 256 samples for the 4 values of 'hue'" in result.refused["encoder"]["factor_vae"]
    assert set(result.refused["generator"]) == {"factor_vae"}
    assert result.values["encoder"]["mig"] > 0.9 and result.values["encoder"]["sap_continuous"] > 0.9
    assert "factor_vae" not in result.values["encoder"]


def test_without_labels_l2_is_refused_and_mig_is_not():
    result = score(make_predictions(), plan(["mig", "l2"], identified=False))
    assert result.refused["encoder"] == {"l2": scoring.UNNAMED}
    assert "mig" in result.values["encoder"] and not any(key.startswith("l2") for key in result.values["encoder"])


def test_a_model_that_generates_no_images_has_reasons_for_its_missing_scores():
    encoder = make_predictions().encoder
    result = score(Predictions(encoder, None, {}, {}), plan(["mig", "mig_swapped", "psnr"]))
    assert result.refused["generator"] == dict.fromkeys(("mig", "mig_swapped"), scoring.ENCODER_ONLY)
    assert result.refused["images"] == {"psnr": scoring.ENCODER_ONLY} and result.values["encoder"]["mig"] > 0.95


def test_without_an_oracle_what_needs_none_is_scored():
    made, reason = make_predictions(), "the oracle is no better than a guess"
    alone = dataclasses.replace(made, generator=None, moves_read=None, no_oracle=reason)
    alone.features.pop("oracle")
    result = score(alone, plan(choose("fast", False)))
    refused = {*METRICS, *GENERATOR_METRICS, "read_sliders"} - {"dci"}
    assert result.refused["generator"] == dict.fromkeys(refused, reason)
    assert result.refused["images"] == {"frechet_oracle": reason} and not result.refused["encoder"]
    assert {"psnr", "ssim", "frechet_trunk", "named_psnr", "sliders"} <= set(result.values["images"])
    assert "total_correlation" in result.values["encoder"]


def test_a_model_without_a_trunk_has_no_distance_over_it():
    made = make_predictions()
    made.features.pop("trunk")
    assert score(made, plan(["frechet_trunk"])).refused["images"] == {"frechet_trunk": scoring.NO_TRUNK}


def test_without_an_image_for_each_combination_of_factors_there_is_nothing_to_compare():
    result = score(make_predictions(extras=False), plan(["mig", "named_psnr", "sliders", "read_sliders"]))
    assert result.refused["images"] == {"named_psnr": NOT_A_GRID, "sliders": NOT_A_GRID}
    assert result.refused["generator"] == {"read_sliders": scoring.UNNAMED}


def test_small_images_have_no_ssim_but_psnr():
    predictions = make_predictions()
    predictions.per_image["ssim"][:] = np.nan
    result = score(predictions, plan(["psnr", "ssim"]))
    assert result.values["images"]["psnr"] == pytest.approx(20, abs=0.2)
    assert "11x11" in result.refused["images"]["ssim"]


def test_every_score_has_an_interval_around_it():
    names = ["mig", "l2", "factor_vae", "sap_continuous", "psnr", "kid", "frechet_oracle", "named_psnr", "sliders"]
    names.append("read_sliders")
    result = score(make_predictions(), plan(names, bootstrap=10))
    for group, values in result.values.items():
        intervals = result.intervals[group]
        scores = {key for key, value in values.items() if isinstance(value, float)}
        assert set(intervals) == scores - {"l2/chance"}
        for key, (low, high) in intervals.items():
            assert low <= values[key] <= high, key
    low, high = result.intervals["images"]["psnr"]
    assert 0.02 < high - low < 0.4  # 2 x 1.96 standard errors of 0.05, estimated from ten replicates
    low, high = result.intervals["generator"]["mig"]
    assert high - low > 0.01


def test_few_images_give_the_encoder_intervals_without_a_bootstrap():
    result = score(make_predictions(), plan(["mig", "l2", "irs"], few=True))
    assert {"mig", "l2"} <= set(result.intervals["encoder"]) and not result.intervals["generator"]
    assert not any(key.startswith("irs") for key in result.intervals["encoder"])
    assert result.replicates == {"mig": 200, "l2": 200}
    assert score(make_predictions(count=1200), plan(["mig"], few=True)).replicates == {}


def test_the_l2_of_few_complete_images_has_students_interval():
    """Five of 40 images have all labels, at distances 0.1 to 0.5: 0.3 +- 2.776 * 0.158 / sqrt(5)."""
    factors = np.zeros((40, 2), int)
    factors[5:, 1] = -1
    codes = np.where(factors == 0, 0.0, 0.5) + np.where(np.arange(2) == 0, 0.1 * np.arange(1, 41)[:, None] % 0.6, 0.0)
    table = ideals.make_table(codes, factors, (2, 2), ("shape", "hue"))
    result = score(Predictions(table, None, {}, {}), plan(["l2"], few=True))
    assert result.values["encoder"]["l2/samples"] == 5
    assert result.intervals["encoder"]["l2"] == pytest.approx((0.1037, 0.4963), abs=1e-4)
    assert result.intervals["encoder"]["l2/error/shape"][1] < 0.35  # from 40 images


def test_factors_with_nearly_as_many_values_as_images_give_no_warnings(recwarn):
    factors = np.stack([np.arange(60) % 50, np.arange(60) % 4], axis=1)
    table = ideals.make_table(factors / 50.0, factors, (50, 4), ("hue", "size"))
    score(Predictions(table, None, {}, {}), plan(["dci_es", "sap", "explicitness"], bootstrap=2))
    assert [str(warning.message) for warning in recwarn] == []


def test_replicates_without_a_score_are_left_out():
    # Two of 100 rows have the second value, which about every seventh replicate lacks.
    factors = np.zeros((100, 1), int)
    factors[:2] = 1
    table = ideals.make_table(factors + 0.1 * np.random.default_rng(0).normal(size=(100, 1)), factors, (2,), ("bald",))
    result = score(Predictions(table, GeneratorTables(table, table), {}, {}), plan(["mig", "irs"], bootstrap=40))
    assert result.values["encoder"]["mig"] > 0.5 and not result.refused["encoder"]
    low, high = result.intervals["encoder"]["mig"]
    assert low <= result.values["encoder"]["mig"] <= high


def test_the_summary_is_flat():
    found = summary(score(make_predictions(), plan(["mig", "l2", "ssim"])))
    assert list(found) == ["mig", "l2", "mig_gen", "l2_gen", "ssim"]


def test_the_progress_bar_names_the_current_metric(capsys):
    score(make_predictions(), dataclasses.replace(plan(["mig", "l2"]), quiet=False))
    shown = capsys.readouterr().err
    assert "encoder mig" in shown or "generator l2" in shown
    assert "4/4" in shown
