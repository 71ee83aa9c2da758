"""MIG-swapped: a perfect generator has nearly the same score with every prior, and useless ones have 0."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from ssgan_tf.metrics import GENERATOR_METRICS, METRICS, Settings
from ssgan_tf.metrics.information import entropy, mutual_information
from ssgan_tf.metrics.mig_swapped import mig_swapped
from ssgan_tf.metrics.table import Table

SIZES = (4, 6, 4, 6, 6, 9)  # of scene3d/demo
NAMES = ("shape", "object_hue", "scale", "floor_hue", "wall_hue", "azimuth")
COUNT = 5000


def sample_unit_codes(prior: str) -> np.ndarray:
    """Samples unit codes [COUNT, 6] of the three priors."""
    rng = np.random.default_rng(0)
    if prior == "grid":
        return np.stack([rng.integers(size, size=COUNT) / (size - 1) for size in SIZES], axis=1)
    if prior == "uniform":
        return (rng.uniform(-1, 1, (COUNT, len(SIZES))) + 1) / 2
    return norm.cdf(rng.normal(size=(COUNT, len(SIZES))))


def show(unit_codes: np.ndarray) -> np.ndarray:
    """Returns the factors in the images of a perfect generator: the nearest value to each code."""
    return np.rint(unit_codes * (np.array(SIZES) - 1)).astype(int)


def score(codes: np.ndarray, factors: np.ndarray, sizes=SIZES, names=NAMES, bins: int = 20) -> dict[str, float]:
    return mig_swapped(Table(codes, factors, sizes, names), np.random.default_rng(0), Settings(bins=bins))


@pytest.mark.parametrize(("prior", "expected"), [("grid", 0.998), ("uniform", 0.96), ("normal", 0.96)])
def test_a_perfect_generator(prior: str, expected: float) -> None:
    codes = sample_unit_codes(prior)
    assert score(codes, show(codes))["mig_swapped"] == pytest.approx(expected, abs=0.005)


def test_the_published_score_of_a_perfect_generator_depends_on_the_prior() -> None:
    found = []
    for prior, sizes in (("grid", SIZES), ("uniform", (20,) * 6)):
        codes = sample_unit_codes(prior)
        shown = show(codes)
        classes = shown if prior == "grid" else np.floor(codes * 20).astype(int)
        table = Table(shown / (np.array(SIZES) - 1), classes, sizes)
        found.append(METRICS["mig"](table, np.random.default_rng(0))["mig"])
    assert found[0] > 0.99 and found[1] < 0.55


def test_permuted_and_flipped_codes_score_the_same() -> None:
    codes = sample_unit_codes("uniform")
    order = [3, 1, 5, 0, 2, 4]
    found, permuted = score(codes, show(codes)), score(1 - codes[:, order], show(codes))
    assert permuted["mig_swapped"] == pytest.approx(found["mig_swapped"], abs=0.002)
    assert [permuted[f"mig_swapped/code/{name}"] for name in NAMES] == [order.index(k) for k in range(6)]


def test_a_constant_generator_and_one_that_ignores_its_code_have_0() -> None:
    codes = sample_unit_codes("grid")
    constant = score(codes, np.ones_like(show(codes)))
    assert constant["mig_swapped"] == 0 and constant["mig_swapped/entropy/shape"] == 0
    assert constant["mig_swapped/code/shape"] == -1
    assert score(codes, show(codes[::-1]))["mig_swapped"] < 0.005


def test_two_codes_that_control_the_same_factors_have_0() -> None:
    codes = sample_unit_codes("uniform")
    assert score(np.tile(codes, 2), show(codes))["mig_swapped"] == 0


def test_a_factor_that_never_changes_counts_as_0_and_is_not_excluded() -> None:
    codes = sample_unit_codes("grid")
    factors = show(codes)
    best = score(codes, factors)["mig_swapped"]
    factors[:, 0] = 2
    found = score(codes, factors)
    assert found["mig_swapped"] == pytest.approx(best * 5 / 6, abs=0.001)
    assert found["mig_swapped/gap/shape"] == 0 and "mig_swapped/excluded/shape" not in found


def test_codes_that_control_two_factors_and_factors_that_share_codes() -> None:
    # Code 0 controls both factors, so both have a gap of 1; two codes of which factor 0 is the sum share it.
    rng = np.random.default_rng(1)
    codes = rng.integers(3, size=(COUNT, 2)) / 2
    first = np.rint(2 * codes[:, 0]).astype(int)
    assert score(codes, np.stack([first, first], 1), (3, 3), ("a", "b"))["mig_swapped"] > 0.99
    both = np.rint(2 * codes.sum(axis=1)).astype(int)
    assert score(codes, both[:, None], (5,), ("sum",))["mig_swapped"] < 0.01


def test_a_small_example() -> None:
    # Code 0 tells the value exactly: ln 2. Code 1 is 0 for the rows 0, 0, 0, 1 and 1 for the rows 0, 1, 1, 1.
    factors = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    codes = np.stack([factors, [0, 0, 0, 1, 0, 1, 1, 1]], axis=1)
    other = np.log(2) - (0.25 * np.log(4) + 0.75 * np.log(4 / 3))
    found = score(codes, factors[:, None], (4,), ("turn",), bins=2)
    assert found["mig_swapped"] == pytest.approx((np.log(2) - other) / np.log(2))
    assert found["mig_swapped/entropy/turn"] == pytest.approx(0.5)  # two of four values
    assert (found["mig_swapped/bins"], found["mig_swapped/samples"], found["mig_swapped/code/turn"]) == (2, 8, 0)


def test_agreement_with_a_direct_computation() -> None:
    rng = np.random.default_rng(2)
    codes = rng.random((700, 3))
    factors = np.floor(3 * (codes @ rng.random((3, 2)) % 1)).astype(int)
    found = score(codes, factors, (3, 3), ("a", "b"), bins=7)
    edges = np.linspace(codes.min(axis=0), codes.max(axis=0), 8)
    for f, name in enumerate(("a", "b")):
        information = sorted(
            mutual_information(np.digitize(codes[:, k], edges[:-1, k]) - 1, factors[:, f]) for k in range(3)
        )
        expected = (information[-1] - information[-2]) / entropy(factors[:, f])
        assert found[f"mig_swapped/gap/{name}"] == pytest.approx(expected)


def test_factors_that_cannot_be_scored() -> None:
    codes = sample_unit_codes("grid")[:, :1]
    factors = np.zeros((COUNT, 2), int)
    factors[:, 1] = show(sample_unit_codes("grid"))[:, 0]
    found = score(codes, factors, (1, 4), ("weather", "shape"))
    assert found["mig_swapped/excluded/weather"] == 1 and found["mig_swapped"] > 0.99
    with pytest.raises(ValueError, match="MIG-swapped needs at least one factor that can take two values.*weather"):
        score(codes, factors[:, :1], (1,), ("weather",))


def test_it_scores_generators_only() -> None:
    assert GENERATOR_METRICS["mig_swapped"] is mig_swapped and "mig_swapped" not in METRICS
