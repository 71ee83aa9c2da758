"""Where the training runs: one device, all local devices, or several workers, and what workers say to each other."""

import os
import signal
import zlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from ssgan_tf.train.distribution.cluster import Cluster, first_mentioned, read_cluster, wait_for_all

STRATEGIES = ("default", "mirrored", "multiworker")
MEET_SECONDS = 600  # the longest that workers wait for one another to start
CONNECT_SECONDS = 300  # and for TensorFlow to connect them when all are there
_OF_CONNECTIONS = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.UnavailableError,
)


def make_strategy(name: str) -> tf.distribute.Strategy:
    """Makes the strategy called `name`, one of STRATEGIES.

    default: one device. mirrored: all GPUs of this machine (all logical devices where there is no GPU).
    multiworker: the workers that the environment variable TF_CONFIG lists, when all of them are there.

    Raises:
        ValueError: for another name, or a TF_CONFIG that is none.
        WorkerMissing: a worker does not start.
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
    """The strategy of all workers, which are waited for."""
    wait_for_all(cluster, MEET_SECONDS, lambda text: print(text, flush=True))
    # TensorFlow holds the interpreter while it connects them: only a signal that kills could end that.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(CONNECT_SECONDS)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    finally:
        signal.alarm(0)
        # It has taken SIGTERM for itself, only to note it (one sent in these seconds is lost). From here on it ends
        # the process again, and in training StopOnSignal has it.
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Does this process write what the run leaves behind? All do but the second and later workers."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.task_type:
        return True
    return resolver.task_type == "chief" or (resolver.task_id == 0 and "chief" not in resolver.cluster_spec().jobs)


def make_exchange(strategy: tf.distribute.Strategy) -> Callable[[Sequence[float]], np.ndarray]:
    """A function that all workers call alike: each gives n numbers (as float32), and gets those of all replicas [R,n].

    Numbers of replicas rather than workers: one for each of a worker's devices, all the same.
    """
    count = strategy.num_replicas_in_sync

    def share(numbers):
        context = tf.distribute.get_replica_context()
        mine = tf.one_hot(context.replica_id_in_sync_group, count)[:, None] * numbers[None]
        return context.all_reduce(tf.distribute.ReduceOp.SUM, mine)

    @tf.function
    def exchange(numbers):
        return strategy.experimental_local_results(strategy.run(share, args=(numbers,)))[0]

    return lambda numbers: exchange(tf.constant(numbers, tf.float32)).numpy()


def make_all_reduce_max(strategy: tf.distribute.Strategy) -> Callable[[int], int] | None:
    """A function that gives all workers the largest of the numbers they call it with; None for a single process.

    All of them must call it equally often, at the same places among their steps.
    """
    if worker_count(strategy) == 1:
        return None
    exchange = make_exchange(strategy)
    return lambda number: int(exchange([number]).max())


def worker_count(strategy: tf.distribute.Strategy) -> int:
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.task_type:
        return 1
    return sum(resolver.cluster_spec().num_tasks(job) for job in resolver.cluster_spec().jobs)


def check_equal_across_workers(strategy: tf.distribute.Strategy, what: Mapping[str, bytes]) -> None:
    """Refuses workers that were not started alike: they would train on different things, or wait for ever.

    Args:
        strategy: theirs.
        what: {name: what must be the same on all of them}.

    Raises:
        ValueError: naming what differs; on all workers alike.
    """
    if worker_count(strategy) == 1:
        return
    sums = [zlib.crc32(value) % 2**24 for value in what.values()]  # float32 holds 24 bits
    received = make_exchange(strategy)(sums)
    bad = [name for name, column in zip(what, received.T, strict=True) if len(set(column)) > 1]
    if bad:
        raise ValueError(
            f"strategy: multiworker needs the same {' and '.join(bad)} on all workers. Received: "
            "different ones. Start all of them with the same flags, with --workdir a folder that they share."
        )


def lost_worker(error: tf.errors.OpError) -> str | None:
    """Who is gone, where TensorFlow's error is one of those that a worker's end leaves the others with; else None.

    A killed one is noticed at once, by its closed connection; one whose machine or network is gone after 10 to 20
    seconds without a heartbeat.
    """
    text = str(error)
    alone = not os.environ.get("TF_CONFIG")
    if alone or not (isinstance(error, _OF_CONNECTIONS) or "Collective ops is aborted" in text):
        return None
    return str(first_mentioned(read_cluster(os.environ), text) or "another worker")
