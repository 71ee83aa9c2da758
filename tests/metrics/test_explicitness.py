"""Areas under ROC curves by hand and by scikit-learn; values that only one side of the split has."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ssgan_tf.metrics import Settings
from ssgan_tf.metrics.explicitness import areas, explicitness
from tests.support import ideals


def test_areas_by_hand() -> None:
    scores = np.array([[0.9, 0.5, 0.1], [0.8, 0.5, 0.2], [0.3, 0.5, 0.3], [0.1, 0.5, 0.4]])
    labels = np.array([[True, True, True], [False, False, True], [True, False, False], [False, True, False]])
    # Column 0: of 4 (true, false) pairs 3 are in order; column 1: all tied; column 2: none in order.
    assert areas(scores, labels).tolist() == [0.75, 0.5, 0.0]


def test_areas_equal_scikit_learns_also_with_ties(rng) -> None:
    scores = np.round(rng.random((500, 6)), 1)
    labels = rng.integers(6, size=500)[:, None] == np.arange(6)
    assert areas(scores, labels) == pytest.approx(roc_auc_score(labels, scores, average=None), abs=1e-12)


@pytest.mark.parametrize("value", [True, False])
def test_an_area_without_both_labels_is_nan(value) -> None:
    assert np.isnan(areas(np.zeros((3, 1)), np.full((3, 1), value))).all()


def test_a_value_that_no_test_row_has_is_left_out_of_the_mean() -> None:
    factors = ideals.sample_factors((5,), 300)
    codes = ideals.exact(factors, (5,))
    factors[0] = 5  # only one row has the sixth value
    codes[0] = 1.25
    found = explicitness(ideals.make_table(codes, factors, (6,)), np.random.default_rng(0))
    assert 0.95 < found["explicitness"] <= 1


def test_a_factor_with_one_value_in_the_test_rows_is_excluded() -> None:
    factors = np.stack([np.arange(30) % 2, np.zeros(30, int)], axis=1)
    table = ideals.make_table(factors + np.arange(30)[:, None] / 100, factors, (2, 2), ("side", "rare"))
    train, _ = table.split(np.random.default_rng(0), 2 / 3)
    factors[train.origins[0], 1] = 1
    table = ideals.make_table(table.codes, factors, (2, 2), ("side", "rare"))
    found = explicitness(table, np.random.default_rng(0))
    assert found["explicitness/excluded/rare"] == 2
    assert found["explicitness"] == found["explicitness/area/side"]


def test_equal_values_in_the_test_rows_are_refused() -> None:
    table = ideals.make_table(np.eye(3)[:, :1], np.array([[0], [1], [0]]), (2,))
    with pytest.raises(ValueError, match="different values in the test rows"):
        explicitness(table, np.random.default_rng(1), Settings(train_share=0.5))
