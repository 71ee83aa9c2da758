"""Settings refuse values that are out of range."""

import pytest

from ssgan_tf.metrics import Settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bins", 1),
        ("group", 1),
        ("train_groups", 0),
        ("eval_groups", 0),
        ("train_share", 0.0),
        ("train_share", 1.0),
        ("least_deviation", -0.1),
        ("quantile", 0.0),
        ("quantile", 1.01),
    ],
)
def test_values_out_of_range_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must .*Received: {value}"):
        Settings(**{name: value})  # type: ignore[arg-type]
