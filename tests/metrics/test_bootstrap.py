"""Bootstrap intervals: coverage, limits, and the scores that have none."""

import numpy as np
import pytest

from ssgan_tf.metrics import METRICS
from ssgan_tf.metrics.bootstrap import fraction_interval, intervals, mean_interval
from tests.support import ideals


def test_the_interval_of_a_mean_is_the_textbook_one(rng) -> None:
    sample = rng.random(400)
    found = intervals({"x": float(sample.mean())}, lambda r: {"x": float(r.choice(sample, 400).mean())}, rng, 4000)
    half = 1.96 * sample.std() / 20
    assert found["x"] == pytest.approx((sample.mean() - half, sample.mean() + half), abs=0.06 * half)


def test_nineteen_of_twenty_intervals_contain_the_truth() -> None:
    # The L2 of codes with Gaussian errors in two factors has a Rayleigh distribution, whose mean is known.
    truth = 0.1 * np.sqrt(np.pi / 2)
    contained = 0
    for seed in range(100):
        factors = ideals.sample_factors((3, 4), 150, seed)
        codes = ideals.exact(factors, (3, 4)) + 0.1 * np.random.default_rng(seed).normal(size=(150, 2))
        table, rng = ideals.make_table(codes, factors, (3, 4)), np.random.default_rng(seed)
        value = METRICS["l2"](table, rng)
        low, high = interval_of_l2(table, value, rng)
        contained += low <= truth <= high
    assert 88 <= contained <= 99  # binomial: 95 +- 2.2


def interval_of_l2(table, value, rng) -> tuple[float, float]:
    return intervals(value, lambda r: l2_alone(table.resample(r)), rng, 200)["l2"]


def l2_alone(table) -> dict[str, float]:
    """Computes L2 without the chance level, which is slow to estimate."""
    return {"l2": float(np.mean(np.linalg.norm(table.codes - table.factors / [2, 3], axis=1)))}


@pytest.mark.parametrize("name", ["mig", "factor_vae", "sap_continuous", "modularity", "irs"])
def test_an_interval_is_around_its_score_though_replicates_repeat_rows(name) -> None:
    factors = ideals.sample_factors((3, 4), 600)
    table = ideals.make_table(ideals.mixed(factors, (3, 4), 3), factors, (3, 4))
    value = METRICS[name](table, np.random.default_rng(0))
    found = intervals(value, lambda r: METRICS[name](table.resample(r), r), np.random.default_rng(1), 30)
    low, high = found[name]
    assert low < value[name] < high and high - low < 0.3


def test_counts_have_no_interval_and_scores_that_some_replicates_lack_use_the_others(rng) -> None:
    value = {"m": 0.5, "m/samples": 10, "m/a": 0.2, "m/b": 0.3}
    turns = iter(range(10))

    def score(r):
        turn = next(turns)
        return {
            "m": 0.5 + 0.01 * turn,
            "m/samples": 10,
            **({"m/a": 0.2} if turn % 2 else {}),
            **({"m/b": 1.0} if turn == 3 else {}),
        }

    assert sorted(intervals(value, score, rng, 10)) == ["m", "m/a"]


ENDS = [
    ("mig", 0, 1),
    ("l2", 0, None),
    ("kid", None, None),
    ("kid/std", 0, None),
    ("ssim", None, 1),
    ("irs", None, 1),
]


@pytest.mark.parametrize(("name", "low", "high"), ENDS)
def test_an_interval_ends_where_its_score_does(name, low, high, rng) -> None:
    found = intervals({name: 0.5}, lambda r: {name: 0.5 + 9 * r.normal()}, rng, 200)[name]
    assert (found[0] == low) if low is not None else found[0] < -0.9
    assert (found[1] == high) if high is not None else found[1] > 1


def test_the_same_generator_gives_the_same_interval() -> None:
    found = [intervals({"mig": 0.5}, lambda r: {"mig": r.random()}, np.random.default_rng(3), 20) for _ in range(2)]
    assert found[0] == found[1]


def test_one_replicate_is_refused(rng) -> None:
    with pytest.raises(ValueError, match="at least two replicates. Received: 1"):
        intervals({"mig": 0.5}, lambda r: {"mig": 0.5}, rng, 1)


def test_replicates_that_cannot_be_scored_are_left_out_and_chance_has_no_interval() -> None:
    turns = iter(range(20))

    def score(r):
        if next(turns) % 2:
            raise ValueError("nothing to score")
        return {"l2": r.random(), "l2/chance": r.random()}

    found = intervals({"l2": 0.5, "l2/chance": 0.5}, score, np.random.default_rng(0), 20)
    assert list(found) == ["l2"]

    def never(r):
        raise ValueError("nothing to score")

    assert intervals({"l2": 0.5}, never, np.random.default_rng(0), 5) == {}


@pytest.mark.parametrize(
    ("fraction", "count", "low", "high"),
    [(0.0, 16, 0.0, 0.1936), (1.0, 16, 0.8064, 1.0), (0.5, 10, 0.2366, 0.7634), (0.9, 1000, 0.8799, 0.9171)],
)
def test_intervals_of_fractions_are_wilsons(fraction, count, low, high) -> None:
    assert fraction_interval(fraction, count) == pytest.approx((low, high), abs=2e-4)


def test_nineteen_of_twenty_intervals_of_fractions_contain_the_truth(rng) -> None:
    found = rng.binomial(16, 0.11, size=2000) / 16
    ends = [fraction_interval(fraction, 16) for fraction in found]
    assert 0.92 < np.mean([low <= 0.11 <= high for low, high in ends]) <= 1


def test_nineteen_of_twenty_intervals_of_the_mean_of_five_contain_the_truth(rng) -> None:
    """A bootstrap of five values contains it in 82 of 100 cases: it knows no error but the five that it has seen."""
    samples = rng.normal(0.5, 0.15, [1000, 5])
    assert 0.93 < np.mean([low <= 0.5 <= high for low, high in (mean_interval(s, 2.0) for s in samples)]) < 0.97
    replicates = samples[:, rng.integers(5, size=[200, 5])].mean(axis=2)
    low, high = np.percentile(replicates, [2.5, 97.5], axis=1)
    assert np.mean((low <= 0.5) & (high >= 0.5)) < 0.88


def test_the_interval_of_a_mean_is_students_t_within_its_limits() -> None:
    assert mean_interval(np.array([0.4, 0.5, 0.6]), 2.0) == pytest.approx((0.2516, 0.7484), abs=1e-4)
    assert mean_interval(np.array([0.0, 0.2]), 0.7) == (0.0, 0.7)
    assert mean_interval(np.array([0.4]), 0.7) == (0.0, 0.7)
    assert mean_interval(np.array([0.9]), 0.7) == (0.0, 0.9)
