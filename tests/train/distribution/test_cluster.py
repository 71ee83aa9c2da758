"""Workers of a job: waiting for each other, losing one of them, and stopping together.

Runs are two processes on this machine, which train on the tiny data set of tests/support/fakes.py.
"""

import dataclasses
import json
import re
import signal
import socket
import threading
import time
from pathlib import Path

import pytest
import tensorflow as tf

from ssgan_tf.train.distribution import cluster, strategy
from ssgan_tf.train.distribution.cluster import (
    Cluster,
    Worker,
    WorkerMissing,
    first_mentioned,
    read_cluster,
    wait_for_all,
)
from tests.support import faults, programs, two_workers
from tests.support.faults import nothing
from tests.support.run_files import checkpoint_steps, contents
from tests.support.training import train

TWO = '{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 1}}'


# --- TF_CONFIG.


def test_tf_config_is_read():
    cluster = read_cluster({"TF_CONFIG": TWO})
    assert [str(w) for w in cluster.workers] == ["worker 0 (a:1)", "worker 1 (b:2)"]
    assert cluster.own == Worker("worker", 1, "b:2")
    assert cluster.others == (Worker("worker", 0, "a:1"),)


def test_a_chief_comes_first_and_addresses_may_be_ipv6():
    jobs = {"worker": ["a:1", "[::1]:2"], "chief": ["c:3"]}
    task = {"type": "worker", "index": "0"}  # some launchers write it as text
    cluster = read_cluster({"TF_CONFIG": json.dumps({"cluster": jobs, "task": task})})
    assert [(w.job, w.host, w.port) for w in cluster.workers] == [
        ("chief", "c", 3),
        ("worker", "a", 1),
        ("worker", "::1", 2),
    ]
    assert cluster.rank == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "^strategy: multiworker needs the environment variable TF_CONFIG .*Received: none. `ssgan launch`"),
        (" ", "Received: none"),
        ("{", "^TF_CONFIG: expected {.*Received: { "),
        ("[]", r"Received: \[\]"),
        ('{"cluster": {"worker": ["a:1"]}}', "KeyError.'task'"),
        (TWO.replace("1}", "2}"), "expected a task that the cluster lists. Received: {'type': 'worker', 'index': 2}"),
        (TWO.replace("b:2", "b"), "expected addresses like node1:12345. Received: b"),
        (TWO.replace("b:2", "b:70000"), "Received: b:70000"),
        (TWO.replace("b:2", "a:1"), "expected a different address for every worker"),
        (TWO.replace('"worker": [', '"ps": ["c:3"], "worker": ['), "the jobs worker and at most one chief"),
    ],
)
def test_other_tf_configs_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        read_cluster({} if text is None else {"TF_CONFIG": text})


@pytest.mark.parametrize(
    ("message", "worker"),
    [
        ("Collective ops is aborted by: Error reported from /job:worker/task:2: Task /job:worker/replica:0/task:2", 2),
        ("Connection reset by peer\nfrom /job:worker/replica:0/task:2 while calling, from /job:worker/task:0", 2),
        ("from /job:worker/task:1, of /job:worker/replica:0/task:0 while calling CoordinationService/Heartbeat", 0),
        ("Socket closed", None),
        ("/job:worker/task:1", None),  # this worker itself
        ("/job:worker/task:20", None),
    ],
)
def test_the_worker_that_an_error_mentions_first(message, worker):
    cluster = Cluster(tuple(Worker("worker", i, f"a:{i}") for i in range(3)), 1)
    assert first_mentioned(cluster, message) == (None if worker is None else cluster.workers[worker])


def test_only_errors_of_connections_mean_a_lost_worker(monkeypatch):
    lost = tf.errors.UnavailableError(None, None, "Connection reset by peer, /job:worker/replica:0/task:0")
    aborted = tf.errors.InternalError(None, None, "Collective ops is aborted by: something")
    broken = tf.errors.InvalidArgumentError(None, None, "shapes, /job:worker/replica:0/task:0")
    assert strategy.lost_worker(lost) is None  # there are no other workers
    monkeypatch.setenv("TF_CONFIG", TWO)
    assert strategy.lost_worker(lost) == "worker 0 (a:1)"
    assert strategy.lost_worker(aborted) == "another worker"
    assert strategy.lost_worker(broken) is None


# --- Waiting for each other.


def clusters(count: int) -> list[Cluster]:
    """Returns the cluster of a job on free ports of this machine, as each of its workers sees it."""
    workers = tuple(Worker("worker", i, f"localhost:{p}") for i, p in enumerate(two_workers.free_ports(count)))
    return [Cluster(workers, i) for i in range(count)]


