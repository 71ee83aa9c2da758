"""Two replicas train VAEs like one device on the same global batch, including terms of the whole batch."""

import pytest

from tests.support.two_devices import results_of


@pytest.fixture(scope="module")
def found() -> dict:
    return results_of("compare_vae_replicas.py")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["beta_vae", "annealed", "beta_tcvae", "factor_vae"])
def test_two_replicas_equal_one(found, name):
    """Compares logs and weights after three steps of gradient descent, whose length shows each term's gradient."""
    one, two = found[name]["logs"]
    assert two == pytest.approx(one, rel=1e-4, abs=1e-5)
    assert {"encoder", "decoder"} <= set(found[name]["apart"])
    for network, apart in found[name]["apart"].items():
        assert found[name]["moved"][network] > 1e-3 and apart < 1e-5, network
