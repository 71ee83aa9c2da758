"""Answers of one person: labels on disk, questions that were skipped, undo, and progress."""

import hashlib
import threading
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ssgan_tf.label.factors import Factor
from ssgan_tf.label.table import Table, is_known


class _Step(NamedTuple):
    """Change that `undo` takes back.

    Args:
        image: The image.
        cells: Cells before the change; empty if questions were skipped.
        skipped: Factors that were skipped.
    """

    image: str
    cells: Mapping[str, str]
    skipped: frozenset[str] = frozenset()


class Answers:
    """Answers to the questions about a folder's images. Every method may be called from any thread.

    Args:
        table: Table that the answers are written to.
        images: Names of the images, as in the table.
        factors: Factors that are asked for.
        seed: Seed of the order in which images are proposed.
    """

    def __init__(self, table: Table, images: Sequence[str], factors: Sequence[Factor], seed: int = 0):
        self.factors = {factor.name: factor for factor in factors}
        self.images = sorted(images, key=lambda image: hashlib.sha256(f"{seed}:{image}".encode()).digest())
        self.known = frozenset(images)
        self._table = table
        self._skipped: dict[str, frozenset[str]] = {}
        self._steps: list[_Step] = []
        self._lock = threading.RLock()

    def answer(self, image: str, answers: Mapping[str, object]) -> None:
        """Writes the labels of one image to the disk: {factor: value}, with "" for an unknown one.

        Raises:
            OSError: The table cannot be written; nothing has changed.
            ValueError: There is no such image, factor or value.
        """
        if image not in self.known:
            raise ValueError(f"expected an image of the folder. Received: {image[:80]!r}.")
        cells = {}
        for name, value in answers.items():
            if name not in self.factors:
                raise ValueError(f"expected one of {', '.join(self.factors)}. Received: {name[:80]!r}.")
            cells[name] = "" if value == "" else self.factors[name].cell(value)
        with self._lock:
            before = {name: self._table.cell(image, name) for name in cells}
            self._table.write(image, cells)
            self._steps.append(_Step(image, before))

    def skip(self, image: str, names: Sequence[str]) -> None:
        """Leaves questions about an image open, and does not ask them again before the next start."""
        with self._lock:
            before = self._skipped.get(image, frozenset())
            new = frozenset(name for name in names if name in self.factors) - before
            self._skipped[image] = before | new
            self._steps.append(_Step(image, {}, new))

    def undo(self) -> str:
        """Takes back the last answer or skip; returns its image, or "" if there is nothing to take back.

        Raises:
            OSError: The table cannot be written; nothing has changed.
        """
        with self._lock:
            if not self._steps:
                return ""
            step = self._steps[-1]
            if step.cells:
                self._table.write(step.image, step.cells)
            self._skipped[step.image] = self._skipped.get(step.image, frozenset()) - step.skipped
            self._steps.pop()
            return step.image

    @property
    def can_undo(self) -> bool:
        """True if there is something to take back."""
        return bool(self._steps)

    @property
    def skipped(self) -> int:
        """Number of skipped questions."""
        return sum(map(len, self._skipped.values()))

    def refresh(self) -> None:
        """Reads the table again if another program has changed it."""
        with self._lock:
            self._table.refresh()

    def cells(self, image: str) -> dict[str, str]:
        """Returns {factor: cell} of an image, "" where it is unknown."""
        with self._lock:
            return {name: self._table.cell(image, name) for name in self.factors}

    def open(self, image: str) -> list[str]:
        """Returns the factors of an image that were neither labelled nor skipped."""
        if image not in self.known:
            return []
        skipped = self._skipped.get(image, frozenset())
        return [name for name, cell in self.cells(image).items() if not cell and name not in skipped]

    def done(self) -> set[str]:
        """Returns the images with a label of any factor."""
        with self._lock:
            columns = self._table.columns()
        cells = (columns.get(name, {}).items() for name in self.factors)
        return {image for column in cells for image, cell in column if is_known(cell) and image in self.known}

    def labelled(self, name: str) -> dict[str, str]:
        """Returns {image: cell} of a factor, of all labelled images of the folder."""
        with self._lock:
            cells = self._table.columns().get(name, {})
        factor = self.factors[name]
        return {image: cell for image, cell in cells.items() if image in self.known and factor.bin(cell) >= 0}

    def counts(self, name: str) -> list[int]:
        """Returns the number of labels in each of the factor's bins."""
        counts = [0] * len(self.factors[name].bins)
        for cell in self.labelled(name).values():
            counts[self.factors[name].bin(cell)] += 1
        return counts
