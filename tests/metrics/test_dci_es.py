"""DCI-ES: ideal codes, curves computed by hand, and agreement with trees fitted at every depth."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from ssgan_tf.metrics.dci_es import DEPTH, dci_es, errors_by_depth, explicitness
from ssgan_tf.metrics.settings import Settings
from tests.support import ideals

SIZES, NAMES = (3, 5, 4), ("shape", "hue", "scale")
FACTORS = ideals.sample_factors(SIZES, 1500)
PERFECT = ideals.exact(FACTORS, SIZES)


def score(codes: np.ndarray, factors: np.ndarray = FACTORS, sizes=SIZES, names=NAMES, **options) -> dict[str, float]:
    return dci_es(ideals.make_table(codes, factors, sizes, names), np.random.default_rng(0), Settings(**options))


def test_perfect_codes_in_any_order_and_scale() -> None:
    found, changed = score(PERFECT), score(PERFECT[:, [2, 0, 1]] * [-1, 5, 1] + 3)
    assert found["dci_es"] > 0.94 and found["dci_es/size"] == found["dci_es/informativeness"] == 1
    assert changed["dci_es"] == pytest.approx(found["dci_es"], abs=0.005)
    assert score(np.exp(PERFECT))["dci_es"] == pytest.approx(found["dci_es"], abs=0.02)  # trees see only the order


def test_binary_factors_need_one_level() -> None:
    factors = ideals.sample_factors((2, 2), 300)
    assert score(factors.astype(float), factors, (2, 2), ("a", "b"))["dci_es"] == 1


def test_constant_and_duplicated_codes_change_the_size_only() -> None:
    best = score(PERFECT)["dci_es"]
    for codes, size in ((np.tile(PERFECT, 2), 1 / 2), (np.concatenate([PERFECT, np.ones((1500, 1))], axis=1), 3 / 4)):
        found = score(codes)
        assert found["dci_es"] == pytest.approx(best, abs=0.005) and found["dci_es/size"] == size


def test_rotated_codes_need_more_levels() -> None:
    assert score(ideals.rotated(PERFECT))["dci_es"] < score(PERFECT)["dci_es"] - 0.01


@pytest.mark.parametrize("seed", range(3))
def test_random_and_constant_codes_have_0(seed: int) -> None:
    noise = np.random.default_rng(seed).normal(size=(1500, 4))
    for codes in (noise, np.ones((1500, 4))):
        found = score(codes)
        assert found["dci_es"] == 0 and found["dci_es/informativeness"] < 0.05


def test_a_factor_without_a_code_counts_as_0() -> None:
    found = score(PERFECT[:, 1:])
    assert found["dci_es/explicitness/shape"] == 0 and found["dci_es/explicitness/hue"] > 0.9
    assert found["dci_es"] == pytest.approx(np.mean([found[f"dci_es/explicitness/{name}"] for name in NAMES]))
    assert found["dci_es/size"] == 3 / 2


def test_curves_computed_by_hand() -> None:
    # The loss falls evenly from the baseline: the area is the whole triangle.
    assert explicitness(np.array([0.8, 0.6, 0.4, 0.2, 0.0]), 0.8) == pytest.approx((0, 1))
    # The lowest capacity reads everything, or the best that any capacity reads.
    assert explicitness(np.array([0.0, 0.0, 0.0]), 0.5) == pytest.approx((1, 1))
    assert explicitness(np.array([0.25, 0.25, 0.25]), 0.5) == pytest.approx((1, 1 / 2))
    # Trapezoids of (0.6 + 0.2) / 2 and 0.2 / 2 over four steps: 1 - 2 (0.4 + 0.1) / (4 * 0.8).
    assert explicitness(np.array([0.6, 0.2, 0.0, 0.0, 0.0]), 0.8) == pytest.approx((0.6875, 1))
    # A larger tree that is worse does not count.
    assert explicitness(np.array([0.6, 0.2, 0.0, 0.3, 0.1]), 0.8) == pytest.approx((0.6875, 1))
    # Only the last capacity reads anything: worse than an even fall.
    assert explicitness(np.array([0.8, 0.8, 0.0]), 0.8) == pytest.approx((1 - 2 * 1.2 / 1.6, 1))
    # No information.
    assert explicitness(np.array([0.8, 0.75, 0.78]), 0.8) == pytest.approx((0, 0.0625))
    assert explicitness(np.array([0.9, 0.9]), 0.8) == (0, 0)


@pytest.mark.parametrize("width", [1, 4])
def test_one_tree_has_the_errors_of_a_tree_for_every_depth(width: int) -> None:
    codes = ideals.mixed(FACTORS, SIZES, width, noise=0.1).astype(np.float32)
    labels = FACTORS[:, 1]
    tree = DecisionTreeClassifier(max_depth=DEPTH, random_state=0).fit(codes[:1000], labels[:1000])
    found = errors_by_depth(tree, codes[1000:], labels[1000:])
    for depth, error in enumerate(found, start=1):
        single = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(codes[:1000], labels[:1000])
        expected = 1 - single.score(codes[1000:], labels[1000:])
        # With several codes, small nodes have equally good splits, of which each tree chooses another.
        assert error == pytest.approx(expected, abs=1e-9 if width == 1 else 0.03)
    assert found[0] > found[3] and len(found) == DEPTH


def test_unknown_labels_leave_out_rows_for_their_factor_only() -> None:
    factors, codes = FACTORS.copy(), PERFECT.copy()
    factors[:500, 0], codes[:500, 0] = -1, 0.123
    assert score(codes, factors)["dci_es/informativeness"] == 1


def test_values_that_only_the_test_rows_have_are_errors() -> None:
    # Each of 30 values occurs once.
    found = score(np.arange(30.0)[:, None], np.arange(30)[:, None], (30,), ("angle",))
    assert found["dci_es"] == found["dci_es/informativeness"] == 0
    assert (found["dci_es/samples_train"], found["dci_es/samples_test"]) == (20, 10)


def test_factors_that_cannot_be_scored() -> None:
    factors = FACTORS.copy()
    factors[:, 0] = 0
    assert score(PERFECT, factors)["dci_es/excluded/shape"] == 1
    one_row = np.zeros((300, 1), int)
    one_row[np.random.default_rng(0).permutation(300)[0]] = 1  # this row is among the training rows
    with pytest.raises(ValueError, match="DCI-ES needs a factor that takes different values in the test rows"):
        score(np.zeros((300, 1)), one_row, (2,), ("bald",))
