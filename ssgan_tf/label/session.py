"""Session of the page: what it shows and what its keys do, independent of the web server."""

import os
from collections.abc import Callable
from typing import Any

from ssgan_tf.label import images
from ssgan_tf.label.answers import Answers
from ssgan_tf.label.background import Background
from ssgan_tf.label.proposals import Guess, Proposals

_GRID = 24  # images on a page of the grid


class Session:
    """Functions that the page calls; each takes and returns what JSON can express.

    Args:
        folder: Folder of the images.
        answers: The answers so far.
        proposals: Choice of the next image.
        guesses: Guesses of the models; None without models.
        table: Path of the table, to be shown.
    """

    def __init__(
        self, folder: str, answers: Answers, proposals: Proposals, guesses: Background[Guess] | None, table: str
    ):
        self._folder, self._answers, self._proposals, self._guesses = folder, answers, proposals, guesses
        self._table = table
        self._reasons: dict[str, str] = {}

    def act(self, request: dict[str, Any]) -> dict[str, Any]:
        """Does what a key asks for, and returns what the page shows next.

        Args:
            request: "do": "look", "answer", "skip" or "undo"; "image": the image on the page; "answers": {factor:
                value}; "factors": names to skip; "grid": factor of the grid, "" for one image at a time.

        Returns:
            The page's state; with "error" if nothing was done.
        """
        image, said, undone = str(request.get("image", "")), "", ""
        actions: dict[str, Callable[[], Any]] = {
            "answer": lambda: self._answers.answer(image, request["answers"]),
            "skip": lambda: self._answers.skip(image, request["factors"]),
            "undo": self._answers.undo,
            "look": self._answers.refresh,
        }
        try:
            result = actions[request["do"]]()
            if request["do"] == "undo":
                image, undone = result or image, result
                said = f"Taken back: {image}" if result else "There is nothing to take back."
            grid = str(request.get("grid", ""))
            return {**(self._grid(grid) if grid else self._single(image)), "said": said, "undone": undone}
        except (OSError, ValueError) as error:
            return {"error": " ".join(str(error).split())[:500]}
        except (KeyError, TypeError, AttributeError):
            return {"error": "expected a request of this page. Reload it."}

    def image(self, request: dict[str, Any]) -> dict[str, str]:
        """Returns the address of an image, or why it cannot be shown. "small" asks for one of the grid."""
        name = str(request.get("image", ""))
        if name not in self._answers.known:
            return {"error": "expected an image of the folder."}
        try:
            return {"address": images.address(os.path.join(self._folder, name), bool(request.get("small")))}
        except (OSError, ValueError) as error:
            return {"error": " ".join(str(error).replace(self._folder + os.sep, "").split())[:300]}

    def _single(self, current: str) -> dict[str, Any]:
        """Returns the state with one image: the current one while it has open questions, and otherwise the next."""
        if not self._answers.open(current):
            current, reason = self._proposals.next()
            self._reasons = {current: reason}
        following = self._proposals.next(without=current).image if current else ""
        guess = self._guesses.get(current) if self._guesses and current else None
        if self._guesses and following:
            self._guesses.get(following)
        return {
            "image": current,
            "reason": self._reasons.get(current, ""),
            "open": self._answers.open(current) if current else [],
            "cells": self._answers.cells(current) if current else {},
            "guesses": dict(guess.cells) if guess else {},
            "waiting": bool(self._guesses and current and self._guesses.is_waiting(current)),
            "following": following,
            **self._common(),
        }

    def _grid(self, name: str) -> dict[str, Any]:
        """Returns the state with a grid of images on which one factor is asked."""
        if name not in self._answers.factors:
            raise ValueError(f"expected one of {', '.join(self._answers.factors)}. Received: {name[:80]!r}.")
        shown = self._proposals.candidates(_GRID, factor=name)
        guesses = {image: guess for image in shown if self._guesses and (guess := self._guesses.get(image))}
        return {
            "grid": name,
            "images": shown,
            "guesses": {image: guess.cells.get(name, "") for image, guess in guesses.items()},
            "waiting": bool(self._guesses and any(map(self._guesses.is_waiting, shown))),
            **self._common(),
        }

    def _common(self) -> dict[str, Any]:
        factors = [
            {"name": name, "values": factor.values, "range": factor.range, "bins": factor.bins,
             "counts": self._answers.counts(name)}
            for name, factor in self._answers.factors.items()
        ]  # fmt: skip
        return {
            "factors": factors,
            "total": len(self._answers.images),
            "done": len(self._answers.done()),
            "skipped": self._answers.skipped,
            "undo": self._answers.can_undo,
            "table": self._table,
            "trouble": self._guesses.error if self._guesses else "",
        }
