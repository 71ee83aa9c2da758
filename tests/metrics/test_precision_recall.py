"""Precision and recall of ideal sets, of a few points on a line, and compared with a double loop."""

import numpy as np
import pytest

from ssgan_tf.metrics import FEATURE_METRICS
from ssgan_tf.metrics.precision_recall import precision_recall


def score(real, generated, **options) -> tuple[float, float]:
    result = precision_recall(np.asarray(real), np.asarray(generated), np.random.default_rng(0), **options)
    return result["precision"], result["recall"]


def line(*points: float) -> np.ndarray:
    return np.array(points, dtype=np.float64)[:, None]


def by_loops(real: np.ndarray, generated: np.ndarray, k: int) -> tuple[float, float]:
    """Computes precision and recall from their definition."""

    def share(points, centres) -> float:
        radii = [sorted(np.linalg.norm(c - other) for other in centres)[k] for c in centres]
        inside = [any(np.linalg.norm(p - c) <= r for c, r in zip(centres, radii, strict=True)) for p in points]
        return sum(inside) / len(points)

    return share(generated, real), share(real, generated)


@pytest.mark.parametrize("shape", [(4, 3), (60, 1), (300, 20)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_identical_sets_score_one(rng, shape, dtype) -> None:
    features = (rng.normal(size=shape) + 9).astype(dtype)
    assert score(features, features) == (1, 1)
    assert score(features, rng.permutation(features)) == (1, 1)


def test_two_samples_of_one_distribution_score_high(rng) -> None:
    precision, recall = score(rng.normal(size=(800, 2)), rng.normal(size=(800, 2)))
    assert precision > 0.9 and recall > 0.9


def test_disjoint_sets_score_zero(rng) -> None:
    assert score(rng.normal(size=(50, 4)), rng.normal(size=(50, 4)) + 100) == (0, 0)


def test_a_dropped_mode_costs_recall_alone(rng) -> None:
    modes = np.array([[0.0, 0], [1000, 0]])
    real = np.repeat(modes, 100, axis=0) + rng.normal(size=(200, 2)) * 1e-3
    precision, recall = score(real, real[:100])
    assert precision == 1
    assert recall == 0.5


def test_unrealistic_images_cost_precision_alone(rng) -> None:
    real = rng.normal(size=(100, 2))
    generated = np.concatenate([real, rng.normal(size=(300, 2)) + 1000])
    assert score(real, generated) == (0.25, 1)


def test_a_wider_distribution_has_high_recall_and_low_precision(rng) -> None:
    precision, recall = score(rng.normal(size=(500, 2)), rng.normal(size=(500, 2)) * 10)
    assert precision < 0.3 and recall > 0.95
    assert score(rng.normal(size=(500, 2)) * 10, rng.normal(size=(500, 2)))[0] > 0.95


def test_three_points_by_hand() -> None:
    # Balls for k = 1: real 0 +- 1, 1 +- 1, 5 +- 4; generated 2 +- 8, 10 +- 1, 11 +- 1.
    assert score(line(0, 1, 5), line(2, 10, 11), k=1) == (1 / 3, 1)
    # Balls for k = 2: real 0 +- 5, 1 +- 4, 5 +- 5; generated 2 +- 9, 10 +- 8, 11 +- 9.
    assert score(line(0, 1, 5), line(2, 10, 11), k=2) == (2 / 3, 1)
    assert score(line(0, 1, 5), line(2.0, 10.001, 11), k=2) == (1 / 3, 1)


def test_five_points_by_hand() -> None:
    # Balls for k = 3: real 0 +- 3, 1 +- 2, 2 +- 2, 3 +- 3, 9 +- 8; generated -3 +- 9, 4 +- 7, 5 +- 8, 6 +- 9, 17 +- 13.
    assert score(line(0, 1, 2, 3, 9), line(-3, 4, 5, 6, 17)) == (1, 1)
    assert score(line(0, 1, 2, 3, 9), line(-3.5, 17.5, 30, 40, 50)) == (0, 1)


def test_the_surface_of_a_ball_belongs_to_it() -> None:
    # Real balls 0 +- 1 and 1 +- 1; the generated balls are 0.5 wide.
    for shift in (0, 1 / 3, 1e4 / 7):  # so that centred numbers are rounded
        assert score(line(0, 1) + shift, line(2, 2.5) + shift, k=1) == (0.5, 0)
        assert score(line(0, 1) + shift, line(2 + 1e-5, 2.5) + shift, k=1) == (0, 0)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_duplicates_have_a_ball_of_radius_zero(rng, scale: float) -> None:
    points = rng.normal(size=(6, 50)) * scale + 3 * scale
    real, generated = np.repeat(points, 4, axis=0), np.repeat(points[3:], 5, axis=0)
    nearly = np.repeat(points[3:] * (1 + 1e-4), 5, axis=0)
    assert score(real, generated) == (1, 0.5)
    assert score(real, nearly) == (0, 0)


def test_constant_features() -> None:
    assert score(np.full((5, 3), 0.1), np.full((6, 3), 0.1)) == (1, 1)
    assert score(np.full((5, 3), 0.1), np.full((6, 3), 0.2)) == (0, 0)


@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("width", [1, 2, 30])
def test_the_scores_equal_the_definition(rng, k: int, width: int) -> None:
    real, generated = rng.normal(size=(60, width)), rng.normal(size=(45, width)) * 1.3 + 0.3
    expected = by_loops(real, generated, k)
    assert score(real, generated, k=k) == pytest.approx(expected, abs=1e-15)
    assert k > 1 or all(0 < value < 1 for value in expected)


@pytest.mark.parametrize("block", [1, 9, 100, 1000])
def test_the_size_of_blocks_does_not_matter(rng, block: int) -> None:
    real, generated = rng.normal(size=(53, 5)), rng.normal(size=(31, 5)) * 1.5
    assert score(real, generated, block=block) == score(real, generated)
    lattice = rng.integers(3, size=(40, 2))  # ties and duplicates
    assert score(lattice, lattice[:17] + 1, block=block) == by_loops(lattice, lattice[:17] + 1, 3)


def test_the_order_of_rows_does_not_matter(rng) -> None:
    real, generated = rng.normal(size=(53, 5)), rng.normal(size=(31, 5)) * 1.5
    assert score(rng.permutation(real), rng.permutation(generated)) == score(real, generated)


def test_results_have_settings_and_counts(rng) -> None:
    result = precision_recall(rng.normal(size=(7, 2)), rng.normal(size=(6, 2)), rng)
    assert [type(result[key]) for key in ("precision", "recall")] == [float, float]
    assert {key: value for key, value in result.items() if isinstance(value, int)} == {
        "precision_recall/k": 3,
        "precision_recall/samples_real": 7,
        "precision_recall/samples_generated": 6,
        "precision_recall/features": 2,
    }


@pytest.mark.parametrize(("counts", "side"), [((3, 9), "real"), ((9, 3), "generated")])
def test_too_few_rows_for_a_neighbour_are_refused(counts, side: str) -> None:
    with pytest.raises(ValueError, match=f"expected more than 3 rows. Received: 3 in `{side}`. Use more samples."):
        score(np.zeros((counts[0], 2)), np.zeros((counts[1], 2)))
    with pytest.raises(ValueError, match="`k` must be 1 or more. Received: 0."):
        score(np.zeros((5, 2)), np.zeros((5, 2)), k=0)


def test_the_listed_metrics_return_flat_results(rng) -> None:
    real, generated = rng.normal(size=(40, 5)), rng.normal(size=(30, 5))
    for name, metric in FEATURE_METRICS.items():
        result = metric(real, generated, np.random.default_rng(0))
        assert result[f"{name}/samples_real"] == 40
        assert result[f"{name}/samples_generated"] == 30
        assert all(type(value) in (float, int) for value in result.values())
        assert result == metric(real, generated, np.random.default_rng(0))
        with pytest.raises(ValueError, match="must be finite"):
            metric(real, np.full((30, 5), np.nan), rng)
