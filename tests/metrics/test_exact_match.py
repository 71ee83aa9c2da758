"""Exact match of ideal codes, by hand, and by chance."""

import numpy as np
import pytest

from ssgan_tf.metrics import Table
from ssgan_tf.metrics.exact_match import exact_match

SIZES = (3, 5)
NAMES = ("shape", "hue")


def score(codes, factors, sizes=SIZES, names=NAMES, **more):
    return exact_match(Table(codes, factors, sizes, names, **more), np.random.default_rng(0))


@pytest.fixture
def factors(grid) -> np.ndarray:
    return grid(SIZES)


def test_perfect_codes_are_all_right_also_beyond_the_ends(factors) -> None:
    for codes in (factors / [2, 4], factors / [2, 4] + 0.12, factors * 1.2 / [2, 4] - 0.1):
        result = score(codes, factors)
        assert (result["exact_match"], result["exact_match/samples"]) == (1, 15)
        assert result["exact_match/accuracy/shape"] == result["exact_match/accuracy/hue"] == 1


def test_a_table_by_hand() -> None:
    factors = np.array([[0, 0], [2, 4], [1, 2], [1, -1]])
    codes = np.array([[0.24, 0.13], [0.76, 0.88], [0.5, 0.6], [0.1, 0.0]])
    result = score(codes, factors)
    assert result["exact_match"] == pytest.approx(2 / 3)  # 0.13 is nearer to 0.25 than to 0
    assert result["exact_match/accuracy/shape"] == 0.75
    assert result["exact_match/accuracy/hue"] == pytest.approx(2 / 3)
    assert result["exact_match/chance"] == pytest.approx(1 / 15)
    assert result["exact_match/samples"] == 3


def test_half_a_step_is_right_in_both_directions() -> None:
    factors = np.array([[1], [1], [1], [1]])
    codes = np.array([[0.125], [0.375], [0.124], [0.376]])
    assert score(codes, factors, (5,), ("hue",))["exact_match"] == 0.5


def test_random_codes_are_right_by_chance(factors) -> None:
    rows = np.random.default_rng(1).permutation(np.repeat(np.arange(15), 2000))
    result = score(factors[np.repeat(np.arange(15), 2000)] / [2, 4], factors[rows])
    assert result["exact_match"] == pytest.approx(result["exact_match/chance"], abs=0.01)
    constant = score(np.full([15, 2], 0.5), factors)
    assert constant["exact_match"] == pytest.approx(1 / 15)


def test_a_numeric_factor_is_right_within_half_a_class() -> None:
    truth = np.array([[0.50], [0.50], [0.50]])
    codes = np.array([[0.52], [0.53], [0.48]])  # half of one of 20 classes is 1 / 38
    result = score(codes, np.full([3, 1], 10), (20,), ("angle",), truth=truth, truth_sizes=(1001,))
    assert result["exact_match"] == pytest.approx(2 / 3)
    assert result["exact_match/chance"] == pytest.approx(1 / 20)


def test_what_cannot_be_scored(factors) -> None:
    one = score(np.zeros([15, 3]), np.c_[factors, np.zeros(15, int)], (*SIZES, 1), (*NAMES, "floor"))
    assert one["exact_match/excluded/floor"] == 1 and one["exact_match/samples"] == 15
    with pytest.raises(ValueError, match="expected 2 codes, one per factor. Received: 3"):
        score(np.zeros([15, 3]), factors)
    with pytest.raises(ValueError, match="15 rows, none of them complete"):
        score(factors / [2, 4], np.where(np.arange(15)[:, None] % 2 == [0, 1], factors, -1))
