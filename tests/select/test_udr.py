"""UDR of codes that are the same up to order, sign and scale, of mixed codes, and by a slow implementation."""

import numpy as np
import pytest
import scipy.stats
from sklearn.linear_model import Lasso

from ssgan_tf.select import udr
from tests.support import toy_models


def normal_codes(count: int = 1000, size: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)


def all_active(codes) -> list[np.ndarray]:
    return [np.ones(c.shape[1], bool) for c in codes]


def slow_udr(codes, active, name: str) -> list[float]:
    """Computes UDR as the reference does: inactive codes set to zero, their rows and columns dropped after the fit."""
    scaled = []
    for c, mask in zip(codes, active, strict=True):
        c = c.astype(np.float64)
        scaled.append(np.where(mask, (c - c.mean(0)) / np.where(c.std(0) > 0, c.std(0), 1), 0.0))
    count = len(codes)
    scores = np.zeros((count, count))
    for i in range(count):
        for j in range(count):
            if i == j:
                continue
            relation = np.zeros((scaled[i].shape[1], scaled[j].shape[1]))
            for b in range(relation.shape[1]):
                if name == "udr_lasso":
                    relation[:, b] = np.abs(Lasso(alpha=0.1).fit(scaled[i], scaled[j][:, b]).coef_)
                    continue
                for a in range(relation.shape[0]):
                    if active[i][a] and active[j][b]:
                        relation[a, b] = abs(scipy.stats.spearmanr(scaled[i][:, a], scaled[j][:, b]).statistic)
            relation = relation[active[i]][:, active[j]]
            with np.errstate(all="ignore"):
                columns = np.max(relation, axis=0, initial=0) ** 2 / np.sum(relation, axis=0)
                rows = np.max(relation, axis=1, initial=0) ** 2 / np.sum(relation, axis=1)
            if relation.size:
                scores[i, j] = 0.5 * (np.mean(np.nan_to_num(columns)) + np.mean(np.nan_to_num(rows)))
    return [float(np.median([scores[j, i] for j in range(count) if j != i])) for i in range(count)]


@pytest.mark.parametrize("name", udr.RELATIONS)
def test_the_score_is_that_of_the_slow_implementation(name):
    z = normal_codes()
    rng = np.random.default_rng(1)
    codes = [(z @ (np.eye(5) + 0.4 * rng.normal(size=(5, 5)))).astype(np.float32) for _ in range(3)]
    codes += [np.tanh(z[:, [4, 0]]), np.concatenate([z[:, :3], 1e-3 * z[:, 3:], np.ones((1000, 2))], axis=1)]
    active = [udr.active_codes(c, np.ones(c.shape[1])) for c in codes]
    assert [mask.sum() for mask in active] == [5, 5, 5, 2, 3]
    scores = udr.udr(codes, active, udr.RELATIONS[name])
    assert scores == pytest.approx(slow_udr(codes, active, name), abs=1e-9)
    assert 0.05 < scores.min() and scores.max() < 0.95


@pytest.mark.parametrize("name", udr.RELATIONS)
def test_codes_that_differ_in_order_sign_and_scale_agree_and_mixed_ones_do_not(name):
    z = normal_codes()
    same = [z, z[:, [2, 0, 4, 1, 3]], -z, z * [1, -2, 3, -4, 5]]
    codes = [*same, z @ toy_models.rotation(5, 3)]
    scores = udr.udr(codes, all_active(codes), udr.RELATIONS[name])
    # The Lasso shrinks a coefficient of 1 by its penalty, 0.1. Rank correlations of 1,000 independent codes are 0.03.
    expected = 0.9 if name == "udr_lasso" else 1 / (1 + 4 * 0.025)
    assert scores[:4] == pytest.approx([expected] * 4, abs=0.03)
    assert scores[4] < 0.6


def test_the_agreement_of_exact_pairings_is_1_and_of_others_as_by_hand():
    assert udr.agreement(np.eye(4)[[2, 0, 3, 1]]) == 1.0
    assert udr.agreement(np.full((4, 4), 0.5)) == pytest.approx(0.125)
    assert udr.agreement(np.array([[1.0, 1.0, 0.0]])) == pytest.approx(0.5 * (2 / 3 + 1 / 2))
    assert udr.agreement(np.zeros((3, 2))) == 0.0
    assert udr.agreement(np.zeros((0, 2))) == 0.0


def test_a_model_without_an_active_code_scores_zero_and_no_score_is_nan():
    z = normal_codes(200)
    codes = [z, z, np.ones_like(z)]
    active = [udr.active_codes(c, np.ones(5)) for c in codes]
    for relation in udr.RELATIONS.values():
        scores = udr.udr(codes, active, relation)
        assert np.isfinite(scores).all() and scores[2] == 0.0 and scores[0] == scores[1] > 0.3


def test_codes_with_less_than_a_hundredth_of_a_nat_are_masked():
    shares = np.array([0.5, 1.05, 0.95, 2.0]) * udr.MIN_SHARE
    z = normal_codes(5000, 4)
    codes = (z - z.mean(0)) / z.std(0) * np.sqrt(shares) + 7.0
    assert udr.active_codes(codes, np.ones(4)).tolist() == [False, True, False, True]
    assert udr.active_codes(codes / 3.0, np.full(4, 1 / 9)).tolist() == [False, True, False, True]
    nats = -0.5 * np.log(1 - shares)
    assert (nats > udr.MIN_NATS).tolist() == [False, True, False, True]


def test_one_model_alone_has_no_score():
    with pytest.raises(ValueError, match="two models or more"):
        udr.udr([normal_codes()], all_active([normal_codes()]), udr.lasso)


def test_a_rotation_keeps_lengths():
    turn = toy_models.rotation(5, 0)
    assert turn @ turn.T == pytest.approx(np.eye(5))
