"""Two replicas train VAEs as one device does on the same global batch, terms of the whole batch included."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("compare_vae_replicas.py")


@pytest.fixture(scope="module")
def found(repository) -> dict:
    """What compare_vae_replicas.py found, in a process with two logical CPU devices."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM)],
        cwd=repository,
        env={**os.environ, "PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        timeout=800,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ["beta_vae", "annealed", "beta_tcvae", "factor_vae"])
def test_two_replicas_are_one(found, name):
    """Logs and weights after three steps of gradient descent, whose length shows each term's gradient."""
    one, two = found[name]["logs"]
    assert two == pytest.approx(one, rel=1e-4, abs=1e-5)
    assert {"encoder", "decoder"} <= set(found[name]["apart"])
    for network, apart in found[name]["apart"].items():
        assert found[name]["moved"][network] > 1e-3 and apart < 1e-5, network
