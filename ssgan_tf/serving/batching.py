"""Micro-batching: questions of many clients to one signature are computed together, each answered by itself."""

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import NamedTuple

import numpy as np

from ssgan_tf.serving.errors import RequestError
from ssgan_tf.serving.model import Arrays
from ssgan_tf.serving.parsing import Call

Run = Callable[[str, Arrays], Arrays]


class _Job(NamedTuple):
    call: Call
    key: Hashable  # jobs of one key can be computed together; None: alone
    answer: "Future[Arrays]"
    arrived: float


class Batcher:
    """A few threads that compute what is submitted, oldest first.

    Questions to one signature with rows of one shape are joined along the batch and computed at once. A row's answer
    does not depend on its neighbours': where the model refuses a joined batch, or its outputs have no rows, each
    question is computed again by itself, and the one at fault hears why.

    Args:
        run: (signature, inputs) -> outputs; called from any of the threads.
        max_batch: images computed at once, at most.
        wait_s: how long the oldest question waits for others.
        threads: how many batches are computed at a time.
    """

    def __init__(self, run: Run, max_batch: int, wait_s: float, threads: int = 1):
        self._run = run
        self._max_batch = max_batch
        self._wait_s = wait_s
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [threading.Thread(target=self._work, name=f"inference-{i}") for i in range(threads)]
        for thread in self._threads:
            thread.start()

    def submit(self, call: Call) -> "Future[Arrays]":
        """The outputs, once they are there, or the RequestError."""
        job = _Job(call, _key(call), Future(), time.monotonic())
        with self._changed:
            if self._closed:
                raise RequestError(503, "The server is stopping.")
            self._jobs.append(job)
            self._changed.notify_all()
        return job.answer

    def close(self) -> None:
        """Computes what is waiting, then ends the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while jobs := self._next():
            self._answer([job for job in jobs if job.answer.set_running_or_notify_cancel()])

    def _next(self) -> list[_Job]:
        """The oldest job and those that go with it; none when it is over."""
        with self._changed:
            while not self._jobs:
                if self._closed:
                    return []
                self._changed.wait()
            group = [self._jobs.popleft()]
            while True:
                room = self._gather(group)
                left = group[0].arrived + self._wait_s - time.monotonic()
                if group[0].key is None or room <= 0 or left <= 0 or self._closed:
                    return self._round(group)
                self._changed.wait(left)

    def _gather(self, group: list[_Job]) -> int:
        """Moves waiting jobs of the group's key into it, as far as they fit; returns the room that is left."""
        room = self._max_batch - sum(job.call.weight for job in group)
        if group[0].key is not None:
            for job in [job for job in self._jobs if job.key == group[0].key]:
                if job.call.weight > room:
                    return 0  # a later one that fits must not overtake it for ever
                self._jobs.remove(job)
                group.append(job)
                room -= job.call.weight
        return room

    def _round(self, group: list[_Job]) -> list[_Job]:
        """Leaves the last of a group to the next batch, where this one's number of rows becomes a usual one.

        TensorFlow keeps memory for every size of batch that it has met, and there are not many usual ones.
        """
        rows = itertools.accumulate(job.call.rows for job in group)
        usual = [i for i, n in enumerate(rows, 1) if n in (1, 2, 4) or n % 8 == 0]
        if usual:
            self._jobs.extendleft(reversed(group[usual[-1] :]))
            self._changed.notify_all()  # for another thread, if there is one
            return group[: usual[-1]]
        return group

    def _answer(self, jobs: list[_Job]) -> None:
        if not jobs:
            return
        try:
            outputs = self._compute([job.call for job in jobs])
        except Exception as error:
            if len(jobs) > 1:
                for job in jobs:
                    self._answer([job])
            else:
                jobs[0].answer.set_exception(error)
            return
        for job, output in zip(jobs, outputs, strict=True):
            job.answer.set_result(output)

    def _compute(self, calls: list[Call]) -> list[Arrays]:
        if len(calls) == 1:
            return [self._run(calls[0].signature, calls[0].inputs)]
        joined = {name: np.concatenate([call.inputs[name] for call in calls]) for name in calls[0].inputs}
        outputs = self._run(calls[0].signature, joined)
        ends = np.cumsum([call.rows for call in calls])
        if any(array.shape[:1] != (ends[-1],) for array in outputs.values()):
            raise ValueError("The outputs have no rows that could be told apart.")
        starts = [0, *ends[:-1]]
        return [
            {name: array[start:end] for name, array in outputs.items()} for start, end in zip(starts, ends, strict=True)
        ]


def _key(call: Call) -> Hashable:
    """What questions that are computed together have in common; None for one that is computed alone.

    Integers such as `steps` may decide on the shape of the output, so they must be one and the same in every row.
    """
    parts: list[Hashable] = [call.signature]
    for name, array in sorted(call.inputs.items()):
        if array.shape[:1] != (call.rows,):
            return None
        parts.append((name, array.shape[1:]))
        if array.dtype.kind in "iu":
            if (array != array[0]).any():
                return None
            parts.append(array[0].tobytes())
    return tuple(parts)
