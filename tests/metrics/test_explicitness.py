"""Areas under ROC curves by hand and by scikit-learn; classes that only one side of the split has."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ssgan_tf.metrics import Settings
from ssgan_tf.metrics.explicitness import areas, explicitness
from tests.metrics import ideals


def test_areas_by_hand() -> None:
    scores = np.array([[0.9, 0.5, 0.1], [0.8, 0.5, 0.2], [0.3, 0.5, 0.3], [0.1, 0.5, 0.4]])
    labels = np.array([[True, True, True], [False, False, True], [True, False, False], [False, True, False]])
    # Column 0: of 4 (true, false) pairs 3 are in order; column 1: all tied; column 2: none in order.
    assert areas(scores, labels).tolist() == [0.75, 0.5, 0.0]


def test_areas_are_those_of_scikit_learn_with_ties_too(rng) -> None:
    scores = np.round(rng.random((500, 6)), 1)
    labels = rng.integers(6, size=500)[:, None] == np.arange(6)
    assert areas(scores, labels) == pytest.approx(roc_auc_score(labels, scores, average=None), abs=1e-12)


@pytest.mark.parametrize("value", [True, False])
def test_an_area_without_two_sides_does_not_exist(value) -> None:
    assert np.isnan(areas(np.zeros((3, 1)), np.full((3, 1), value))).all()


def test_a_value_that_no_test_row_has_is_left_out_of_the_mean() -> None:
    factors = ideals.draw((5,), 300)
    codes = ideals.exact(factors, (5,))
    factors[0] = 5  # one row alone has the sixth value
    codes[0] = 1.25
    found = explicitness(ideals.table(codes, factors, (6,)), np.random.default_rng(0))
    assert 0.95 < found["explicitness"] <= 1


def test_a_factor_of_which_test_rows_have_one_value_is_left_out() -> None:
    factors = np.stack([np.arange(30) % 2, np.zeros(30, int)], axis=1)
    table = ideals.table(factors + np.arange(30)[:, None] / 100, factors, (2, 2), ("side", "rare"))
    train, _ = table.split(np.random.default_rng(0), 2 / 3)
    factors[train.origins[0], 1] = 1
    table = ideals.table(table.codes, factors, (2, 2), ("side", "rare"))
    found = explicitness(table, np.random.default_rng(0))
    assert found["explicitness/excluded/rare"] == 2
    assert found["explicitness"] == found["explicitness/area/side"]


def test_nothing_to_tell_in_test_rows_is_refused() -> None:
    table = ideals.table(np.eye(3)[:, :1], np.array([[0], [1], [0]]), (2,))
    with pytest.raises(ValueError, match="test rows have different values"):
        explicitness(table, np.random.default_rng(1), Settings(train_share=0.5))
