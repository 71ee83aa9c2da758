"""The processes of one training job, as TF_CONFIG lists them, and how they meet before TensorFlow connects them.

TensorFlow connects them in one call that neither ctrl-C nor a thread can interrupt, says nothing, and waits for an
hour. So they look for each other here first, in plain Python.
"""

import contextlib
import dataclasses
import json
import re
import socket
import time
from collections.abc import Callable, Mapping


class WorkerMissing(RuntimeError):
    """A worker was not there, or is no longer. What was saved stays good, and all of them can be started again."""


@dataclasses.dataclass(frozen=True)
class Worker:
    """A process of the job.

    Args:
        job: "chief" or "worker".
        index: within its job.
        address: "host:port", where it listens.
    """

    job: str
    index: int
    address: str

    def __str__(self) -> str:
        return f"{self.job} {self.index} ({self.address})"

    @property
    def host(self) -> str:
        return self.address.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])


@dataclasses.dataclass(frozen=True)
class Cluster:
    """All workers of the job; the first one writes what the run leaves behind.

    Args:
        workers: in order.
        rank: which of them this process is.
    """

    workers: tuple[Worker, ...]
    rank: int

    @property
    def own(self) -> Worker:
        return self.workers[self.rank]

    @property
    def others(self) -> tuple[Worker, ...]:
        return tuple(w for w in self.workers if w != self.own)


def read_cluster(environment: Mapping[str, str]) -> Cluster:
    """Reads TF_CONFIG, e.g. {"cluster": {"worker": ["a:2222", "b:2222"]}, "task": {"type": "worker", "index": 0}}.

    Raises:
        ValueError: there is none, or it lists no workers, or not this process.
    """
    text = environment.get("TF_CONFIG", "")
    if not text.strip():
        raise ValueError(
            "strategy: multiworker needs the environment variable TF_CONFIG with the addresses of all workers. "
            "Received: none. `ssgan launch` sets it on SLURM and Kubernetes; on one machine use --strategy=mirrored."
        )
    try:
        config = json.loads(text)
        jobs, task = config["cluster"], config["task"]
        workers = tuple(Worker(job, i, str(a)) for job in ("chief", "worker") for i, a in enumerate(jobs.get(job, [])))
        others = sorted(set(jobs) - {"chief", "worker"})
        own = (task["type"], int(task["index"]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            'TF_CONFIG: expected {"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}. '
            f"Received: {text} ({error!r})."
        ) from None
    if others or len(jobs.get("chief", [])) > 1:
        raise ValueError(f"TF_CONFIG: expected the jobs worker and at most one chief. Received: {jobs}.")
    bad = [w.address for w in workers if not re.fullmatch(r"\S+:\d+", w.address) or w.port > 65535]
    if bad:
        raise ValueError(f"TF_CONFIG: expected addresses like node1:12345. Received: {', '.join(bad)}.")
    if len({w.address for w in workers}) < len(workers):
        raise ValueError(f"TF_CONFIG: expected an address of its own for every worker. Received: {jobs}.")
    ranks = [i for i, w in enumerate(workers) if (w.job, w.index) == own]
    if not ranks:
        raise ValueError(f"TF_CONFIG: expected a task that the cluster lists. Received: {task} in {jobs}.")
    return Cluster(workers, ranks[0])


def wait_for_all(
    cluster: Cluster, seconds: float, say: Callable[[str], None], every: float = 60.0, pause: float = 0.5
) -> None:
    """Waits until every worker of the job listens at its address, as this one does meanwhile.

    Args:
        cluster: the job.
        seconds: the longest to wait.
        say: told whom it waits for, after 5 seconds and then `every` so many.
        every: seconds.
        pause: seconds between two looks.

    Raises:
        WorkerMissing: somebody is not there in time, or this worker's own port is in use for as long.
    """
    start = time.monotonic()
    next_word = start + 5.0
    with contextlib.closing(_Listener(cluster.own)) as door:
        while True:
            refusals = {str(worker): _refusal(worker, min(3.0, seconds)) for worker in cluster.others}
            refusals["its own port"] = door.open()
            problems = "; ".join(f"{name}: {why}" for name, why in refusals.items() if why)
            if not problems:
                return
            now = time.monotonic()
            if now - start >= seconds:
                raise WorkerMissing(
                    f"{cluster.own} waited {seconds:.0f} seconds until all {len(cluster.workers)} workers listen. "
                    f"Received: {problems}."
                )
            if now >= next_word:
                say(f"{cluster.own} is waiting for {problems}")
                next_word = now + every
            time.sleep(pause)


class _Listener:
    """The port of a worker that waits for the others: they see by it that it is there."""

    def __init__(self, worker: Worker):
        self._port = worker.port
        self._socket: socket.socket | None = None

    def open(self) -> str:
        """Opens the port if it is not yet; why it cannot be, or nothing."""
        try:
            if self._socket is None:
                both = socket.has_dualstack_ipv6()
                family = socket.AF_INET6 if both else socket.AF_INET
                self._socket = socket.create_server(("", self._port), family=family, dualstack_ipv6=both)
                self._socket.setblocking(False)
            while True:  # a full queue of those who have looked in would turn others away
                self._socket.accept()[0].close()
        except BlockingIOError:
            return ""
        except OSError as error:  # in use: perhaps by a worker of the job before, which is ending
            return error.strerror or str(error)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()


def _refusal(worker: Worker, seconds: float) -> str:
    """Why the worker cannot be reached; nothing where it can."""
    try:
        socket.create_connection((worker.host, worker.port), timeout=seconds).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def first_mentioned(cluster: Cluster, message: str) -> Worker | None:
    """The other worker that a message of TensorFlow's names first, as in /job:worker/replica:0/task:1.

    Those that passed the message on are named after the one that it is about.
    """
    others = {(worker.job, str(worker.index)): worker for worker in cluster.others}
    names = re.findall(r"/job:(\w+)/(?:replica:\d+/)?task:(\d+)", message)
    return next((others[name] for name in names if name in others), None)
