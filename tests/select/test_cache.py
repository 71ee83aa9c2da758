"""Cache of a selection: what is found again, and what is computed anew."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ssgan_tf.select import workers
from ssgan_tf.select.cache import PairCache, digest_images, require
from ssgan_tf.select.pairs import Pair, Settings
from tests.support.toy_models import GOOD, MIXED, SETTINGS, ToyMember, compute_matrix


def test_what_was_encoded_once_is_not_encoded_again(tmp_path):
    cache = PairCache(str(tmp_path), SETTINGS)
    models = workers.ModelCache()
    for task in workers.missing_pairs(GOOD, cache):
        task.run(models, lambda encodings: None)
    batches = -(-SETTINGS.images // 256)
    assert [model.calls for model in models.models.values()] == [{"generate": batches, "encode": 3 * batches}] * 3
    assert workers.missing_pairs(GOOD, cache) == []
    grown = workers.missing_pairs([*GOOD, MIXED], cache)
    assert [(task.generator.name, [e.name for e in task.encoders]) for task in grown] == [
        ("a", ["mixed"]),
        ("b", ["mixed"]),
        ("c", ["mixed"]),
        ("mixed", ["a", "b", "c", "mixed"]),
    ]
    for other in ({"groups": 61}, {"size": 21}, {"seed": 1}, {"deviation_images": 5}):
        assert len(workers.missing_pairs(GOOD, PairCache(str(tmp_path), dataclasses.replace(SETTINGS, **other)))) == 3
    changed = [dataclasses.replace(GOOD[0], name="other weights"), *GOOD[1:]]
    assert sum(len(task.encoders) for task in workers.missing_pairs(changed, cache)) == 5


def test_a_damaged_file_is_computed_again(tmp_path):
    first, cache = compute_matrix(GOOD[:2], tmp_path), PairCache(str(tmp_path), SETTINGS)
    wrong = ("{", "{}", "3", '{"votes": 3, "live": 1, "constant": false}', '{"votes": [[1, 2], [3]], "live": 1}')
    for text in (*wrong, '{"votes": [["1"]], "live": 1, "constant": false}', "[" * 100_000):
        Path(cache.pair_path(GOOD[0], GOOD[1])).write_text(text)
        (task,) = workers.missing_pairs(GOOD[:2], cache)
        assert (task.generator, task.encoders) == (GOOD[0], (GOOD[1],))
        assert np.array_equal(compute_matrix(GOOD[:2], tmp_path), first)


def test_damaged_codes_are_computed_again(tmp_path):
    cache, codes = PairCache(str(tmp_path), SETTINGS), np.ones((2, 4), np.float32)
    cache.save_codes(GOOD[0], "digest", codes)
    assert np.array_equal(require(cache.load_codes(GOOD[0], "digest", 2)), codes)
    for other in (np.ones((3, 4)), np.ones((2, 3)), np.full((2, 4), np.nan), np.ones((2, 4), int)):
        cache.save_codes(GOOD[0], "digest", other)
        assert cache.load_codes(GOOD[0], "digest", 2) is None
    Path(cache.codes_path(GOOD[0], "digest")).write_bytes(b"")
    assert cache.load_codes(GOOD[0], "digest", 2) is None


def test_file_names_and_digests_are_those_of_earlier_selections(tmp_path):
    cache = PairCache(str(tmp_path), Settings(groups=6, size=4))
    generator, encoder = ToyMember("21668d466d2f"), ToyMember("6f7f36fcdfcf")
    assert cache.pair_path(generator, encoder) == f"{tmp_path}/pairs/21668d466d2f/6f7f36fcdfcf-1c9d764b946f.json"
    assert cache.codes_path(encoder, "957ce818ca30") == f"{tmp_path}/codes/6f7f36fcdfcf-957ce818ca30.npy"
    assert digest_images(np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3)) == "3bd03ada8cb5"
    earlier = '{"votes": [[5, 0], [1, 4]], "live": 2, "constant": false, "score": 0.9}'
    Path(cache.pair_path(generator, encoder)).parent.mkdir(parents=True)
    Path(cache.pair_path(generator, encoder)).write_text(earlier)
    assert cache.load_pair(generator, encoder) == Pair(((5, 0), (1, 4)), 2, False)


def test_results_that_disappear_are_an_error():
    with pytest.raises(OSError, match="^out: cached results disappeared"):
        require(None)
