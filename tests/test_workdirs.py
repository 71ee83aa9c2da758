"""A run's folder belongs to one process at a time."""

import os
import signal
import subprocess
import sys

import pytest

from ssgan_tf import workdirs

HOLD = """
import sys, time
from ssgan_tf import workdirs
file = workdirs.lock(sys.argv[1])
print("held", flush=True)
time.sleep(600)
"""


def test_a_second_process_is_refused_and_told_who_is_there(tmp_path):
    workdir = str(tmp_path / "new" / "run")
    first = workdirs.lock(workdir)
    message = rf"^--workdir: .*/new/run' is being trained by process {os.getpid()} on \S+\. Wait"
    with pytest.raises(ValueError, match=message):
        workdirs.lock(workdir)
    first.close()
    workdirs.lock(workdir).close()


def test_a_process_that_was_killed_holds_nothing(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        with pytest.raises(ValueError, match=f"trained by process {process.pid}"):
            workdirs.lock(str(tmp_path))
        process.send_signal(signal.SIGKILL)
        process.wait()
    with workdirs.lock(str(tmp_path)) as file:
        file.seek(0)
        assert file.read().startswith(f"process {os.getpid()} on ")
