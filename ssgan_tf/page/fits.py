"""Fits of uploaded images: one after another, limited in number and time, and cancelled when their visitors leave."""

import dataclasses
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ssgan_tf.page.uploads import MAX_AGE, Uploads

MAX_FITS = 8  # that wait or run
SECONDS = 1800.0  # of the longest fit

Check = Callable[[], None]  # raises an exception if the fit must stop
T = TypeVar("T")


class Cancelled(Exception):
    """The visitor has cancelled the fit, or has left."""


@dataclasses.dataclass(eq=False)
class _Fit:
    """Fit of one visitor's image.

    Args:
        path: File of the image.
        created: Time at which the image was uploaded.
        cancelled: True once the fit is to stop.
    """

    path: Path
    created: float
    cancelled: bool = False


class Fits:
    """Fits that wait or run, at most one for each visitor. Every method may be called from any thread.

    Args:
        uploads: Folder of uploads.
        seconds: Time after which a running fit is stopped.
    """

    def __init__(self, uploads: Uploads, seconds: float = SECONDS):
        self._uploads, self._seconds = uploads, seconds
        self._changed = threading.Condition()
        self._by_visitor: dict[str, _Fit] = {}
        self._line: list[_Fit] = []  # the first one runs

    def add(self, visitor: str, upload: str) -> None:
        """Takes an upload for a fit, instead of an earlier one by the same visitor.

        Raises:
            ValueError: If too many fits wait, or the upload is gone. It is deleted.
        """
        self.cancel(visitor)
        with self._changed:
            if len(self._by_visitor) >= MAX_FITS:
                self._uploads.discard(upload)
                raise ValueError(f"{MAX_FITS} images are waiting to be fitted already. Try again in a few minutes.")
            self._by_visitor[visitor] = _Fit(self._uploads.claim(upload), time.monotonic())

    def run(self, visitor: str, fit: Callable[[Path, Check], T]) -> T:
        """Waits for the turn of a visitor's fit, runs it, and deletes its file.

        Args:
            visitor: The visitor.
            fit: Function that receives the file, and a function that it must call often.

        Raises:
            Cancelled: If the visitor has cancelled it, has left, or has uploaded nothing.
            ValueError: If it takes too long, or as `fit` does.
        """
        with self._changed:
            mine = self._by_visitor.get(visitor)
            if mine is None or mine in self._line:
                raise Cancelled
            self._line.append(mine)
            self._changed.wait_for(lambda: self._line[0] is mine or mine.cancelled)
        end = time.monotonic() + self._seconds

        def check() -> None:
            if mine.cancelled:
                raise Cancelled
            if time.monotonic() > end:
                raise ValueError(f"The fit was stopped, because it took longer than {self._seconds:g} s.")

        try:
            check()
            result = fit(mine.path, check)
            check()
        except ValueError:
            if mine.cancelled:  # its file is gone
                raise Cancelled from None
            raise
        finally:
            self._end(visitor, mine)
        return result

    def _end(self, visitor: str, mine: _Fit) -> None:
        self._uploads.release(mine.path)
        with self._changed:
            self._line.remove(mine)
            if self._by_visitor.get(visitor) is mine:
                del self._by_visitor[visitor]
            self._changed.notify_all()

    def cancel(self, visitor: str) -> bool:
        """Cancels a visitor's fit and deletes its file; returns False if there is none."""
        with self._changed:
            mine = self._by_visitor.pop(visitor, None)
            if mine is None:
                return False
            mine.cancelled = True
            self._changed.notify_all()
        self._uploads.release(mine.path)
        return True

    def sweep(self) -> None:
        """Cancels fits that nobody has started since their upload."""
        oldest = time.monotonic() - MAX_AGE
        with self._changed:
            forgotten = [
                visitor for visitor, fit in self._by_visitor.items() if fit not in self._line and fit.created < oldest
            ]
        for visitor in forgotten:
            self.cancel(visitor)

    def close(self) -> None:
        """Cancels everything."""
        with self._changed:
            visitors = list(self._by_visitor)
        for visitor in visitors:
            self.cancel(visitor)
