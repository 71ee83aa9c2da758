"""Tests of all metrics: ideal codes with known scores, and edge cases in which a score is defined."""

import math
import warnings

import numpy as np
import pytest

from ssgan_tf.metrics import METRICS, Settings
from tests.support import ideals

SIZES = (3, 5, 4)
NAMES = ("shape", "hue", "scale")
COUNT = 1500
# Few groups, so that the whole file takes seconds; the scores below do not depend on their number.
QUICK = Settings(group=16, train_groups=400, eval_groups=400)
NAMED_CODES = ("l2", "exact_match")  # of these, code k must stand for factor k
LABELLED = [name for name in METRICS if name not in (*NAMED_CODES, "total_correlation")]
FACTORS = ideals.sample_factors(SIZES, COUNT)
PERFECT = ideals.exact(FACTORS, SIZES)


def score(name: str, codes: np.ndarray, factors: np.ndarray = FACTORS, sizes=SIZES, names=NAMES, **options):
    settings = Settings(**{**vars(QUICK), **options})
    return METRICS[name](ideals.make_table(codes, factors, sizes, names), np.random.default_rng(0), settings)


# Scores of perfect codes, of constant codes, and of perfect codes with every code duplicated.
IDEALS = {
    "mig": (1, 0, 0),
    "factor_vae": (1, 0, 1),
    "beta_vae": (1, 1 / 3, 1),
    "sap": (None, 0, 0),
    "sap_continuous": (1, 0, 0),
    "modularity": (1, 0, 1),
    "explicitness": (1, 1 / 2, 1),
    "irs": (1, 0, 1),
    "dci": (1, 0, 1),
    "dci_histogram": (1, 0, 1),
    "dci_es": (1, 0, 1),
    "infomec": (1, 0, 1),
}
# Tolerances of metrics that finite samples or a regularised classifier keep slightly below 1.
NEAR = {"mig": 0.005, "modularity": 0.001, "sap_continuous": 0.005, "explicitness": 0.005, "beta_vae": 0.06}
NEAR |= {"dci_es": 0.06, "infomec": 0.005}  # a tree needs more than one level for more than two values


def test_every_labelled_metric_has_its_ideals_here() -> None:
    assert sorted(IDEALS) == sorted(LABELLED)


@pytest.mark.parametrize("name", LABELLED)
@pytest.mark.parametrize("kind", ["perfect", "constant", "duplicated"])
def test_ideals(name: str, kind: str) -> None:
    codes = {"perfect": PERFECT, "constant": np.full_like(PERFECT, 0.3), "duplicated": np.tile(PERFECT, 2)}[kind]
    expected = IDEALS[name][["perfect", "constant", "duplicated"].index(kind)]
    found = score(name, codes)[name]
    if expected is None:
        assert 0.15 < found < 0.5  # SAP's ceiling depends on the factors' sizes
    else:
        assert found == pytest.approx(expected, abs=NEAR.get(name, 1e-6))


@pytest.mark.parametrize("name", LABELLED)
def test_permuted_flipped_and_shifted_codes_score_the_same(name: str) -> None:
    codes = ideals.mixed(FACTORS, SIZES, 4)
    changed = (codes * [1, -1, 1, -1])[:, [2, 0, 3, 1]]
    # Trees break ties between codes at random, and lbfgs stops at a slightly different point.
    assert score(name, changed)[name] == pytest.approx(score(name, codes)[name], abs=0.015)


@pytest.mark.parametrize("name", LABELLED)
def test_rotated_codes_score_below_perfect_ones(name: str) -> None:
    found, best = score(name, ideals.rotated(PERFECT))[name], score(name, PERFECT)[name]
    if name == "explicitness":  # measures information, whichever code has it
        assert found == pytest.approx(best, abs=0.005)
    else:
        assert found < best - (0.01 if name == "dci_es" else 0.05)  # a few levels more of 32


@pytest.mark.parametrize("name", LABELLED)
def test_one_inactive_code_costs_its_factor_and_an_additional_one_nothing(name: str) -> None:
    best = score(name, PERFECT)[name]
    inactive = PERFECT.copy()
    inactive[:, 1] = 0.5
    found = score(name, inactive)[name]
    if name in ("irs", "infomec"):  # give constant codes no weight, and do not need a code for each factor
        assert found == pytest.approx(best, abs=0.01)
    elif name == "beta_vae":  # a single factor without a code can be inferred by elimination
        assert found == pytest.approx(best, abs=0.01)
    else:
        assert found < best - 0.05
    extended = score(name, np.concatenate([PERFECT, np.zeros((COUNT, 1))], axis=1))
    if name == "modularity":  # as in the reference, an inactive code counts as 0
        assert extended["modularity"] == pytest.approx(best * 3 / 4)
        assert extended["modularity/live"] == pytest.approx(best)
    else:
        assert extended[name] == pytest.approx(best, abs=0.01)


