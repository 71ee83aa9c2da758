"""Priors: samples, unit codes, and the inverse."""

import numpy as np
import pytest
import tensorflow as tf

from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.core.priors import GridPrior, NormalPrior, UniformPrior, latent_spec

SPEC = CodeSpec((FactorSpec("a", 3), FactorSpec("b", 5), FactorSpec("c", 2)))


@pytest.mark.parametrize("prior", [GridPrior(SPEC), UniformPrior(3), NormalPrior(3)])
def test_a_prior_maps_its_codes_to_the_unit_interval(prior):
    codes = prior.sample(2000, tf.constant([1, 2]))
    assert codes.shape == (2000, 3) and prior.spec.size == 3
    np.testing.assert_array_equal(codes, prior.sample(2000, tf.constant([1, 2])))
    assert np.any(codes != prior.sample(2000, tf.constant([1, 3])))
    unit = prior.to_unit(codes).numpy()
    assert unit.min() >= 0 and unit.max() <= 1
    np.testing.assert_allclose(unit.mean(axis=0), 0.5, atol=0.03)
    inside = np.abs(codes) < 3  # a normal code beyond 3.09 is clipped
    np.testing.assert_allclose(prior.from_unit(unit)[inside], codes[inside], atol=1e-4)


@pytest.mark.parametrize("prior", [UniformPrior(2), NormalPrior(2)])
def test_unit_codes_of_latents_are_uniform(prior):
    unit = prior.to_unit(prior.sample(10_000, tf.constant([0, 0]))).numpy()
    counts = np.histogram(unit, 10, (0, 1))[0]
    assert counts.min() > 1800 and counts.max() < 2200
    assert prior.spec.names == ("latent_0", "latent_1")


def test_a_latent_spec_has_no_names_of_factors():
    spec = CodeSpec((FactorSpec("hue", 3), FactorSpec("size", 4, range=(0.0, 9.0)), FactorSpec("it", 2, ("a", "b"))))
    assert latent_spec(spec) == CodeSpec(tuple(FactorSpec(f"latent_{i}", n) for i, n in enumerate((3, 4, 2))))
    seed = tf.constant([1, 2])
    np.testing.assert_array_equal(GridPrior(latent_spec(spec)).sample(9, seed), GridPrior(spec).sample(9, seed))


def test_the_ends_of_a_normal_prior_are_finite():
    np.testing.assert_allclose(NormalPrior(2).from_unit(tf.constant([[0.0, 1.0]])), [[-3.0902, 3.0902]], atol=1e-3)
    with pytest.raises(ValueError, match="^latents: expected 1 or more. Received: 0"):
        NormalPrior(0).spec  # noqa: B018
