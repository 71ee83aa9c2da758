"""Strategies: their names, the worker that writes, and communication between workers.

What workers compute is tested in test_two_devices.py, a lost worker in test_cluster.py.
"""

from types import SimpleNamespace

import pytest
import tensorflow as tf

from ssgan_tf.train.distribution.strategy import (
    check_equal_across_workers,
    is_chief,
    make_all_gather,
    make_all_reduce_max,
    make_strategy,
    worker_count,
)


def test_strategies_by_name(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert make_strategy("default") is tf.distribute.get_strategy()
    mirrored = make_strategy("mirrored")
    assert isinstance(mirrored, tf.distribute.MirroredStrategy)
    assert mirrored.num_replicas_in_sync == len(tf.config.list_logical_devices("CPU"))
    with pytest.raises(ValueError, match="^strategy: multiworker needs the environment variable TF_CONFIG"):
        make_strategy("multiworker")
    with pytest.raises(ValueError, match="^strategy: expected one of default, mirrored, multiworker. Received"):
        make_strategy("tpu")


@pytest.mark.parametrize(
    ("jobs", "kind", "index", "writes"),
    [
        (["worker"], "worker", 0, True),
        (["worker"], "worker", 1, False),
        (["chief", "worker"], "chief", 0, True),
        (["chief", "worker"], "worker", 0, False),
        ([], "", None, True),  # no TF_CONFIG
    ],
)
def test_one_worker_writes(jobs, kind, index, writes):
    cluster = SimpleNamespace(jobs=jobs)
    resolver = SimpleNamespace(task_type=kind, task_id=index, cluster_spec=lambda: cluster)
    assert is_chief(SimpleNamespace(cluster_resolver=resolver)) is writes


def test_a_single_process_writes():
    assert is_chief(tf.distribute.get_strategy())
    assert is_chief(make_strategy("mirrored"))


@pytest.mark.parametrize(("jobs", "count"), [({"worker": 3}, 3), ({"chief": 1, "worker": 2}, 3), ({"worker": 1}, 1)])
def test_workers_are_counted(jobs, count):
    cluster = SimpleNamespace(jobs=list(jobs), num_tasks=jobs.get)
    resolver = SimpleNamespace(task_type="worker", task_id=0, cluster_spec=lambda: cluster)
    assert worker_count(SimpleNamespace(cluster_resolver=resolver)) == count


def test_a_single_process_communicates_with_nobody():
    for strategy in (tf.distribute.get_strategy(), make_strategy("mirrored")):
        assert worker_count(strategy) == 1
        assert make_all_reduce_max(strategy) is None
        check_equal_across_workers(strategy, {"anything": b"1"})


def test_all_gather_has_a_row_for_every_replica():
    all_gather = make_all_gather(make_strategy("mirrored"))
    assert all_gather([3, 2**24 - 1]).tolist() == [[3, 2**24 - 1]] * len(tf.config.list_logical_devices("CPU"))
