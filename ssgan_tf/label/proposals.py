"""Choice of the image to label next: uniform first, then also images that are likely to help most.

After `UNIFORM` images, every second one is still drawn uniformly, so that the labels stay close to a fair sample. The
others are candidates, the first `POOL` images of the random order that have an open question, of which one is chosen:

- scarce: the value with the fewest labels is looked for. With a model, that is an image whose guess is this value;
  otherwise the one that looks most like the images labelled so, and for a value without any label, the one that looks
  least like any labelled image.
- disagreement: with several models, the one whose codes differ most.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from ssgan_tf.label.answers import Answers

UNIFORM = 20  # images labelled before anything but a uniform choice is made
POOL = 512  # candidates among which one is chosen; they are looked at in the background
_EXAMPLES = 32  # labelled images that a candidate is compared with
_SCARCE = 0.5  # a value is scarce if it has less than this share of the mean count

# A small image as a vector, or None if it is not known yet, and the guesses about an image.
Describe = Callable[[str], np.ndarray | None]


class Guess(NamedTuple):
    """Guesses of the models about one image.

    Args:
        cells: {factor: cell} of the mean code.
        disagreement: {factor: standard deviation of the models' codes}, 0 with one model.
    """

    cells: Mapping[str, str]
    disagreement: Mapping[str, float]


class Proposal(NamedTuple):
    """Image to label next, and the reason in words; no image if all are labelled or skipped."""

    image: str
    reason: str


class Proposals:
    """Chooses images.

    Args:
        answers: The answers so far.
        describe: Function that describes how an image looks.
        guess: Function that returns the models' guess about an image, or None; None without models.
        models: Number of models.
    """

    def __init__(
        self, answers: Answers, describe: Describe, guess: Callable[[str], Guess | None] | None = None, models: int = 0
    ):
        self._answers, self._describe, self._guess, self._models = answers, describe, guess, models

    def next(self, without: str = "") -> Proposal:
        """Returns the image to label next.

        Args:
            without: Image that counts as labelled, to find the one that follows it.
        """
        pool = self.candidates(POOL, without)
        done = len(self._answers.done() | ({without} - {""}))
        if not pool:
            return Proposal("", "")
        proposal = None
        if done >= UNIFORM and done % 2:
            turn = done // 2 % 2
            disagreed = self._most_disagreed(pool) if self._models > 1 and turn else None
            proposal = disagreed or self._scarcest(pool)
        return proposal or Proposal(pool[0], "drawn at random")

    def candidates(self, count: int, without: str = "", factor: str = "") -> list[str]:
        """Returns the first images of the random order with an open question, or with one about `factor`."""
        found = []
        for image in self._answers.images:
            if image == without:
                continue
            names = self._answers.open(image)
            if (factor in names) if factor else names:
                found.append(image)
                if len(found) == count:
                    break
        return found

    def _most_disagreed(self, pool: list[str]) -> Proposal | None:
        assert self._guess is not None
        best, most = "", 0.0
        for image in pool:
            if guess := self._guess(image):
                total = max((guess.disagreement.get(name, 0.0) for name in self._answers.open(image)), default=0.0)
                if total > most:
                    best, most = image, total
        return Proposal(best, "the models disagree") if best else None

    def _scarcest(self, pool: list[str]) -> Proposal | None:
        """Returns a candidate that may have the value with the fewest labels, if one is scarce."""
        wanted = None
        for name in self._answers.factors:
            counts = self._answers.counts(name)
            share = min(counts) * len(counts) / max(sum(counts), 1)
            if sum(counts) and share < _SCARCE and (wanted is None or share < wanted[0]):
                wanted = share, name, counts.index(min(counts))
        if wanted is None:
            return None
        _, name, index = wanted
        pool = [image for image in pool if name in self._answers.open(image)]
        value = self._answers.factors[name].bins[index]
        if self._guess:
            found = next((image for image in pool if self._guessed(image, name) == index), "")
        else:
            found = self._look_alike(pool, name, index)
        return Proposal(found, f"{name} {value} is scarce") if found else None

    def _guessed(self, image: str, name: str) -> int:
        guess = self._guess(image) if self._guess else None
        return self._answers.factors[name].bin(guess.cells.get(name, "")) if guess else -1

    def _look_alike(self, pool: list[str], name: str, index: int) -> str:
        factor, labelled = self._answers.factors[name], self._answers.labelled(name)
        like = [image for image, cell in labelled.items() if factor.bin(cell) == index]
        examples = self._vectors((like or list(labelled))[-_EXAMPLES:])
        candidates = self._vectors(pool)
        if not examples or not candidates:
            return ""
        a, b = np.stack(list(candidates.values())), np.stack(list(examples.values()))
        nearest = ((a**2).sum(axis=1)[:, None] - 2.0 * a @ b.T + (b**2).sum(axis=1)).min(axis=1)
        return list(candidates)[int(nearest.argmin() if like else nearest.argmax())]

    def _vectors(self, images: list[str]) -> dict[str, np.ndarray]:
        found = {image: self._describe(image) for image in images}
        return {image: vector for image, vector in found.items() if vector is not None}
