"""Two replicas train VAEs as one device does on the same global batch, terms of the whole batch included."""

import pytest

from tests.support.two_devices import found_by


@pytest.fixture(scope="module")
def found() -> dict:
    return found_by("compare_vae_replicas.py")


@pytest.mark.parametrize("name", ["beta_vae", "annealed", "beta_tcvae", "factor_vae"])
def test_two_replicas_are_one(found, name):
    """Logs and weights after three steps of gradient descent, whose length shows each term's gradient."""
    one, two = found[name]["logs"]
    assert two == pytest.approx(one, rel=1e-4, abs=1e-5)
    assert {"encoder", "decoder"} <= set(found[name]["apart"])
    for network, apart in found[name]["apart"].items():
        assert found[name]["moved"][network] > 1e-3 and apart < 1e-5, network
