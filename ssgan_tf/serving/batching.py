"""Micro-batching: requests of many clients to one signature are computed together and answered separately."""

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
from ssgan_tf.serving.parsing import PredictRequest

Run = Callable[[str, Arrays], Arrays]


class _Job(NamedTuple):
    request: PredictRequest
    key: Hashable  # jobs with equal keys can share a batch; a job with None is computed alone
    outputs: "Future[Arrays]"
    arrival_time: float


class Batcher:
    """Worker threads that compute submitted requests in batches, oldest first.

    Requests to one signature whose rows have the same shape are concatenated and computed at once. A row's outputs do
    not depend on the other rows. If the model refuses a batch, or its outputs have no rows, each request is computed
    again by itself, and only the request at fault gets the error.

    Args:
        run: Function (signature, inputs) -> outputs; called from any of the threads.
        max_batch: Maximum number of images computed at once.
        wait_s: Seconds that the oldest request waits for others to share its batch.
        threads: Number of batches computed in parallel.
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

    def submit(self, request: PredictRequest) -> "Future[Arrays]":
        """Queues a request; the future gets its outputs, or the model's RequestError.

        Raises:
            RequestError: 503 if the batcher is closed.
        """
        job = _Job(request, _batch_key(request), Future(), time.monotonic())
        with self._changed:
            if self._closed:
                raise RequestError(503, "The server is stopping.")
            self._jobs.append(job)
            self._changed.notify_all()
        return job.outputs

    def close(self) -> None:
        """Computes the waiting requests, then ends the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while jobs := self._next_batch():
            self._resolve([job for job in jobs if job.outputs.set_running_or_notify_cancel()])

    def _next_batch(self) -> list[_Job]:
        """Waits for the oldest job and others that can share its batch; returns [] once the batcher is closed."""
        with self._changed:
            while not self._jobs:
                if self._closed:
                    return []
                self._changed.wait()
            group = [self._jobs.popleft()]
            while True:
                room = self._fill(group)
                left = group[0].arrival_time + self._wait_s - time.monotonic()
                if group[0].key is None or room <= 0 or left <= 0 or self._closed:
                    return self._trim(group)
                self._changed.wait(left)

    def _fill(self, group: list[_Job]) -> int:
        """Moves waiting jobs with the group's key into the group while they fit; returns the room that is left."""
        room = self._max_batch - sum(job.request.cost for job in group)
        if group[0].key is not None:
            for job in [job for job in self._jobs if job.key == group[0].key]:
                if job.request.cost > room:
                    return 0  # Stop here: if smaller jobs kept overtaking this one, it might wait forever.
                self._jobs.remove(job)
                group.append(job)
                room -= job.request.cost
        return room

    def _trim(self, group: list[_Job]) -> list[_Job]:
        """Trims the group to 1, 2, 4 or a multiple of 8 rows if it can; the rest waits for the next batch.

        TensorFlow keeps buffers for every batch size it has seen, so few sizes are used.
        """
        rows = itertools.accumulate(job.request.rows for job in group)
        usual = [i for i, n in enumerate(rows, 1) if n in (1, 2, 4) or n % 8 == 0]
        if usual:
            self._jobs.extendleft(reversed(group[usual[-1] :]))
            self._changed.notify_all()  # Another thread, if there is one, can take the rest.
            return group[: usual[-1]]
        return group

    def _resolve(self, jobs: list[_Job]) -> None:
        """Computes the jobs together and sets their futures; after an error, computes each job by itself."""
        if not jobs:
            return
        try:
            outputs = self._compute([job.request for job in jobs])
        except Exception as error:
            if len(jobs) > 1:
                for job in jobs:
                    self._resolve([job])
            else:
                jobs[0].outputs.set_exception(error)
            return
        for job, output in zip(jobs, outputs, strict=True):
            job.outputs.set_result(output)

    def _compute(self, requests: list[PredictRequest]) -> list[Arrays]:
        """Computes requests with equal keys in one batch; returns the outputs of each."""
        signature, names = requests[0].signature, requests[0].inputs
        if len(requests) == 1:
            return [self._run(signature, requests[0].inputs)]
        joined = {name: np.concatenate([request.inputs[name] for request in requests]) for name in names}
        outputs = self._run(signature, joined)
        ends = np.cumsum([request.rows for request in requests])
        if any(array.shape[:1] != (ends[-1],) for array in outputs.values()):
            raise ValueError("The outputs have no rows, so they cannot be split between the requests.")
        starts = [0, *ends[:-1]]
        return [
            {name: array[start:end] for name, array in outputs.items()} for start, end in zip(starts, ends, strict=True)
        ]


def _batch_key(request: PredictRequest) -> Hashable:
    """Returns a key that is equal for requests that can share a batch; None for one that is computed alone.

    Integers such as `steps` may determine the shape of the outputs, so they must be equal in every row.
    """
    parts: list[Hashable] = [request.signature]
    for name, array in sorted(request.inputs.items()):
        if array.shape[:1] != (request.rows,):
            return None
        parts.append((name, array.shape[1:]))
        if array.dtype.kind in "iu":
            if (array != array[0]).any():
                return None
            parts.append(array[0].tobytes())
    return tuple(parts)
