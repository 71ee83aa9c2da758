"""Results of a slow function, computed in a thread of their own and kept."""

import collections
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """Results of `compute` by name. The newest request is computed first.

    Args:
        compute: Function of a name. After a ValueError or OSError, the name has no result.
        keep: Number of results that are kept; those that were asked for longest ago are forgotten.
    """

    def __init__(self, compute: Callable[[str], T], keep: int = 100_000):
        self._compute, self._keep = compute, keep
        self._results: collections.OrderedDict[str, T | None] = collections.OrderedDict()
        self._wanted: dict[str, None] = {}
        self._changed = threading.Condition()
        self._closed = False
        self.error = ""
        threading.Thread(target=self._work, daemon=True).start()

    def get(self, name: str) -> T | None:
        """Returns the result for a name; None if there is none (yet)."""
        with self._changed:
            if name in self._results:
                self._results.move_to_end(name)
                return self._results[name]
            self._wanted.pop(name, None)
            self._wanted[name] = None
            self._changed.notify()
            return None

    def is_waiting(self, name: str) -> bool:
        """Returns whether the result for a name is still to come."""
        return name not in self._results and not self.error and not self._closed

    def close(self) -> None:
        """Ends the thread after its current computation."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted or self._closed)
                if self._closed:
                    return
                name, _ = self._wanted.popitem()
            try:
                result: T | None = self._compute(name)
            except (OSError, ValueError):
                result = None
            except Exception as error:  # the page goes on without these results, and says so
                self.error = " ".join(str(error).split())[:300]
                return
            with self._changed:
                self._results[name] = result
                while len(self._results) > self._keep:
                    self._results.popitem(last=False)
