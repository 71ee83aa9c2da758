"""Distribution: which strategy a name means, and which worker writes. What they compute: tests/test_train.py."""

from types import SimpleNamespace

import pytest
import tensorflow as tf

from ssgan_tf import distribution


def test_names():
    assert distribution.make_strategy("default") is tf.distribute.get_strategy()
    mirrored = distribution.make_strategy("mirrored")
    assert isinstance(mirrored, tf.distribute.MirroredStrategy)
    assert mirrored.num_replicas_in_sync == len(tf.config.list_logical_devices("CPU"))
    with pytest.raises(ValueError, match="^--strategy: expected one of default, mirrored, multiworker. Received"):
        distribution.make_strategy("tpu")


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
    assert distribution.is_chief(SimpleNamespace(cluster_resolver=resolver)) is writes


def test_without_workers_the_process_writes():
    assert distribution.is_chief(tf.distribute.get_strategy())
    assert distribution.is_chief(distribution.make_strategy("mirrored"))
