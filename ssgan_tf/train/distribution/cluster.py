"""Workers of a training job, as listed in TF_CONFIG. They wait for each other before TensorFlow connects them.

TensorFlow connects them in one call that waits silently, for up to an hour, and that neither Ctrl-C nor a thread can
interrupt. So the workers first wait for each other here, in plain Python.
"""

import contextlib
import dataclasses
import re
import socket
import time
from collections.abc import Callable, Mapping

from ssgan_tf.utils.readers import parse_json

MEET_SECONDS = 600  # time for all workers to start
CONNECT_SECONDS = 300  # time for TensorFlow to connect them afterwards


class WorkerMissing(RuntimeError):
    """A worker did not start, or was lost. Checkpoints are intact: start all workers again to resume."""


@dataclasses.dataclass(frozen=True)
class Worker:
    """A process of the job.

    Args:
        job: Kind of process, "chief" or "worker".
        index: Number of the process among its kind.
        address: Address it listens at, "host:port".
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
    """All workers of the job; the first one writes the files of the run.

    Args:
        workers: Workers in order, the chief first.
        rank: Position of this process in `workers`.
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
        ValueError: It is missing or malformed, or does not list this process.
    """
    text = environment.get("TF_CONFIG", "")
    if not text.strip():
        raise ValueError(
            "strategy: multiworker needs the environment variable TF_CONFIG with the addresses of all workers. "
            "Received: none. `ssgan launch` sets it on SLURM and Kubernetes; on one machine use --strategy=mirrored."
        )
    received = " ".join(text.split())[:300]
    try:
        config = parse_json(text)
        jobs, task = config["cluster"], config["task"]
        workers = tuple(Worker(job, i, str(a)) for job in ("chief", "worker") for i, a in enumerate(jobs.get(job, [])))
        others = sorted(set(jobs) - {"chief", "worker"})
        own = (task["type"], int(task["index"]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            'TF_CONFIG: expected {"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}. '
            f"Received: {received} ({error!r})."
        ) from None
    if others or len(jobs.get("chief", [])) > 1:
        raise ValueError(f"TF_CONFIG: expected the jobs worker and at most one chief. Received: {received}.")
    bad = [w.address for w in workers if not re.fullmatch(r"\S+:\d+", w.address) or w.port > 65535]
    if bad:
        listed = " ".join(", ".join(bad).split())[:300]
        raise ValueError(f"TF_CONFIG: expected addresses like node1:12345. Received: {listed}.")
    if len({w.address for w in workers}) < len(workers):
        raise ValueError(f"TF_CONFIG: expected a different address for every worker. Received: {received}.")
    ranks = [i for i, w in enumerate(workers) if (w.job, w.index) == own]
    if not ranks:
        task = str(task)[:100]
        raise ValueError(f"TF_CONFIG: expected a task that the cluster lists. Received: {task} in {received}.")
    return Cluster(workers, ranks[0])


def wait_for_all(
    cluster: Cluster, seconds: float, report: Callable[[str], None], every: float = 60.0, pause: float = 0.5
) -> None:
    """Waits until every worker listens at its address; meanwhile, this one listens at its own.

    Args:
        cluster: Workers of the job.
        seconds: Maximum time to wait.
        report: Function that receives a sentence about the missing workers, after 5 seconds and then regularly.
        every: Seconds between two reports.
        pause: Seconds between two attempts to connect.

    Raises:
        WorkerMissing: A worker does not listen in time, or this worker's own port stays in use.
    """
    start = time.monotonic()
    next_report = start + 5.0
    with contextlib.closing(_Listener(cluster.own)) as listener:
        while True:
            failures = {str(worker): _connection_error(worker, min(3.0, seconds)) for worker in cluster.others}
            failures["its own port"] = listener.open()
            problems = "; ".join(f"{name}: {reason}" for name, reason in failures.items() if reason)
            if not problems:
                return
            now = time.monotonic()
            if now - start >= seconds:
                raise WorkerMissing(
                    f"{cluster.own} waited {seconds:.0f} seconds for all {len(cluster.workers)} workers to listen. "
                    f"Received: {problems}."
                )
            if now >= next_report:
                report(f"{cluster.own} is waiting for {problems}")
                next_report = now + every
            time.sleep(pause)


class _Listener:
    """Listens at a worker's port, which shows the other workers that it has started."""

    def __init__(self, worker: Worker):
        self._port = worker.port
        self._socket: socket.socket | None = None

    def open(self) -> str:
        """Opens the port unless it is open already; returns the error, or "" if there is none."""
        try:
            if self._socket is None:
                both = socket.has_dualstack_ipv6()
                family = socket.AF_INET6 if both else socket.AF_INET
                self._socket = socket.create_server(("", self._port), family=family, dualstack_ipv6=both)
                self._socket.setblocking(False)
            while True:  # empty the queue: if connections of other workers filled it, later ones would be refused
                self._socket.accept()[0].close()
        except BlockingIOError:
            return ""
        except OSError as error:  # the port is in use, perhaps by a worker of the previous job that is still ending
            return error.strerror or str(error)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()


def _connection_error(worker: Worker, seconds: float) -> str:
    """Tries to connect to the worker; returns the error, or "" if it listens."""
    try:
        socket.create_connection((worker.host, worker.port), timeout=seconds).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def first_mentioned(cluster: Cluster, message: str) -> Worker | None:
    """Returns the first other worker that an error message mentions, e.g. as /job:worker/replica:0/task:1.

    TensorFlow mentions the lost worker first, and then the workers that passed the message on.
    """
    others = {(worker.job, str(worker.index)): worker for worker in cluster.others}
    names = re.findall(r"/job:(\w+)/(?:replica:\d+/)?task:(\d+)", message)
    return next((others[name] for name in names if name in others), None)