@pytest.mark.parametrize("name", [*METRICS])
def test_a_factor_with_one_value_is_excluded_and_listed(name: str) -> None:
    # They exclude factors of size 1: others have a true code even if the table shows one value only.
    size = 1 if name in NAMED_CODES else 4
    factors = np.concatenate([np.full((COUNT, 1), size // 2), FACTORS], axis=1)
    codes = PERFECT if name not in NAMED_CODES else np.concatenate([np.zeros((COUNT, 1)), PERFECT], axis=1)
    with_it = score(name, codes, factors, (size, *SIZES), ("weather", *NAMES))
    without = score(name, PERFECT)
    assert with_it[name] == pytest.approx(without[name], abs=1e-9)
    if name != "total_correlation":
        assert with_it[f"{name}/excluded/weather"] == 1


@pytest.mark.parametrize("name", LABELLED)
def test_no_factor_to_score_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="at least one factor that takes two known values.*weather"):
        score(name, PERFECT[:, :1], np.zeros((COUNT, 1), int), (4,), ("weather",))


@pytest.mark.parametrize("name", [*METRICS])
def test_rows_without_a_label_for_a_factor_count_for_the_others(name: str) -> None:
    factors = FACTORS.copy()
    factors[: COUNT // 3, 0] = -1
    found = score(name, PERFECT, factors)[name]
    assert found == pytest.approx(score(name, PERFECT)[name], abs=0.06)


@pytest.mark.parametrize("name", [*METRICS])
def test_a_single_code_and_a_single_factor_have_a_score(name: str) -> None:
    found = score(name, PERFECT[:, 1:2], FACTORS[:, 1:2], SIZES[1:2], NAMES[1:2])
    assert math.isfinite(found[name])
    if name not in ("l2", "exact_match", "sap", "explicitness", "total_correlation", "dci_es"):
        assert found[name] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", LABELLED)
def test_fewer_rows_than_values_have_a_score_or_are_refused_with_the_count(name: str) -> None:
    factors = np.arange(30)[:, None] * [2, 0] + [0, 1]
    factors[:, 1] = np.arange(30) % 3
    codes = ideals.exact(factors, (100, 3))
    if name in ("factor_vae", "beta_vae"):
        with pytest.raises(ValueError, match="needs 480 samples .* 30 values of 'angle'.*Received: 30"):
            score(name, codes, factors, (100, 3), ("angle", "side"))
    else:
        found = score(name, codes, factors, (100, 3), ("angle", "side"))
        assert all(math.isfinite(value) for value in found.values())
        assert 0 <= found[name] <= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", [*METRICS])
def test_forty_binary_factors(name: str) -> None:
    sizes = (2,) * 40
    factors = ideals.sample_factors(sizes, 400)
    codes = factors + 0.05 * np.random.default_rng(3).normal(size=factors.shape)
    found = score(name, codes, factors, sizes, ())
    assert all(math.isfinite(value) for value in found.values())
    if name in ("mig", "factor_vae", "sap_continuous", "irs"):
        assert found[name] > 0.75
    elif name == "sap":
        assert found[name] > 0.35  # with two classes, the second-best code has an accuracy of at least 1/2
    elif name == "l2":
        assert found[name] < found["l2/chance"] / 5
    elif name == "exact_match":
        assert found[name] == 1 and found["exact_match/chance"] == 0.5**40


@pytest.mark.parametrize("name", [*METRICS])
def test_scores_are_floats_and_the_rest_counts(name: str) -> None:
    found = score(name, ideals.mixed(FACTORS, SIZES, 3))
    assert isinstance(found[name], float)
    for key, value in found.items():
        assert key.split("/")[0] == name
        assert type(value) is (int if is_count(key) else float), key


def is_count(key: str) -> bool:
    words = ("samples", "excluded", "bins", "code", "active", "whole_grid", "live_codes")
    return any(part.split("_t")[0] in words for part in key.split("/")[1:])


@pytest.mark.parametrize("name", [*METRICS])
def test_the_same_generator_gives_the_same_numbers_and_the_table_is_unchanged(name: str) -> None:
    codes = ideals.mixed(FACTORS, SIZES, 3)
    before = codes.copy()
    assert score(name, codes) == score(name, codes)
    np.testing.assert_array_equal(codes, before)


@pytest.mark.parametrize("name", [*METRICS])
def test_codes_of_either_precision_score_nearly_the_same(name: str) -> None:
    codes = ideals.mixed(FACTORS, SIZES, 3)
    assert score(name, codes.astype(np.float32))[name] == pytest.approx(score(name, codes)[name], abs=0.01)


@pytest.mark.parametrize("name", [*METRICS])
@pytest.mark.parametrize("scale", [1e30, 1e-30])
def test_codes_of_any_scale_have_a_score(name: str, scale: float) -> None:
    found = score(name, scale * ideals.mixed(FACTORS, SIZES, 3))
    assert all(math.isfinite(value) for value in found.values())


@pytest.mark.parametrize("name", [*METRICS])
def test_codes_beyond_float32_are_refused_and_those_below_it_have_a_score(name: str) -> None:
    with pytest.raises(ValueError, match="finite as float32.*column 0"):
        score(name, 1e100 * PERFECT)
    assert all(math.isfinite(value) for value in score(name, 1e-200 * PERFECT).values())


def test_explicitness_restores_the_warning_filters() -> None:
    before = list(warnings.filters)
    for _ in range(3):
        score("explicitness", PERFECT)
    assert warnings.filters == before


def test_irs_below_zero() -> None:
    # One row in twenty has the code of the other value: its distance from the mean of its value is nearly twice that
    # from the mean of all rows.
    rng = np.random.default_rng(0)
    factors = rng.integers(2, size=(2000, 1))
    codes = np.where(rng.random((2000, 1)) < 0.05, 1 - factors, factors).astype(float)
    assert -1 < score("irs", codes, factors, (2,), ("side",))["irs"] < -0.5
