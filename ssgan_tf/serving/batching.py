"""Micro-batching: requests of many clients to one signature are computed together and answered separately."""

import contextlib
import dataclasses
import itertools
import logging
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, InvalidStateError

import numpy as np

from ssgan_tf.serving.errors import RequestError
from ssgan_tf.serving.model import Arrays
from ssgan_tf.serving.parsing import PredictRequest

Run = Callable[[str, Arrays], Arrays]

FAILURE = "The server's computation has failed and must be restarted; its log has the details."
_LOGGER = logging.getLogger("uvicorn.error")  # the server's log


@dataclasses.dataclass(frozen=True, eq=False)  # compared by identity: == of the arrays in a request is no single bool
class _Job:
    request: PredictRequest
    key: Hashable  # jobs with equal keys can share a batch; a job with None is computed alone
    outputs: "Future[Arrays]"
    arrival_time: float


class Batcher:
    """Worker threads that compute submitted requests in batches, oldest first.

    Requests to one signature whose rows have the same shape are concatenated and computed at once. A row's outputs do
    not depend on the other rows. If the model refuses a batch, or its outputs have no rows, each request is computed
    again by itself, and only the request at fault gets the error. A request whose future is cancelled while it waits
    leaves the queue at once.

    If a thread ends by an error outside the model's computation, which only a bug in this file can cause, nothing is
    computed any more: `failed` becomes True, and every request that waits or arrives later gets an error.

    Args:
        run: Function (signature, inputs) -> outputs; called from any of the threads.
        max_batch: Maximum number of images computed at once.
        wait_s: Seconds that the oldest request waits for others to share its batch.
        threads: Number of batches computed in parallel.

    Raises:
        ValueError: If this machine cannot start as many threads.
    """

    def __init__(self, run: Run, max_batch: int, wait_s: float, threads: int = 1):
        self.failed = False
        self._run = run
        self._max_batch = max_batch
        self._wait_s = wait_s
        self._jobs: list[_Job] = []  # waiting, oldest first
        self._changed = threading.Condition()
        self._closed = False
        self._threads: list[threading.Thread] = []
        for i in range(threads):
            thread = threading.Thread(target=self._work, name=f"inference-{i}")
            try:
                thread.start()
            except RuntimeError:
                self.close()
                wanted = f"a number that this machine can start (it started {i})"
                raise ValueError(f"threads: expected {wanted}. Received: {threads}.") from None
            self._threads.append(thread)

    def submit(self, request: PredictRequest) -> "Future[Arrays]":
        """Queues a request; the future gets its outputs, or the model's RequestError.

        Raises:
            RequestError: 503 if the batcher is closed or has failed.
        """
        job = _Job(request, _batch_key(request), Future(), time.monotonic())
        with self._changed:
            if self.failed:
                raise RequestError(503, FAILURE)
            if self._closed:
                raise RequestError(503, "The server is stopping.")
            self._jobs.append(job)
            self._changed.notify_all()
        job.outputs.add_done_callback(self._drop_cancelled)
        return job.outputs

    def close(self) -> None:
        """Computes the waiting requests, then ends the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        """Computes batches until the batcher is closed; runs in each of the threads."""
        jobs: Sequence[_Job] = []
        try:
            while jobs := self._next_batch():
                self._resolve([job for job in jobs if job.outputs.set_running_or_notify_cancel()])
        except BaseException:
            _LOGGER.critical("The inference thread ended by an error; restart the server.", exc_info=True)
            self._fail(jobs)

    def _fail(self, jobs: Sequence[_Job]) -> None:
        """Answers `jobs` and all that wait with an error, and ends the other threads."""
        with self._changed:
            self.failed = True
            jobs = [*jobs, *self._jobs]
            self._jobs = []
            self._changed.notify_all()
        for job in jobs:
            with contextlib.suppress(InvalidStateError):  # those that have been answered already
                job.outputs.set_exception(RequestError(500, FAILURE))

    def _drop_cancelled(self, outputs: "Future[Arrays]") -> None:
        """Removes the job with these outputs from the queue if it was cancelled."""
        if outputs.cancelled():
            with self._changed:
                self._jobs = [job for job in self._jobs if job.outputs is not outputs]
                self._changed.notify_all()

    def _next_batch(self) -> Sequence[_Job]:
        """Waits for the oldest job and others that can share its batch; returns [] once the batcher is closed."""
        with self._changed:
            while not self.failed:
                if self._jobs:
                    group, full = self._find_group()
                    left = self._jobs[0].arrival_time + self._wait_s - time.monotonic()
                    if full or left <= 0 or self._closed:
                        taken = set(group)
                        self._jobs = [job for job in self._jobs if job not in taken]
                        self._changed.notify_all()  # another thread, if there is one, can take the rest
                        return group
                    self._changed.wait(left)
                elif self._closed:
                    break
                else:
                    self._changed.wait()
            return []

    def _find_group(self) -> tuple[Sequence[_Job], bool]:
        """Returns the oldest job with the jobs that can share its batch, and True if no more would fit."""
        oldest = self._jobs[0]
        if oldest.key is None:
            return [oldest], True
        group: list[_Job] = []
        room = self._max_batch
        for job in self._jobs:
            if job.key == oldest.key:
                room -= job.request.cost
                if room < 0 and group:
                    break  # Stop here: if smaller jobs kept overtaking this one, it might wait forever.
                group.append(job)
        return _trim(group), room <= 0

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


def _trim(group: Sequence[_Job]) -> Sequence[_Job]:
    """Trims a group to 1, 2, 4 or a multiple of 8 rows if it can; the rest goes on waiting for the next batch.

    TensorFlow keeps buffers for every batch size it has seen, so few sizes are used.
    """
    rows = itertools.accumulate(job.request.rows for job in group)
    usual = [i for i, n in enumerate(rows, 1) if n in (1, 2, 4) or n % 8 == 0]
    return group[: usual[-1]] if usual else group


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
