"""Parts: scores come from images that E was not trained on, wherever there are enough of them."""

import numpy as np
import pytest

from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.data import FactorDataset
from ssgan_tf.evaluate import parts

SPEC = CodeSpec((FactorSpec("a", 2), FactorSpec("b", 3)))


def make_dataset(count: int, held_out: tuple[int, ...] = ()) -> FactorDataset:
    """Returns a data set in which one label of rows 0 and 1 is unknown."""
    factors = np.stack([np.arange(count) % 2, np.arange(count) % 3], axis=1)
    factors[0, 0] = factors[1, 1] = -1
    return FactorDataset("fake/numbers", np.zeros([count, 4, 4, 3], np.uint8), factors, SPEC, np.array(held_out, int))


def test_held_out_images_come_first_and_name_the_codes():
    dataset, labeled = make_dataset(200, held_out=(0, 5, 9)), np.arange(50, 90)
    first, second = parts.unseen(dataset, labeled), parts.seen(dataset, labeled)
    assert first.rows.tolist() == [5, 9] and first.names_codes and first.text == "held-out images"
    assert second.rows.tolist() == sorted({*range(2, 200)} - {5, 9}) and second.names_codes


def test_without_held_out_images_those_come_first_whose_labels_were_not_used():
    dataset, labeled = make_dataset(200), np.arange(0, 90)
    first, second = parts.unseen(dataset, labeled), parts.seen(dataset, labeled)
    assert first.rows.tolist() == [*range(90, 200)] and not first.names_codes
    assert second.rows.tolist() == [*range(2, 90)] and second.text == "labelled images"


@pytest.mark.parametrize("labeled", [range(0), range(200), range(101)])
def test_all_images_are_scored_where_too_few_are_left(labeled):
    dataset = make_dataset(200)
    first, second = (part(dataset, np.array(labeled, int)) for part in (parts.unseen, parts.seen))
    assert first.rows.tolist() == [*range(2, 200)] and first.text == "all images"
    assert not len(second.rows)


def test_held_out_images_without_labels_are_refused():
    with pytest.raises(ValueError, match="Scores need held-out images with all labels known. Received: none"):
        parts.unseen(make_dataset(200, held_out=(0,)), np.arange(9))
