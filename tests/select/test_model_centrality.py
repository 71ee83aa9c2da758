"""ModelCentrality's mathematics: votes, A, B and s by hand, and by a slow twin of the protocol."""

import math

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.core.priors import GridPrior, NormalPrior, UniformPrior
from ssgan_tf.select import model_centrality
from ssgan_tf.select.groups import Settings, draw
from tests.support import toy_models


def slow_votes(groups, over_all, factors: int) -> list[list[int]]:
    """The protocol in plain Python: spec 2.1 and 4.8."""

    def deviation(values):
        mean = math.fsum(values) / len(values)
        return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / len(values))

    width = len(over_all[0])
    whole = [deviation([float(row[k]) for row in over_all]) for k in range(width)]
    votes = [[0] * width for _ in range(factors)]
    for m, group in enumerate(groups):
        relative = [deviation([float(row[k]) / whole[k] for row in group]) for k in range(width)]
        votes[m % factors][relative.index(min(relative))] += 1
    return votes


def slow_score(votes) -> float:
    """Each code stands for the factor that it was voted for most."""
    right = sum(max(row[k] for row in votes) for k in range(len(votes[0])))
    return right / sum(map(sum, votes))


def entangled(seed: int, factors: int = 4, width: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Codes of groups [40,30,width], and of images with nothing held [500,width], of a mixed encoder."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(factors, width)) + 0.5 * np.eye(factors, width)
    causes = rng.uniform(-1, 1, (40, 30, factors))
    for m in range(40):
        causes[m, :, m % factors] = rng.uniform(-1, 1)
    scale = rng.uniform(0.01, 100, width)
    return (causes @ mix * scale).astype(np.float32), (rng.uniform(-1, 1, (500, factors)) @ mix * scale).astype("f4")


@pytest.mark.parametrize("width", [2, 3, 6])
@pytest.mark.parametrize("seed", range(3))
def test_votes_and_score_are_those_of_the_slow_twin(seed, width):
    groups, over_all = entangled(seed, width=width)
    votes = model_centrality.vote(groups, over_all, 4)
    expected = slow_votes(groups.tolist(), over_all.tolist(), 4)
    assert votes.tolist() == expected
    assert model_centrality.score(votes) == pytest.approx(slow_score(expected), abs=1e-12)
    assert 1 / 4 < model_centrality.score(votes) <= min(1, width / 4)


def test_order_sign_and_scale_of_codes_do_not_matter():
    groups, over_all = entangled(5)
    order, scale = np.array([3, 0, 5, 1, 4, 2]), np.array([-1, 2, -4, 8, 0.5, 1], np.float32)
    changed = model_centrality.vote(groups[..., order] * scale, over_all[:, order] * scale, 4)
    assert np.array_equal(changed, model_centrality.vote(groups, over_all, 4)[:, order])


def test_the_majority_may_give_two_codes_to_one_factor_and_none_to_another():
    assert model_centrality.score(np.array([[5, 3, 0], [0, 1, 1]])) == pytest.approx(0.9)
    assert model_centrality.score(np.array([[2, 0], [2, 0]])) == 0.5


def test_dead_codes_are_never_voted_for():
    groups, over_all = entangled(6)
    dead = np.float32([0.0, 0.3, -1e6])
    noise = 1e-8 * np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
    more = np.concatenate([groups[..., :2], np.broadcast_to(dead, (40, 30, 3)), groups[..., 2:]], axis=2)
    all_over = np.concatenate([over_all[:, :2], dead + noise, over_all[:, 2:]], axis=1)
    live = np.array([True] * 2 + [False] * 3 + [True] * 4)
    assert np.array_equal(model_centrality.live_codes(all_over), live)
    votes = model_centrality.vote(more, all_over, 4)
    assert np.array_equal(votes[:, live], model_centrality.vote(groups, over_all, 4)) and not votes[:, ~live].any()


def test_without_a_live_code_nobody_votes_and_the_score_is_zero():
    votes = model_centrality.vote(np.ones((40, 30, 2)), np.ones((500, 2)), 4)
    assert votes.shape == (4, 2) and not votes.any()
    assert model_centrality.score(votes) == 0.0


def test_codes_that_vary_little_but_for_real_are_alive():
    codes = 0.5 + 1e-4 * np.random.default_rng(0).normal(size=(100, 1)).astype(np.float32)
    assert model_centrality.live_codes(codes).all()


def test_b_and_s_by_hand():
    a = np.array([[1.0, 0.8, 0.2], [0.6, 0.0, 0.4], [0.4, 0.2, 0.5]])
    assert model_centrality.symmetric(a) == pytest.approx(np.array([[1.0, 0.7, 0.3], [0.7, 0.0, 0.3], [0.3, 0.3, 0.5]]))
    assert model_centrality.centrality(a) == pytest.approx([0.5, 0.5, 0.3])
    other = a.copy()
    np.fill_diagonal(other, 0.123)
    assert model_centrality.centrality(other) == pytest.approx(model_centrality.centrality(a))


def test_no_ranking_of_one_model_or_of_nan():
    with pytest.raises(ValueError, match="two models or more"):
        model_centrality.centrality(np.ones((1, 1)))
    with pytest.raises(ValueError, match="finite"):
        model_centrality.centrality(np.array([[1.0, np.nan], [1.0, 1.0]]))


GRID = GridPrior(CodeSpec((FactorSpec("hue", 3), FactorSpec("shape", 2), FactorSpec("angle", 5))))


@pytest.mark.parametrize("prior", [UniformPrior(3), NormalPrior(3), GRID])
def test_groups_hold_one_code_at_a_value_of_the_prior_and_draw_all_else(prior):
    settings = Settings(groups=60, size=40, deviation_images=500, seed=3)
    noise, codes = draw(prior, 6, settings)
    assert noise.shape == (settings.images, 6) and codes.shape == (settings.images, 3) and settings.images == 2900
    assert abs(noise.numpy().std() - 1) < 0.05 and len(np.unique(noise.numpy()[:, 0])) == 2900
    grouped = codes.numpy()[:2400].reshape(60, 40, 3)
    for m, group in enumerate(grouped):
        assert [len(np.unique(group[:, k])) == 1 for k in range(3)] == [k == m % 3 for k in range(3)]
    held = np.array([grouped[m, 0, 0] for m in range(0, 60, 3)])
    free = codes.numpy()[2400:]
    if prior is GRID:
        assert set(held) == set(free[:, 0]) == {0.0, 0.5, 1.0}
    else:
        assert len(np.unique(held)) == 20 and abs(held.mean()) < 0.6 and 0.3 < held.std() < 1.5
    assert free.std(axis=0) == pytest.approx(prior.sample(10_000, tf.constant([5, 5])).numpy().std(axis=0), rel=0.12)


def test_groups_are_those_of_their_seed():
    first, again, other = (draw(UniformPrior(2), 2, Settings(4, 5, seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0]) and not np.array_equal(first[1], other[1])


BAD = [
    ({"groups": 0}, "groups: expected 1"),
    ({"size": 1}, "size: expected 2"),
    ({"seed": -1}, "seed: expected 0"),
    ({"deviation_images": 1}, "deviation_images: expected 0 for none, or 2"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_settings_out_of_range_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        Settings(**changes)


def test_a_rotation_keeps_lengths():
    turn = toy_models.rotation(5, 0)
    assert turn @ turn.T == pytest.approx(np.eye(5))


def test_equal_scores_are_equal_numbers():
    """Two models always tie; and so do more whose scores are the same numbers in another order."""
    two = model_centrality.centrality(np.array([[0.9, 0.1 + 0.2], [0.7 / 3, 1.0]]))
    assert two[0] == two[1]
    a, b, c = 0.1, 0.2, 0.7
    ring = np.array([[1, a, b, c], [a, 0, c, b], [b, c, 0.3, a], [c, b, a, 0.5]])
    assert len(set(model_centrality.centrality(ring))) == 1