def test_workers_wait_until_all_have_started():
    reports: list[str] = []
    ends: list[float] = []

    def arrive(cluster, after):
        time.sleep(after)
        wait_for_all(cluster, 60, reports.append, pause=0.05)
        ends.append(time.monotonic())
        with socket.create_server(("", cluster.own.port)):  # TensorFlow's next action
            time.sleep(1)

    start = time.monotonic()
    threads = [threading.Thread(target=arrive, args=(c, 0.7 * i)) for i, c in enumerate(clusters(3))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(ends) == 3 and min(ends) - start > 1.3
    assert reports == [], "nobody waited for long"


def test_a_worker_that_does_not_listen_is_named():
    cluster, reports = clusters(3)[1], []
    with socket.create_server(("", cluster.workers[0].port)):
        with pytest.raises(WorkerMissing) as error:
            wait_for_all(cluster, 5.5, reports.append, every=0.2, pause=0.1)
    last = cluster.workers[2]
    assert str(error.value).startswith(
        f"{cluster.own} waited 6 seconds for all 3 workers to listen. Received: {last}: "
    )
    assert len(reports) >= 2 and set(reports) == {f"{cluster.own} is waiting for {last}: Connection refused"}


def test_a_port_in_use_is_waited_for():
    cluster = clusters(1)[0]
    with socket.create_server(("", cluster.own.port)):
        with pytest.raises(WorkerMissing, match="its own port: Address already in use"):
            wait_for_all(cluster, 0.2, print, pause=0.05)
    wait_for_all(cluster, 0.2, print, pause=0.05)


def test_many_connections_do_not_fill_the_queue():
    cluster = clusters(2)[0]
    waiting = threading.Thread(target=wait_for_all, args=(cluster, 60, print), kwargs={"pause": 0.01})
    waiting.start()
    time.sleep(0.2)
    for _ in range(400):  # more than any queue holds
        socket.create_connection(("localhost", cluster.own.port), timeout=5).close()
    with socket.create_server(("", cluster.others[0].port)):
        waiting.join(10)
    assert not waiting.is_alive()


# --- A lost worker.


def codes(results: list[programs.Result]) -> list[int]:
    return [result.code for result in results]


SHORT = "--set=train.images=64"  # 8 steps
KILLED = re.compile(
    r"error: worker (\d) \(localhost:\d+\) is gone: .* Start all workers again: they resume from "
    r"(the checkpoint of step 4|the start)\."
)


@pytest.fixture(scope="module")
def undisturbed(inputs, tmp_path_factory) -> Path:
    workdir = tmp_path_factory.mktemp("runs") / "undisturbed"
    assert codes(two_workers.train(inputs, workdir, SHORT)) == [0, 0]
    return workdir


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_worker_ends_the_job_which_resumes_when_started_again(victim, inputs, undisturbed, tmp_path):
    happens = [nothing, nothing]
    happens[victim] = faults.SignalAt(5, signal.SIGKILL)
    start = time.monotonic()
    results = two_workers.train(inputs, tmp_path, SHORT, happens=happens)
    assert time.monotonic() - start < 120
    assert results[victim].code == -signal.SIGKILL
    other = results[1 - victim]
    assert other.code == 75, other.err
    assert "Traceback" not in other.err
    (who, _) = KILLED.fullmatch(other.err.splitlines()[-1]).groups()
    assert int(who) == victim
    assert checkpoint_steps(tmp_path) == [2, 4]

    results = two_workers.train(inputs, tmp_path, SHORT)
    assert codes(results) == [0, 0], results[0].err + results[1].err
    assert "Resuming from step 4 (32 images)." in results[0].out
    assert contents(tmp_path) == contents(undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_worker_that_hangs_ends_the_job(victim, inputs, tmp_path):
    """Stops a worker without closing its connections, as a failing machine or network does; only heartbeats end."""
    happens = [nothing, nothing]
    happens[victim] = faults.SignalAt(5, signal.SIGSTOP)
    start = time.monotonic()
    results = two_workers.train(inputs, tmp_path, SHORT, happens=happens, timeout=75)
    assert 75 <= time.monotonic() - start < 85, "the test kills the one that hangs"
    assert results[1 - victim].code == 75, results[1 - victim].err
    assert KILLED.fullmatch(results[1 - victim].err.splitlines()[-1])[1] == str(victim)


@dataclasses.dataclass(frozen=True)
class WaitFor:
    """Sets the time that workers wait for each other, and for TensorFlow to connect them."""

    seconds: int

    def __call__(self):
        cluster.MEET_SECONDS = cluster.CONNECT_SECONDS = self.seconds


def test_a_worker_that_never_starts_is_named(inputs, tmp_path):
    addresses = tuple(f"localhost:{port}" for port in two_workers.free_ports(2))
    before = faults.Both(faults.Worker(addresses, 0), WaitFor(6))
    result = train(inputs, tmp_path / "run", "--strategy=multiworker", before=before, timeout=60)
    assert result.code == 75
    missing = f"worker 1 ({addresses[1]}): Connection refused"
    assert result.out == f"worker 0 ({addresses[0]}) is waiting for {missing}\n"
    assert result.err == (
        f"error: worker 0 ({addresses[0]}) waited 6 seconds for all 2 workers to listen. Received: {missing}.\n"
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_worker_lost_before_tensorflow_connects_it_ends_the_job(inputs, tmp_path):
    """TensorFlow then waits in a call that only a signal that kills the process can end."""
    ports = two_workers.free_ports(2)
    before = faults.Both(faults.Worker(tuple(f"localhost:{port}" for port in ports), 0), WaitFor(8))
    with socket.create_server(("", ports[1])):  # it listens and never answers
        result = train(inputs, tmp_path / "run", "--strategy=multiworker", before=before, timeout=60)
    assert result.code == -signal.SIGALRM
    assert not (tmp_path / "run").exists()


def test_multiworker_without_workers_is_refused(inputs, tmp_path):
    result = train(inputs, tmp_path / "run", "--strategy=multiworker")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "multiworker needs the environment variable TF_CONFIG" in result.err


@pytest.mark.slow
def test_workers_that_were_started_differently_are_refused(inputs, tmp_path):
    own = [["--set=model.gamma_g=3"], ["--set=model.gamma_g=4"]]
    results = two_workers.train(inputs, tmp_path / "run", own=own)
    for result in results:
        assert result.code == 2, result.err
        assert "multiworker needs the same --config, --set and data on all workers" in result.err
    assert not (tmp_path / "run").exists()

    assert codes(two_workers.train(inputs, tmp_path / "one", "--set=train.images=16")) == [0, 0]
    own = [[f"--workdir={tmp_path}/one"], [f"--workdir={tmp_path}/two"]]
    for result in two_workers.train(inputs, tmp_path / "two", own=own):
        assert result.code == 2, result.err
        assert "multiworker needs the same checkpoint to resume from on all workers" in result.err


# --- Stopping together.


@pytest.mark.slow
@pytest.mark.parametrize("who", [1, pytest.param(0, marks=pytest.mark.slow)])
def test_a_signal_at_one_worker_stops_all_after_the_same_step(who, inputs, tmp_path):
    happens = [nothing, nothing]
    happens[who] = faults.SignalAt(5, signal.SIGTERM)
    results = two_workers.train(inputs, tmp_path, SHORT, happens=happens)
    assert codes(results) == [143, 143], results[0].err + results[1].err
    assert checkpoint_steps(tmp_path) == [2, 4, 5]
    for result in results:
        assert result.out.endswith("Stopped at 40 images with everything saved. The same command resumes from there.\n")


@pytest.mark.slow
def test_signals_at_different_moments_stop_all_after_the_same_step(inputs, tmp_path):
    happens = [faults.SignalAt(6, signal.SIGINT), faults.SignalAt(5, signal.SIGINT)]
    results = two_workers.train(inputs, tmp_path, SHORT, happens=happens)
    assert codes(results) == [130, 130]
    assert checkpoint_steps(tmp_path) == [2, 4, 5]


@pytest.mark.slow
def test_minutes_of_one_worker_stop_all(inputs, tmp_path):
    results = two_workers.train(inputs, tmp_path, SHORT, own=[[], ["--minutes=0.00001"]])
    assert codes(results) == [0, 0]
    assert checkpoint_steps(tmp_path) == [1]


@pytest.mark.slow
def test_a_full_disk_at_the_first_worker_ends_the_others(inputs, small_disk):
    happens = [faults.FillDiskAt(5, str(small_disk)), nothing]
    results = two_workers.train(inputs, small_disk / "run", SHORT, happens=happens)
    assert codes(results) == [2, 75], results[0].err + results[1].err
    assert "No space left on device" in results[0].err.splitlines()[-1]
    assert KILLED.fullmatch(results[1].err.splitlines()[-1])[1] == "0"
    assert checkpoint_steps(small_disk / "run") == [2, 4]


@pytest.mark.slow
def test_all_workers_roll_back_if_a_weight_is_not_finite(inputs, tmp_path):
    happens = [faults.SpoilAt(6), faults.SpoilAt(6)]
    results = two_workers.train(inputs, tmp_path, SHORT, happens=happens)
    assert codes(results) == [0, 0], results[0].err + results[1].err
    for result in results:
        assert "Rolling back to the checkpoint of step 4, to continue without step 6" in result.err
    assert checkpoint_steps(tmp_path)[-1] == 8


# --- Other numbers of workers.


@pytest.mark.slow
def test_a_run_resumes_on_other_numbers_of_workers(inputs, tmp_path):
    """Compares 1 -> 2 -> 1 workers with one device.

    Groups of the minibatch standard deviation are formed within a replica. With one image each they do not depend on
    the number of replicas.
    """
    grouped = ["--set=model.network.stddev_group=1"]

    def alone(workdir: Path, images: int) -> programs.Result:
        result = train(inputs, workdir, *grouped, f"--set=train.images={images}")
        assert result.code == 0, result.err
        return result

    alone(tmp_path / "straight", 72)
    workdir = tmp_path / "changing"
    alone(workdir, 24)
    results = two_workers.train(inputs, workdir, *grouped, "--set=train.images=48")
    assert codes(results) == [0, 0]
    assert "Resuming on 2 devices a run that began on 1" in results[0].out
    assert "Resuming on 1 device a run that began on 2" in alone(workdir, 72).out
    assert checkpoint_steps(workdir)[-1] == 9
    two_workers.assert_equal_up_to_rounding(workdir, tmp_path / "straight", 9)
