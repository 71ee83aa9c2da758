"""Range checks of option values, and the message for an unknown name."""

from types import SimpleNamespace

import pytest

from ssgan_tf.utils import validation

OPTIONS = SimpleNamespace(zero=0, one=1, low=-0.5, nan=float("nan"))


def test_values_in_range_pass() -> None:
    validation.check_least(OPTIONS, 0, "zero", "one")
    validation.check_positive(OPTIONS, "one")
    validation.check_decays(OPTIONS, "zero")


@pytest.mark.parametrize("name", ["low", "nan"])
def test_values_below_the_range_and_nan_are_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: expected 0 or more. Received: "):
        validation.check_least(OPTIONS, 0, "zero", name)
    with pytest.raises(ValueError, match=f"^{name}: expected a positive number. Received: "):
        validation.check_positive(OPTIONS, "one", name)
    with pytest.raises(ValueError, match=rf"^{name}: expected a number in \[0, 1\). Received: "):
        validation.check_decays(OPTIONS, "zero", name)


def test_the_ends_of_open_ranges_are_refused() -> None:
    with pytest.raises(ValueError, match="^zero: expected a positive number. Received: 0"):
        validation.check_positive(OPTIONS, "zero")
    with pytest.raises(ValueError, match="^one: expected a number in"):
        validation.check_decays(OPTIONS, "one")


def test_choose_returns_the_value_or_suggests_the_nearest_name() -> None:
    known = {"mean": 1, "median": 2}
    assert validation.choose("method", "median", known) == 2
    with pytest.raises(ValueError) as error:
        validation.choose("method", "medain", known)
    assert str(error.value) == (
        "method: expected one of ['mean', 'median']. Received: 'medain'. Did you mean 'median'?"
    )
    with pytest.raises(ValueError, match=r"Received: 'a.zzz'\.$"):
        validation.choose("set", "zzz", known, "a.zzz")
