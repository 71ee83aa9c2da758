"""Strategies: one device, all devices of a machine, or several workers; and communication between the workers."""

import os
import signal
import zlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from ssgan_tf.train.distribution import cluster as clusters
from ssgan_tf.train.distribution.cluster import Cluster, first_mentioned, read_cluster, wait_for_all

STRATEGIES = ("default", "mirrored", "multiworker")
_CONNECTION_ERRORS = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.UnavailableError,
)


def make_strategy(name: str) -> tf.distribute.Strategy:
    """Makes a strategy.

    Args:
        name: "default" for one device; "mirrored" for all GPUs of this machine, or all logical CPUs if it has none;
            "multiworker" for the workers listed in the environment variable TF_CONFIG, once all of them have started.

    Raises:
        ValueError: The name is unknown, or TF_CONFIG is missing or wrong.
        WorkerMissing: A worker did not start.
    """
    if name == "default":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
        return tf.distribute.MirroredStrategy([d.name for d in tf.config.list_logical_devices(kind)])
    if name == "multiworker":
        return _connect(read_cluster(os.environ))
    raise ValueError(f"strategy: expected one of {', '.join(STRATEGIES)}. Received: {name!r}.")


def _connect(cluster: Cluster) -> tf.distribute.Strategy:
    """Waits for all workers and connects them; returns their strategy."""
    wait_for_all(cluster, clusters.MEET_SECONDS, report=lambda text: print(text, flush=True))
    # TensorFlow blocks the interpreter while it connects them, so only a signal that kills the process can end that.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(clusters.CONNECT_SECONDS)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    finally:
        signal.alarm(0)
        # TensorFlow has replaced SIGTERM's handler by one that only records the signal, so a SIGTERM during these
        # seconds is lost. From here on it ends the process again, and during training StopOnSignal handles it.
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Returns whether this process writes the files of the run: a single process, or the first of several workers."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.task_type:
        return True
    return resolver.task_type == "chief" or (resolver.task_id == 0 and "chief" not in resolver.cluster_spec().jobs)


def make_all_gather(strategy: tf.distribute.Strategy) -> Callable[[Sequence[float]], np.ndarray]:
    """Returns a function from this worker's n numbers (float32) to those of all replicas, [R,n].

    All workers must call it at the same time. A worker with several devices has one equal row for each of them.
    """
    count = strategy.num_replicas_in_sync

    def gather_in_replica(numbers):
        context = tf.distribute.get_replica_context()
        own_row = tf.one_hot(context.replica_id_in_sync_group, count)[:, None] * numbers[None]  # [R,n]
        return context.all_reduce(tf.distribute.ReduceOp.SUM, own_row)

    @tf.function
    def gather(numbers):
        return strategy.experimental_local_results(strategy.run(gather_in_replica, args=(numbers,)))[0]

    return lambda numbers: gather(tf.constant(numbers, tf.float32)).numpy()


def make_all_reduce_max(strategy: tf.distribute.Strategy) -> Callable[[int], int] | None:
    """Returns a function that each worker calls with a number and that returns the largest; None for one process.

    All workers must call it at the same points between their steps.
    """
    if worker_count(strategy) == 1:
        return None
    all_gather = make_all_gather(strategy)
    return lambda number: int(all_gather([number]).max())


def worker_count(strategy: tf.distribute.Strategy) -> int:
    """Returns the number of processes that train together."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.task_type:
        return 1
    return sum(resolver.cluster_spec().num_tasks(job) for job in resolver.cluster_spec().jobs)


def check_equal_across_workers(strategy: tf.distribute.Strategy, values: Mapping[str, bytes]) -> None:
    """Checks that all workers have the same input. Otherwise they would train on different data, or wait forever.

    Args:
        strategy: Strategy of the workers.
        values: {name: value of this worker}; names are for the message.

    Raises:
        ValueError: A value differs; all workers raise it.
    """
    if worker_count(strategy) == 1:
        return
    checksums = [zlib.crc32(value) % 2**24 for value in values.values()]  # float32 represents 24 bits exactly
    gathered = make_all_gather(strategy)(checksums)
    different = [name for name, column in zip(values, gathered.T, strict=True) if len(set(column)) > 1]
    if different:
        raise ValueError(
            f"strategy: multiworker needs the same {' and '.join(different)} on all workers. Received: different "
            "values. Start all workers with the same flags and a shared --workdir."
        )


def lost_worker(error: tf.errors.OpError) -> str | None:
    """Returns the worker that disconnected if `error` is what its peers see when that happens; otherwise None.

    A killed worker is noticed at once, because its connections close. If its machine or network fails, the others
    notice after 10 to 20 seconds without a heartbeat.
    """
    text = str(error)
    alone = not os.environ.get("TF_CONFIG")
    if alone or not (isinstance(error, _CONNECTION_ERRORS) or "Collective ops is aborted" in text):
        return None
    return str(first_mentioned(read_cluster(os.environ), text) or "another worker")
