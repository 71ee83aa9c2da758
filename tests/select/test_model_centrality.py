"""ModelCentrality: votes, A, B and centrality by hand, and by a slow implementation of the protocol."""

import numpy as np
import pytest

from ssgan_tf.select import model_centrality
from tests.support.slow_votes import slow_score, slow_votes


def entangled(seed: int, factors: int = 4, width: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Returns a mixing encoder's codes of groups [40,30,width], and of images with nothing fixed [500,width]."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(factors, width)) + 0.5 * np.eye(factors, width)
    values = rng.uniform(-1, 1, (40, 30, factors))
    for m in range(40):
        values[m, :, m % factors] = rng.uniform(-1, 1)
    scale = rng.uniform(0.01, 100, width)
    return (values @ mix * scale).astype(np.float32), (rng.uniform(-1, 1, (500, factors)) @ mix * scale).astype("f4")


@pytest.mark.parametrize("width", [2, 3, 6])
@pytest.mark.parametrize("seed", range(3))
def test_votes_and_score_are_those_of_the_slow_implementation(seed, width):
    groups, over_all = entangled(seed, width=width)
    votes = model_centrality.vote(groups, over_all, 4)
    expected = slow_votes(groups.tolist(), over_all.tolist(), 4)
    assert votes.tolist() == expected
    assert model_centrality.majority_share(votes) == pytest.approx(slow_score(expected), abs=1e-12)
    assert 1 / 4 < model_centrality.majority_share(votes) <= min(1, width / 4)


def test_order_sign_and_scale_of_codes_do_not_matter():
    groups, over_all = entangled(5)
    order, scale = np.array([3, 0, 5, 1, 4, 2]), np.array([-1, 2, -4, 8, 0.5, 1], np.float32)
    changed = model_centrality.vote(groups[..., order] * scale, over_all[:, order] * scale, 4)
    assert np.array_equal(changed, model_centrality.vote(groups, over_all, 4)[:, order])


def test_the_majority_may_give_two_codes_to_one_factor_and_none_to_another():
    assert model_centrality.majority_share(np.array([[5, 3, 0], [0, 1, 1]])) == pytest.approx(0.9)
    assert model_centrality.majority_share(np.array([[2, 0], [2, 0]])) == 0.5


def test_inactive_codes_get_no_votes():
    groups, over_all = entangled(6)
    inactive = np.float32([0.0, 0.3, -1e6])
    noise = 1e-8 * np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
    more = np.concatenate([groups[..., :2], np.broadcast_to(inactive, (40, 30, 3)), groups[..., 2:]], axis=2)
    all_over = np.concatenate([over_all[:, :2], inactive + noise, over_all[:, 2:]], axis=1)
    active = np.array([True] * 2 + [False] * 3 + [True] * 4)
    assert np.array_equal(model_centrality.active_codes(all_over), active)
    votes = model_centrality.vote(more, all_over, 4)
    assert np.array_equal(votes[:, active], model_centrality.vote(groups, over_all, 4)) and not votes[:, ~active].any()


def test_without_an_active_code_there_are_no_votes_and_the_score_is_zero():
    votes = model_centrality.vote(np.ones((40, 30, 2)), np.ones((500, 2)), 4)
    assert votes.shape == (4, 2) and not votes.any()
    assert model_centrality.majority_share(votes) == 0.0


def test_codes_that_vary_little_but_more_than_rounding_are_active():
    codes = 0.5 + 1e-4 * np.random.default_rng(0).normal(size=(100, 1)).astype(np.float32)
    assert model_centrality.active_codes(codes).all()


def test_b_and_centrality_by_hand():
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


def test_equal_scores_are_equal_numbers():
    """Two models always tie, and so do models whose scores are the same numbers in another order."""
    two = model_centrality.centrality(np.array([[0.9, 0.1 + 0.2], [0.7 / 3, 1.0]]))
    assert two[0] == two[1]
    a, b, c = 0.1, 0.2, 0.7
    ring = np.array([[1, a, b, c], [a, 0, c, b], [b, c, 0.3, a], [c, b, a, 0.5]])
    assert len(set(model_centrality.centrality(ring))) == 1
