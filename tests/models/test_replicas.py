"""Two replicas train like one device on the same global batch, with or without XLA, and skip steps together."""

import functools
from collections.abc import Callable

import numpy as np
import pytest

from tests.support.two_devices import results_of


@pytest.fixture(scope="module")
def found() -> Callable[[str], dict]:
    """Returns the results of tests/support/compare_replicas.py; it runs once for each argument."""
    return functools.cache(lambda kind: results_of("compare_replicas.py", kind))


def test_every_logged_term_is_the_same(found):
    one, two = found("float32")["replicas"]["logs"]
    assert len(one) == 10  # eight terms and two norms
    assert two == pytest.approx(one, rel=1e-5, abs=1e-5)


def test_every_weight_is_the_same_after_two_steps(found):
    """By gradient descent, so that a sum instead of a mean over replicas would double the step."""
    result = found("float32")["replicas"]
    assert result["steps"] == [2, 2]
    assert result["moved"] > 0.01
    assert set(result["weights"]) == {"generator", "discriminator", "ema_generator"}
    for network, difference in result["weights"].items():
        assert difference < 1e-5, network


@pytest.mark.slow
def test_the_gradient_of_every_term_is_the_same(found):
    """Compares the sum over replicas for all weights that the term trains; labelled images are divided too."""
    terms = found("terms")
    assert len(terms) == 8
    for name, (difference, largest) in terms.items():
        assert largest > 1e-3 and difference < 1e-5 * max(1.0, largest), name


def test_replicas_sample_their_own_rows_of_the_global_batch_and_have_different_seeds(found):
    result = found("float32")
    assert result["rows"] == [[0, 1], [2, 3]]
    assert result["seeds"][0] != result["seeds"][1]


def test_labelled_images_have_the_same_partners_and_weights(found):
    for one, two in zip(*found("float32")["mixed"], strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-6)
        assert len(one) == 4


@pytest.mark.slow
def test_xla_on_two_replicas_gives_the_same_weights(found):
    result = found("xla")
    plain, compiled = result["logs"]
    assert compiled == pytest.approx(plain, rel=1e-4, abs=1e-5)
    assert result["steps"] == [2, 2]
    assert result["moved"] > 0.01
    assert max(result["weights"].values()) < 1e-4


@pytest.mark.slow
def test_replicas_skip_a_step_together(found):
    """One of two replicas has a NaN gradient; it is D/E's, since the NaN is in a real image."""
    result = found("float16")
    assert result["steps"] == 12
    good, bad, again = result["after"]
    for state in (good, bad, again):
        assert set(state["apart"].values()) == {0}
    assert good["moved"]["discriminator"] > 0 and good["moved"]["generator"] > 0
    assert bad["moved"]["discriminator"] == 0 and bad["moved"]["generator"] > 0
    assert bad["scales"]["discriminator"] == good["scales"]["discriminator"] / 2
    assert bad["scales"]["generator"] == good["scales"]["generator"]
    assert again["moved"]["discriminator"] > 0 and again["moved"]["generator"] > 0
    assert again["scales"] == bad["scales"]


def test_fresh_optimizers_are_fresh_on_every_replica(found):
    count, largest = found("float16")["moments"]
    assert count > 100 and largest == 0
