"""Two replicas train as one device does on the same global batch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("compare_replicas.py")


@pytest.fixture(scope="module")
def result(repository) -> dict:
    """What tests/models/compare_replicas.py found, in a process with two logical CPU devices."""
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


def test_every_term_is_logged_alike(result):
    one, two = result["logs"]
    assert len(one) == 8
    assert two == pytest.approx(one, rel=1e-5, abs=1e-5)


def test_every_weight_is_alike_after_two_steps(result):
    """Gradient descent, so a sum in place of a mean over replicas would double the step."""
    assert result["steps"] == [2, 2]
    assert result["moved"] > 0.01
    assert set(result["weights"]) == {"generator", "discriminator", "ema_generator"}
    for network, difference in result["weights"].items():
        assert difference < 1e-5, network


def test_replicas_draw_their_own_rows_of_one_draw_and_have_seeds_of_their_own(result):
    assert result["rows"] == [[0, 1], [2, 3]]
    assert result["seeds"][0] != result["seeds"][1]
