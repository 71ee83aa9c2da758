"""Two workers train as two devices of one process do."""

import numpy as np
import pytest

from tests.support import faults, two_workers
from tests.support.run_files import checkpoint_steps, logged_steps, read_checkpoint, read_log
from tests.support.training import train


@pytest.mark.slow
def test_two_workers_train_as_two_devices_do(inputs, tmp_path):
    together = tmp_path / "devices"
    result = train(inputs, together, "--strategy=mirrored", "--set=train.images=48", before=faults.Devices(2))
    assert result.code == 0, result.err

    workdir = tmp_path / "workers"
    for images in (32, 48):  # the second time both resume from the first worker's checkpoint
        results = two_workers.train(inputs, workdir, f"--set=train.images={images}")
        assert [result.code for result in results] == [0, 0]
    assert checkpoint_steps(workdir) == checkpoint_steps(together) == [2, 4, 6]
    assert logged_steps(workdir) == logged_steps(together) == [2, 4, 6]
    found, expected = read_checkpoint(workdir, 6), read_checkpoint(together, 6)
    for name, value in expected.items():
        assert np.allclose(found[name], value, rtol=1e-4, atol=1e-6), name
    for line, other in zip(read_log(workdir), read_log(together), strict=True):
        del line["images_per_second"], other["images_per_second"]
        assert line == pytest.approx(other, rel=1e-4)
