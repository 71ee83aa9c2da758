"""What every metric says of codes whose score is known, and that none fails where an answer is defined."""

import math
import warnings

import numpy as np
import pytest

from ssgan_tf.metrics import METRICS, Settings
from tests.metrics import ideals

SIZES = (3, 5, 4)
NAMES = ("shape", "hue", "scale")
COUNT = 1500
# Few groups, so that the whole file takes seconds; the scores below do not depend on it.
QUICK = Settings(group=16, train_groups=400, eval_groups=400)
LABELLED = [name for name in METRICS if name not in ("l2", "total_correlation")]
FACTORS = ideals.draw(SIZES, COUNT)
PERFECT = ideals.exact(FACTORS, SIZES)


def score(name: str, codes: np.ndarray, factors: np.ndarray = FACTORS, sizes=SIZES, names=NAMES, **options):
    settings = Settings(**{**vars(QUICK), **options})
    return METRICS[name](ideals.table(codes, factors, sizes, names), np.random.default_rng(0), settings)


# metric: perfect codes, constant codes, every code twice
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
}
# Those that finite samples or a regularised classifier keep a little below 1.
NEAR = {"mig": 0.005, "modularity": 0.001, "sap_continuous": 0.005, "explicitness": 0.005, "beta_vae": 0.06}


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
    # Trees break ties between codes at random, lbfgs stops a little elsewhere.
    assert score(name, changed)[name] == pytest.approx(score(name, codes)[name], abs=0.015)


@pytest.mark.parametrize("name", LABELLED)
def test_rotated_codes_score_below_perfect_ones(name: str) -> None:
    found, best = score(name, ideals.rotated(PERFECT))[name], score(name, PERFECT)[name]
    if name == "explicitness":  # which asks for information, wherever it lies
        assert found == pytest.approx(best, abs=0.005)
    else:
        assert found < best - 0.05


@pytest.mark.parametrize("name", LABELLED)
def test_one_dead_code_costs_its_factor_and_a_spare_one_nothing(name: str) -> None:
    best = score(name, PERFECT)[name]
    dead = PERFECT.copy()
    dead[:, 1] = 0.5
    found = score(name, dead)[name]
    if name == "irs":  # which weighs codes by how far they stray, and asks for no factor
        assert found == pytest.approx(best, abs=0.01)
    elif name == "beta_vae":  # no code at rest says as much as one at rest, as long as one factor alone has none
        assert found == pytest.approx(best, abs=0.01)
    else:
        assert found < best - 0.05
    spare = score(name, np.concatenate([PERFECT, np.zeros((COUNT, 1))], axis=1))
    if name == "modularity":  # as in the reference, a dead code is not modular
        assert spare["modularity"] == pytest.approx(best * 3 / 4)
        assert spare["modularity/live"] == pytest.approx(best)
    else:
        assert spare[name] == pytest.approx(best, abs=0.01)


@pytest.mark.parametrize("name", [*METRICS])
def test_a_factor_of_one_value_is_left_out_and_said(name: str) -> None:
    size = 1 if name == "l2" else 4  # a value that only this table lacks still has a true code
    factors = np.concatenate([np.full((COUNT, 1), size // 2), FACTORS], axis=1)
    codes = PERFECT if name != "l2" else np.concatenate([np.zeros((COUNT, 1)), PERFECT], axis=1)
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
def test_rows_that_do_not_know_a_factor_count_for_the_others(name: str) -> None:
    factors = FACTORS.copy()
    factors[: COUNT // 3, 0] = -1
    found = score(name, PERFECT, factors)[name]
    assert found == pytest.approx(score(name, PERFECT)[name], abs=0.06)


@pytest.mark.parametrize("name", [*METRICS])
def test_a_lone_code_and_a_lone_factor_have_a_score(name: str) -> None:
    found = score(name, PERFECT[:, 1:2], FACTORS[:, 1:2], SIZES[1:2], NAMES[1:2])
    assert math.isfinite(found[name])
    if name in ("mig", "factor_vae", "beta_vae", "sap_continuous", "modularity", "irs", "dci", "dci_histogram"):
        assert found[name] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", LABELLED)
def test_fewer_rows_than_values_have_a_score_or_a_reason(name: str) -> None:
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


@pytest.mark.parametrize("name", [*METRICS])
def test_forty_binary_factors(name: str) -> None:
    sizes = (2,) * 40
    factors = ideals.draw(sizes, 400)
    codes = factors + 0.05 * np.random.default_rng(3).normal(size=factors.shape)
    found = score(name, codes, factors, sizes, ())
    assert all(math.isfinite(value) for value in found.values())
    if name in ("mig", "factor_vae", "sap_continuous", "irs"):
        assert found[name] > 0.75
    elif name == "sap":
        assert found[name] > 0.35  # the second best code of two classes is right half of the time, and by chance more
    elif name == "l2":
        assert found[name] < found["l2/chance"] / 5


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
def test_the_same_generator_gives_the_same_numbers_and_the_table_is_left_alone(name: str) -> None:
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
    with pytest.raises(ValueError, match="finite, as float32.*column 0"):
        score(name, 1e100 * PERFECT)
    assert all(math.isfinite(value) for value in score(name, 1e-200 * PERFECT).values())


def test_explicitness_leaves_the_process_as_it_was() -> None:
    before = list(warnings.filters)
    for _ in range(3):
        score("explicitness", PERFECT)
    assert warnings.filters == before


def test_irs_below_zero() -> None:
    # One row in twenty jumps to the other value's place: in its value's rows it strays nearly twice as far as from the
    # mean of all.
    rng = np.random.default_rng(0)
    factors = rng.integers(2, size=(2000, 1))
    codes = np.where(rng.random((2000, 1)) < 0.05, 1 - factors, factors).astype(float)
    assert -1 < score("irs", codes, factors, (2,), ("side",))["irs"] < -0.5
