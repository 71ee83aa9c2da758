"""Choice of the next image: uniform first, then scarce values and disagreement."""

import collections

import numpy as np

from ssgan_tf.label import proposals
from ssgan_tf.label.answers import Answers
from ssgan_tf.label.factors import Factor
from ssgan_tf.label.proposals import UNIFORM, Guess, Proposals
from ssgan_tf.label.table import Table

SHAPES = ("cube", "ball", "cone")


class Folder:
    """Folder of 600 images of which one in thirty is a cone, and a person who knows the answers."""

    def __init__(self, tmp_path, seed=0):
        rng = np.random.default_rng(seed)
        self.truth = {f"{i}.png": SHAPES[k] for i, k in enumerate(rng.choice(3, 600, p=[0.6, 0.367, 0.033]))}
        self.looks = {
            image: np.eye(3, dtype=np.float32)[SHAPES.index(shape)] + rng.normal(0, 0.2, 3).astype(np.float32)
            for image, shape in self.truth.items()
        }
        self.answers = Answers(Table(str(tmp_path / f"{seed}.csv")), list(self.truth), [Factor("shape", SHAPES)], seed)

    def label(self, chooser: Proposals, count: int) -> tuple[collections.Counter, list[str]]:
        reasons = []
        for _ in range(count):
            image, reason = chooser.next()
            self.answers.answer(image, {"shape": self.truth[image]})
            reasons.append(reason)
        return collections.Counter(self.answers.labelled("shape").values()), reasons


def test_the_first_images_are_drawn_uniformly_in_an_order_that_the_seed_decides(tmp_path):
    one, other = Folder(tmp_path, 0), Folder(tmp_path, 1)
    assert one.answers.images != other.answers.images and sorted(one.answers.images) == sorted(other.answers.images)
    _, reasons = one.label(Proposals(one.answers, one.looks.get), UNIFORM)
    assert set(reasons) == {"drawn at random"} and one.answers.done() == set(one.answers.images[:UNIFORM])


def test_scarce_values_are_found_by_looks(tmp_path):
    folder = Folder(tmp_path)
    counts, reasons = folder.label(Proposals(folder.answers, folder.looks.get), 100)
    uniform = collections.Counter(folder.truth[image] for image in folder.answers.images[:100])
    assert counts["cone"] >= 3 * uniform["cone"] and counts["cone"] >= 10, (counts, uniform)
    later = reasons[UNIFORM:]
    assert set(later[::2]) == {"drawn at random"} and "shape cone is scarce" in later


def test_scarce_values_are_found_by_a_model_and_images_by_disagreement(tmp_path):
    folder = Folder(tmp_path)
    doubtful = set(folder.answers.images[40:50])

    def guess(image):
        return Guess({"shape": folder.truth[image]}, {"shape": 0.4 if image in doubtful else 0.01})

    counts, reasons = folder.label(Proposals(folder.answers, lambda _: None, guess, models=2), 80)
    assert doubtful <= folder.answers.done() and counts["cone"] >= 8
    assert {"drawn at random", "shape cone is scarce", "the models disagree"} == set(reasons)


def test_without_looks_or_guesses_yet_the_choice_is_uniform(tmp_path):
    folder = Folder(tmp_path)
    _, reasons = folder.label(Proposals(folder.answers, lambda _: None, lambda _: None, 2), 50)
    assert set(reasons) == {"drawn at random"}


def test_a_value_without_labels_is_looked_for_among_unusual_images(tmp_path, monkeypatch):
    monkeypatch.setattr(proposals, "UNIFORM", 1)
    folder = Folder(tmp_path)
    for image in [image for image, shape in folder.truth.items() if shape != "cone"][:51]:
        folder.answers.answer(image, {"shape": folder.truth[image]})
    image, reason = Proposals(folder.answers, folder.looks.get).next()
    assert reason == "shape cone is scarce" and folder.truth[image] == "cone"


def test_the_end_and_the_image_after_the_next(tmp_path):
    answers = Answers(Table(str(tmp_path / "a.csv")), ["a.png", "b.png"], [Factor("shape", SHAPES)])
    chooser = Proposals(answers, lambda _: None)
    first, second = chooser.next().image, chooser.next(without=chooser.next().image).image
    assert {first, second} == {"a.png", "b.png"}
    answers.skip(first, ["shape"])
    assert chooser.next().image == second and chooser.candidates(9, factor="shape") == [second]
    answers.answer(second, {"shape": "cube"})
    assert chooser.next().image == "" and chooser.candidates(9) == []
