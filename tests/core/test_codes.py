"""Factors to codes and back, codes on the grid, and errors for bad input."""

import json

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from ssgan_tf.core.codes import UNKNOWN, CodeSpec, FactorSpec

SIZES = {"shape": 3, "hue": 5, "angle": 2, "scale": 8}
ISAAC3D = (3, 8, 5, 4, 4, 4, 6, 4, 4)


def make_spec(sizes: dict[str, int]) -> CodeSpec:
    return CodeSpec(tuple(FactorSpec(name, size) for name, size in sizes.items()))


@pytest.fixture
def spec() -> CodeSpec:
    return make_spec(SIZES)


def sample(spec: CodeSpec, count: int, seed: int) -> np.ndarray:
    return spec.sample(count, tf.constant([seed, 0])).numpy()


def test_names_and_sizes_keep_their_order(spec):
    assert (spec.names, spec.sizes, spec.size) == (("shape", "hue", "angle", "scale"), (3, 5, 2, 8), 4)


def test_code_is_index_over_size_minus_one(spec):
    # 1/2, 3/4, 0/1, 7/7
    codes = spec.encode(np.array([[1, 3, 0, 7], [2, 4, 1, 0]]))
    assert codes.dtype == np.float32
    np.testing.assert_array_equal(codes, np.float32([[0.5, 0.75, 0, 1], [1, 1, 1, 0]]))


def test_decode_undoes_encode_for_every_label():
    wide = make_spec({"few": 2, "many": 1000})
    factors = np.stack([np.arange(1000) % 2, np.arange(1000)], axis=1)
    decoded = wide.decode(wide.encode(factors))
    assert decoded.dtype == np.int64
    np.testing.assert_array_equal(decoded, factors)


def test_decode_takes_the_nearest_label_in_range(spec):
    # * 2 = 0.98 -> 1; * 4 = 1.48 -> 1; * 1 = 0.51 -> 1; * 7 = 3.57 -> 4; then far outside on both sides.
    codes = np.array([[0.49, 0.37, 0.51, 0.51], [-3.0, 9.0, -0.6, 1.4]])
    np.testing.assert_array_equal(spec.decode(codes), [[1, 1, 1, 4], [0, 4, 0, 7]])


def test_unknown_label_has_code_zero_and_mask_zero(spec):
    factors = np.array([[UNKNOWN, 2, 1, UNKNOWN], [2, UNKNOWN, UNKNOWN, 0]])
    np.testing.assert_array_equal(spec.encode(factors), [[0, 0.5, 1, 0], [1, 0, 0, 0]])
    mask = spec.mask(factors)
    assert mask.dtype == np.float32
    np.testing.assert_array_equal(mask, [[0, 1, 1, 0], [1, 0, 0, 1]])


def test_zero_rows_are_valid(spec):
    assert spec.encode(np.zeros([0, 4], int)).shape == (0, 4)


def test_sampled_codes_are_exactly_encoded_labels(spec):
    codes = sample(spec, 2000, seed=1)
    assert codes.shape == (2000, 4) and codes.dtype == np.float32
    np.testing.assert_array_equal(codes, spec.encode(spec.decode(codes)))


def test_each_sampled_factor_is_uniform(spec):
    labels = spec.decode(sample(spec, 20_000, seed=2))
    for k, size in enumerate(spec.sizes):
        counts = np.bincount(labels[:, k], minlength=size)
        assert scipy.stats.chisquare(counts).pvalue > 0.01, f"{spec.names[k]}: {counts}"


def test_sampled_factors_are_independent_of_each_other(spec):
    labels = spec.decode(sample(spec, 20_000, seed=3))
    for a in range(spec.size):
        for b in range(a):
            table = np.zeros([spec.sizes[a], spec.sizes[b]])
            np.add.at(table, (labels[:, a], labels[:, b]), 1)
            assert scipy.stats.chi2_contingency(table).pvalue > 0.002, f"{spec.names[a]} and {spec.names[b]}"


def test_the_seed_alone_decides_the_sample(spec):
    np.testing.assert_array_equal(sample(spec, 50, seed=4), sample(spec, 50, seed=4))
    assert (sample(spec, 50, seed=4) != sample(spec, 50, seed=5)).any()


def test_sample_takes_a_batch_size_known_only_in_the_graph(spec):
    sampled = tf.function(lambda n: spec.sample(n, [4, 0]), input_signature=[tf.TensorSpec([], tf.int32)])
    # In a graph the division becomes a multiplication by the reciprocal: the last bit may differ.
    np.testing.assert_allclose(sampled(50), sample(spec, 50, seed=4), atol=1e-7)


def test_two_samples_have_the_published_chance_distance_on_isaac3d():
    """The distance of 1.525 implies codes index/(m-1) on the grid; k/m would give 1.166, continuous codes 1.373."""
    spec = make_spec({f"factor{k}": size for k, size in enumerate(ISAAC3D)})
    distance = np.linalg.norm(sample(spec, 100_000, seed=6) - sample(spec, 100_000, seed=7), axis=1)
    assert np.mean(distance) == pytest.approx(1.525, abs=0.005)


def test_json_round_trip(spec):
    assert CodeSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec
    assert spec.to_json()[1] == {"name": "hue", "size": 5}


@pytest.mark.parametrize("label", [5, 17, -2])
def test_label_outside_its_factor_is_named(spec, label):
    with pytest.raises(ValueError, match=rf"'hue' has labels 0\.\.4 .*Received: {label} in row 1"):
        spec.encode(np.array([[0, 0, 0, 0], [0, label, 0, 0]]))


@pytest.mark.parametrize("shape", [(2, 3), (2, 5), (4,)])
def test_a_wrong_width_is_an_error(spec, shape):
    with pytest.raises(ValueError, match=r"\[N, 4\]. Received: \(" + str(shape[0])):
        spec.encode(np.zeros(shape, int))


@pytest.mark.parametrize(
    "entries",
    [
        {},
        "factors",
        [3],
        [["hue", 5]],
        [{"size": 5}],
        [{"name": "hue"}],
        [{"name": ["hue"], "size": 5}],
        [{"name": "hue", "size": "5"}],
        [{"name": "hue", "size": True}],
        [{"name": "hue", "size": 5.0}],
        [{"name": "hue", "size": 10**400}],
        [{"name": "hue", "size": 2, "values": "ab"}],
        [{"name": "hue", "size": 2, "values": [["a"], "b"]}],
        [{"name": "hue", "size": 2, "range": [0]}],
        [{"name": "hue", "size": 2, "range": [0, "1"]}],
        [{"name": "hue", "size": 2, "range": [0, float("inf")]}],
        [{"name": "hue", "size": 2, "range": None}],
    ],
)
def test_json_of_another_kind_is_refused(entries):
    with pytest.raises(ValueError, match="[Ff]actor"):
        CodeSpec.from_json(entries)


@pytest.mark.parametrize("size", [1, 0, -4])
def test_factor_of_fewer_than_two_values_is_refused(size):
    with pytest.raises(ValueError, match=f"'hue'.*Received: size={size}"):
        FactorSpec("hue", size)


def test_factor_without_a_name_is_refused():
    with pytest.raises(ValueError, match="non-empty"):
        FactorSpec("", 3)


def test_two_factors_of_one_name_are_refused():
    with pytest.raises(ValueError, match=r"more than once: \['hue'\]"):
        CodeSpec((FactorSpec("hue", 3), FactorSpec("scale", 3), FactorSpec("hue", 4)))


def test_no_factor_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        CodeSpec(())
