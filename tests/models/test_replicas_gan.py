"""InfoGAN-CR on two replicas: as on one device, but for batch norm, which sees its replica's images."""

import pytest

from tests.support.two_devices import found_by


@pytest.fixture(scope="module")
def found() -> dict:
    return found_by("compare_replicas_gan.py")


@pytest.mark.slow
def test_where_the_moments_are_alike_so_is_everything(found):
    """Gradient descent on halves that are the same: logs, weights, averages, and H, which began anew."""
    one, two = found["logs"]
    assert len(one) == 10 and two == pytest.approx(one, rel=1e-4, abs=1e-5)
    assert found["events"] == [1, 1]
    assert found["moved"] > 0.01 and found["weights"] < 1e-4


@pytest.mark.slow
def test_replicas_draw_their_rows_of_one_draw(found):
    assert found["draws"] == 0


@pytest.mark.slow
def test_replicas_stay_together(found):
    """Bit by bit after three steps and an event, averages and spectral norm too: so a checkpoint is the whole state."""
    assert found["adam"] == 0
