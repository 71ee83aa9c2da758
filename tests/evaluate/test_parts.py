"""Parts: scores come from images that E was not trained on, wherever there are enough of them."""

import numpy as np
import pytest

from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.data import FactorDataset
from ssgan_tf.evaluate import parts

SPEC = CodeSpec((FactorSpec("a", 2), FactorSpec("b", 3)))


def make_dataset(count: int, **changes) -> FactorDataset:
    """Returns a data set in which no label of row 0 is known, and one of row 1 is not."""
    factors = np.stack([np.arange(count) % 2, np.arange(count) % 3], axis=1)
    factors[0] = factors[1, 1] = -1
    return FactorDataset("fake/numbers", np.zeros([count, 4, 4, 3], np.uint8), factors, SPEC, **changes)


def test_held_out_images_come_first_and_name_the_codes():
    dataset, labeled = make_dataset(200, held_out=np.array([0, 1, 5, 9])), np.arange(50, 90)
    first, second = parts.unseen(dataset, labeled), parts.seen(dataset, labeled)
    assert first.rows.tolist() == [1, 5, 9] and first.images.tolist() == [0, 1, 5, 9]
    assert first.named.tolist() == [5, 9] and first.text == "held-out images"
    assert second.rows.tolist() == second.named.tolist() == sorted({*range(2, 200)} - {5, 9})
    assert second.images.tolist() == second.rows.tolist() and second.text == "training images"


def test_held_out_labels_come_first_where_no_images_are_held_out():
    dataset, labeled = make_dataset(200, held_out_labels=np.array([1, 7, 8])), np.arange(50, 90)
    first, second = parts.unseen(dataset, labeled), parts.seen(dataset, labeled)
    assert first.rows.tolist() == [1, 7, 8] and first.named is None and len(first.images) == 200
    assert first.text == "images whose labels were held out"
    assert second.rows.tolist() == [*range(50, 90)] and second.text == "labelled images"


def test_without_either_those_come_first_whose_labels_were_not_used():
    dataset, labeled = make_dataset(200), np.arange(1, 90)
    first, second = parts.unseen(dataset, labeled), parts.seen(dataset, labeled)
    assert first.rows.tolist() == [*range(90, 200)] and first.named is None
    assert second.rows.tolist() == [*range(1, 90)] and second.text == "labelled images"


@pytest.mark.parametrize("labeled", [range(0), range(1, 200), range(1, 102)])
def test_all_images_are_scored_where_too_few_are_left_and_the_text_says_so(labeled):
    dataset = make_dataset(200)
    part = parts.unseen(dataset, np.array(labeled, int))
    assert part.rows.tolist() == [*range(1, 200)]
    assert part.text == "all images" + ", also those whose labels E was trained on" * (len(labeled) > 0)
    assert parts.seen(dataset, np.array(labeled, int)) is None


def test_held_out_images_without_labels_are_refused():
    with pytest.raises(ValueError, match="Scores need held-out images with known labels. Received: none"):
        parts.unseen(make_dataset(200, held_out=np.array([0])), np.arange(9))
