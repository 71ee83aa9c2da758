"""Memory that training needs and that there is: what cannot work is refused, and what may not is warned of."""

import re

import pytest
from absl import logging

from ssgan_tf import config as configs
from ssgan_tf import data
from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.train import memory
from ssgan_tf.train.memory import Limit, Need
from tests.support import faults
from tests.support.training import train

GIB = 2**30
SPEC = CodeSpec((FactorSpec("hue", 3),))


def test_a_process_without_enough_addresses_is_refused_before_tensorflow_aborts_it(inputs, tmp_path):
    result = train(inputs, tmp_path / "run", before=faults.AddressSpace(2 * GIB))
    assert result.code == 2, result.err
    assert re.fullmatch(
        r"error: memory: expected \d\.\d GiB or more, which training needs\. Received: 2\.0 GiB allowed by "
        r"`ulimit -v`\. Raise the limit, or lower model\.network, phases\.batch or data\.memory_gib\.\n",
        result.err,
    )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("limit", "outcome"),
    [
        (Limit("in this machine", 3), "refused"),
        (Limit("in this machine", 4), "warned"),
        (Limit("in this machine", 7), "silent"),
        (Limit("free", 3, hard=False), "warned"),
        (Limit("allowed by `ulimit -v`", 7, Need(4, 5)), "refused"),
        (Limit("allowed by `ulimit -v`", 11, Need(4, 5)), "warned"),
        (Limit("allowed by `ulimit -v`", 12, Need(4, 5)), "silent"),
    ],
)
def test_what_is_needed_is_compared_with_every_limit(limit, outcome, monkeypatch):
    warnings: list[str] = []
    monkeypatch.setattr(logging, "warning", lambda text, *values: warnings.append(text % values))
    large = Limit("in this machine", 100)
    monkeypatch.setattr(memory, "limits", lambda: iter([large, limit, large]))
    if outcome == "refused":
        with pytest.raises(MemoryError, match=re.escape(limit.name)):
            memory.check(Need(4, 7))
    else:
        memory.check(Need(4, 7))
        memory.warn(Need(4, 7))
    assert len(warnings) == (outcome == "warned")
    assert memory.describe(Need(4, 7)).endswith(limit.name)


def test_images_in_memory_and_the_networks_are_counted():
    info = data.DatasetInfo("fake/tiny", 1000, (64, 64, 3), SPEC)
    small, large = (configs.load_config(name) for name in ("demo", "dsprites"))
    assert memory.needed(small, info).least - memory.needed(small).least == 1000 * 64 * 64 * 3
    on_disk = data.DatasetInfo("fake/tiny", 1000, (64, 64, 3), SPEC, in_memory=False)
    assert memory.needed(small, on_disk) == memory.needed(small)
    assert 0.5 * GIB < memory.needed(small).least < memory.needed(small).expected < 3 * GIB
    assert memory.needed(large).least > 1.1 * GIB  # 47.9 million weights, their average and moments
    assert memory.needed(large, replicas=2).expected < memory.needed(large).expected


def test_the_limits_of_this_machine_are_read():
    found = {limit.name: limit.size for limit in memory.limits()}
    assert found["in this machine"] >= found["free"] > 0.1 * GIB


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ("0::/a/b\n", ["memory.max", "a/memory.max", "a/b/memory.max"]),
        ("0::/\n", ["memory.max"] * 2),
        ("4:memory:/a\n1:cpu:/b\n0::/\n", ["memory/memory.limit_in_bytes", "memory/a/memory.limit_in_bytes"]),
        ("", []),
    ],
)
def test_a_limit_of_any_group_around_the_process_counts(listed, expected):
    found = [path.removeprefix("/sys/fs/cgroup/") for path in memory._control_groups(listed)]
    assert found[: len(expected)] == expected
