"""InfoGAN-CR on two replicas: as on one device, except for batch norm, which sees its replica's images only."""

import pytest

from tests.support.two_devices import results_of


@pytest.fixture(scope="module")
def found() -> dict:
    return results_of("compare_replicas_gan.py")


@pytest.mark.slow
def test_with_equal_moments_everything_is_equal(found):
    """By gradient descent on two equal halves: logs, weights, averages, and H, which was reinitialised."""
    one, two = found["logs"]
    assert len(one) == 10 and two == pytest.approx(one, rel=1e-4, abs=1e-5)
    assert found["events"] == [1, 1]
    assert found["moved"] > 0.01 and found["weights"] < 1e-4


@pytest.mark.slow
def test_replicas_sample_their_rows_of_the_global_batch(found):
    assert found["samples"] == 0


@pytest.mark.slow
def test_replicas_stay_identical(found):
    """Bit by bit after three steps and an event, averages and spectral norm too, so a checkpoint is complete."""
    assert found["adam"] == 0
