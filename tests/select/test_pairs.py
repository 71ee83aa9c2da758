"""Pairs of a generator and an encoder: groups that share a code, votes, and models that are broken."""

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.core.priors import GridPrior, NormalPrior, UniformPrior
from ssgan_tf.select import cache, pairs
from ssgan_tf.select.pairs import Settings, sample_groups
from tests.support.slow_votes import slow_score, slow_votes
from tests.support.toy_models import GOOD, SETTINGS, ToyMember, compute_matrix

GRID = GridPrior(CodeSpec((FactorSpec("hue", 3), FactorSpec("shape", 2), FactorSpec("angle", 5))))


@pytest.mark.parametrize("prior", [UniformPrior(3), NormalPrior(3), GRID])
def test_groups_fix_one_code_at_a_value_of_the_prior_and_sample_all_else(prior):
    settings = Settings(groups=60, size=40, deviation_images=500, seed=3)
    noise, codes = sample_groups(prior, 6, settings)
    assert noise.shape == (settings.images, 6) and codes.shape == (settings.images, 3) and settings.images == 2900
    assert abs(noise.numpy().std() - 1) < 0.05 and len(np.unique(noise.numpy()[:, 0])) == 2900
    grouped = codes.numpy()[:2400].reshape(60, 40, 3)
    for m, group in enumerate(grouped):
        assert [len(np.unique(group[:, k])) == 1 for k in range(3)] == [k == m % 3 for k in range(3)]
    fixed = np.array([grouped[m, 0, 0] for m in range(0, 60, 3)])
    free = codes.numpy()[2400:]
    if prior is GRID:
        assert set(fixed) == set(free[:, 0]) == {0.0, 0.5, 1.0}
    else:
        assert len(np.unique(fixed)) == 20 and abs(fixed.mean()) < 0.6 and 0.3 < fixed.std() < 1.5
    assert free.std(axis=0) == pytest.approx(prior.sample(10_000, tf.constant([5, 5])).numpy().std(axis=0), rel=0.12)


def test_groups_depend_on_their_seed():
    first, again, other = (sample_groups(UniformPrior(2), 2, Settings(4, 5, seed=seed)) for seed in (1, 1, 2))
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


@pytest.mark.parametrize("more", [0, 300])
def test_a_pair_equals_the_slow_implementation_on_the_same_images(tmp_path, more):
    settings = Settings(groups=30, size=20, deviation_images=more, seed=4)
    members = [ToyMember("generator", turned=5), ToyMember("encoder", permutation=(2, 2, -1, 3, 4))]
    a = compute_matrix(members, tmp_path, settings)
    generator, encoder = (member.load() for member in members)
    noise, codes = sample_groups(generator.prior, generator.noise_size, settings)
    images = np.round((generator.generate(noise, codes).numpy() + 1) * 127.5)
    encoded = encoder.encode((images / 127.5 - 1).astype(np.float32)).numpy().tolist()
    groups = [encoded[20 * m : 20 * (m + 1)] for m in range(30)]
    votes = slow_votes(groups, encoded[600:] if more else encoded, 4)
    pair = cache.require(cache.PairCache(str(tmp_path), settings).load_pair(*members))
    assert pair.votes == tuple(map(tuple, votes))
    assert a[1, 0] == pytest.approx(slow_score(votes), abs=1e-12) and a[1, 0] < 1


def test_identical_images_score_zero_even_if_an_encoder_jitters():
    still, rng = ToyMember("still", broken="constant"), np.random.default_rng(0)
    (pair,) = pairs.compute_pairs(
        still, still.load(), {"jitters": lambda images: rng.normal(size=(len(images), 4))}, SETTINGS
    ).values()
    assert pair.constant and pair.score == 0.0 and not np.array(pair.votes).any()


@pytest.mark.parametrize(("broken", "message"), [("nan", "bad: .*images must be finite"), ("nan codes", "bad: codes")])
def test_diverged_models_are_named(tmp_path, broken, message):
    with pytest.raises(ValueError, match=message):
        compute_matrix([GOOD[0], ToyMember("bad", broken=broken)], tmp_path)


def test_a_pair_survives_json_under_the_keys_of_earlier_selections():
    pair = pairs.Pair(votes=((5, 0), (1, 4)), active=2, constant=False)
    value = pair.to_json()
    assert value == {"votes": ((5, 0), (1, 4)), "live": 2, "constant": False, "score": 0.9}
    assert pairs.Pair.from_json(value) == pair
