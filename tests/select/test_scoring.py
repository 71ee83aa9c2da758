"""Scores of a pool of toys: which models agree, and broken ones."""

import numpy as np

from ssgan_tf.select import model_centrality, report, scoring
from ssgan_tf.select.cache import PairCache
from tests.support.toy_models import GOOD, MIXED, SETTINGS, ToyMember, compute_matrix


def test_models_that_see_the_same_codes_agree_in_any_order_and_a_mixed_one_is_last(tmp_path):
    a = compute_matrix([MIXED, *GOOD], tmp_path)
    assert np.array_equal(a[1:, 1:], np.ones((3, 3)))
    assert a[0, 0] == 1.0  # it reads its own mixtures, which does not count
    assert a[0, 1:].max() < 0.8 and a[1:, 0].max() < 0.8
    s = model_centrality.centrality(a)
    assert report.order(s) == [1, 2, 3, 0] and s[0] < 0.7 and s[1:].min() > 0.75


def test_constant_generators_and_inactive_encoders_score_zero_and_are_named(tmp_path):
    still, inactive = ToyMember("still", broken="constant"), ToyMember("inactive", broken="inactive")
    members = [still, *GOOD, inactive]
    a = compute_matrix(members, tmp_path)
    assert np.isfinite(a).all()
    assert not a[:, 0].any() and not a[4].any()
    assert (a[1:4, 1:] == 1).all() and (a[0, 1:] == 1).all()
    notes = scoring.load_matrix(members, PairCache(str(tmp_path), SETTINGS))[1]
    assert notes[0] == ("its images are all identical, so every score on them is 0",)
    assert notes[1:4] == [()] * 3
    assert notes[4] == ("all its codes are inactive on images of 4 of 4 models, so these scores are 0",)
    assert np.isfinite(model_centrality.centrality(a)).all()
