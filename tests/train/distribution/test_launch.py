"""ssgan launch: jobs described by SLURM's and Kubernetes's environment, and two workers that are really started."""

import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml

from ssgan_tf.train.distribution.launch import expand_counts, expand_nodes, find_job, read_slurm
from tests.support import fakes, programs, two_workers

SLURM = {
    "SLURM_JOB_ID": "1017",
    "SLURM_STEP_NODELIST": "node[09-10]",
    "SLURM_STEP_TASKS_PER_NODE": "2(x2)",
    "SLURM_PROCID": "2",
    "SLURMD_NODENAME": "node10",
}
PODS = {"JOB_COMPLETION_INDEX": "1", "SSGAN_WORKERS": "3", "SSGAN_HOSTS": "train-{index}.train"}
BY_HAND = {"TF_CONFIG": '{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 1}}'}


# --- SLURM's notation.


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("n1", "n1"),
        ("localhost", "localhost"),
        ("node[01-03,7],other", "node01 node02 node03 node7 other"),
        ("a,b[1,3],c", "a b1 b3 c"),
        ("n[9-11]", "n9 n10 n11"),
        ("n[009-010]", "n009 n010"),
        ("n[1-2]-ib.cluster", "n1-ib.cluster n2-ib.cluster"),
        ("rack[1-2]n[08,10]", "rack1n08 rack1n10 rack2n08 rack2n10"),
        ("[1-2]", "1 2"),
    ],
)
def test_lists_of_machines(text, names):
    assert expand_nodes(text) == names.split()


@pytest.mark.parametrize(
    "text", ["", "n[1-2", "n1-2]", "n[]", "a,,b", "a,", ",a", "n[2-1]", "n[a-b]", "n[1-2-3]", "a b"]
)
def test_malformed_lists_of_machines_are_rejected(text):
    with pytest.raises(ValueError, match="^SLURM_STEP_NODELIST: expected .* Received: "):
        expand_nodes(text)


def test_counts_of_tasks():
    assert expand_counts("2(x3),1") == [2, 2, 2, 1]
    assert expand_counts("4") == [4]
    for text in ("", "2(3)", "x", "1,,1"):
        with pytest.raises(ValueError, match="^SLURM_STEP_TASKS_PER_NODE: expected numbers like"):
            expand_counts(text)


# --- The job.


@pytest.mark.parametrize(
    ("environment", "by", "workers", "index"),
    [
        (SLURM, "SLURM job 1017", "node09:12272 node09:12273 node10:12274 node10:12275", 2),
        ({**SLURM, "SSGAN_PORT": "900"}, "SLURM job 1017", "node09:900 node09:901 node10:902 node10:903", 2),
        (PODS, "Kubernetes job", "train-0.train:12345 train-1.train:12345 train-2.train:12345", 1),
        ({**PODS, "SSGAN_PORT": "80"}, "Kubernetes job", "train-0.train:80 train-1.train:80 train-2.train:80", 1),
        (BY_HAND, "TF_CONFIG", "a:1 b:2", 1),
        ({**SLURM, **PODS, **BY_HAND}, "TF_CONFIG", "a:1 b:2", 1),
    ],
)
def test_jobs_are_found(environment, by, workers, index):
    found, text = find_job(environment)
    assert found == by
    assert json.loads(text) == {"cluster": {"worker": workers.split()}, "task": {"type": "worker", "index": index}}


def test_machines_are_numbered_in_slurms_order_not_alphabetically():
    two = {**SLURM, "SLURM_STEP_NODELIST": "node[2,10]", "SLURM_STEP_TASKS_PER_NODE": "1(x2)", "SLURM_PROCID": "1"}
    addresses, rank = read_slurm(two)
    assert addresses[rank].startswith("node10:")


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "expected TF_CONFIG, SLURM_JOB_ID .* Received: none of them. By hand, .*TF_CONFIG='{"),
        ({"SLURM_JOB_ID": "1"}, "SLURM_STEP_NODELIST: .* Write srun before ssgan launch"),
        ({**SLURM, "SLURM_STEP_TASKS_PER_NODE": "2"}, "a number for each of the 2 machines .*Received: '2'"),
        ({**SLURM, "SLURM_PROCID": "4"}, "SLURM_PROCID: expected a number from 0 to 3. Received: '4'"),
        ({**SLURM, "SLURM_PROCID": ""}, "SLURM_PROCID: .* Received: ''"),
        ({**SLURM, "SLURMD_NODENAME": "node09"}, "expected task 2 on node10, .* Received: node09. .*=block"),
        ({**PODS, "SSGAN_HOSTS": "train"}, "SSGAN_HOSTS: expected the pods' names with {index}"),
        ({**PODS, "SSGAN_WORKERS": "1"}, "JOB_COMPLETION_INDEX: expected a number from 0 to 0. Received: '1'"),
        ({**PODS, "SSGAN_PORT": "70000"}, "SSGAN_PORT: expected a number from 0 to 65535"),
    ],
)
def test_missing_variables_are_named(environment, message):
    with pytest.raises(ValueError, match=message):
        find_job(environment)


# --- The program.


def clean(**variables: str) -> dict[str, str]:
    """Returns this process's environment with `variables`, and without others that describe a job."""
    plain = {k: v for k, v in os.environ.items() if not re.match("TF_CONFIG|SLURM|SSGAN|JOB_COMPLETION", k)}
    return {**plain, **variables}


def launch(repository: Path, *flags: str, **variables: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "ssgan_tf", "launch", *flags]
    return subprocess.run(command, env=clean(**variables), cwd=repository, capture_output=True, text=True, timeout=300)


def test_print_shows_the_command_and_starts_nothing(repository, tmp_path):
    (tmp_path / "tensorflow.py").write_text("raise SystemExit('TensorFlow is not needed to print a command')")
    done = launch(repository, "--print", "--config=x y", PYTHONPATH=str(tmp_path), **SLURM)
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert first == "SLURM job 1017: this is worker 2 (node10:12274), of 4; worker 0 (node09:12272) writes."
    setting, *command = shlex.split(second)
    assert json.loads(setting.removeprefix("TF_CONFIG="))["task"] == {"type": "worker", "index": 2}
    assert command == [sys.executable, "-m", "ssgan_tf.train", "--strategy=multiworker", "--config=x y"]


def test_help_and_bad_input(repository):
    assert "JOB_COMPLETION_INDEX" in launch(repository, "--help").stdout
    for flags, variables, message in [
        ([], {}, "error: expected TF_CONFIG, SLURM_JOB_ID "),
        ([], {"TF_CONFIG": "{"}, "error: TF_CONFIG: expected {"),
        (["--strategy=default"], BY_HAND, "error: --strategy: expected none"),
    ]:
        done = launch(repository, *flags, **variables)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(message) and done.stderr.count("\n") == 1


def test_two_tasks_train_as_one_process_does(repository, tmp_path):
    """Starts two tasks of SLURM on one machine; the process of the launcher becomes the training."""
    fakes.prepare(tmp_path / "data")
    (tmp_path / "tiny.py").write_text(fakes.CONFIG)
    flags = [f"--config={tmp_path}/tiny.py", f"--data_dir={tmp_path}/data", "--set=train.images=32"]
    flags += ["--set=model.network.stddev_group=1"]  # so that groups are the same on any number of workers
    alone = programs.run("ssgan_tf.train", *flags, f"--workdir={tmp_path}/alone")
    assert alone.code == 0, alone.err

    step = {"SLURM_JOB_ID": "1", "SLURM_STEP_NODELIST": "127.0.0.1", "SLURM_STEP_TASKS_PER_NODE": "2"}
    step["SSGAN_PORT"] = str(two_workers.free_ports(2)[0])
    command = [sys.executable, "-m", "ssgan_tf", "launch", *flags, f"--workdir={tmp_path}/launched"]
    environments = [clean(**step, SLURM_PROCID=str(i)) for i in range(2)]
    pipe = subprocess.PIPE
    tasks = [subprocess.Popen(command, env=e, cwd=repository, stdout=pipe, stderr=pipe) for e in environments]
    for i, task in enumerate(tasks):
        out, err = task.communicate(timeout=300)
        assert task.returncode == 0, err.decode()
        assert out.decode().startswith(f"SLURM job 1: this is worker {i} (127.0.0.1:")
        assert "runs on      2 CPU" in out.decode()
    assert f"process {tasks[0].pid} " in (tmp_path / "launched/lock").read_text()

    two_workers.assert_equal_up_to_rounding(tmp_path / "launched", tmp_path / "alone", 4)


# --- docs/distribution.md.


@pytest.fixture(scope="module")
def blocks(repository) -> dict[str, str]:
    """Code blocks of the page, by language."""
    text = (repository / "docs/distribution.md").read_text()
    return dict(re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL))


def test_the_documented_command_by_hand(repository, blocks):
    script = re.sub(r"^ssgan launch", f"{sys.executable} -m ssgan_tf launch --print", blocks[""], flags=re.MULTILINE)
    done = subprocess.run(["bash", "-ec", script], cwd=repository, env=clean(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("TF_CONFIG: this is worker 0 (first:12345), of 2; ")


@pytest.mark.parametrize(
    ("codes", "restarts", "again"),
    [((0, 0), 0, False), ((2, 2), 0, False), ((75, 75), 0, True), ((137, 75), 3, True), ((143, 143), 20, False)],
)
def test_the_documented_batch_script(repository, blocks, tmp_path, codes, restarts, again):
    """Runs it with a stand-in for srun, which starts both tasks with --print and returns the higher code of both."""
    (tmp_path / "srun").write_text(
        textwrap.dedent(f"""\
        #!/bin/bash
        [ "$1 $2" = "--kill-on-bad-exit=0 ssgan" ] && shift 2
        export SLURM_STEP_NODELIST=node[1-2] SLURM_STEP_TASKS_PER_NODE='1(x2)'
        for SLURM_PROCID in 0 1; do
          export SLURM_PROCID
          {sys.executable} -m ssgan_tf "$@" --print || exit 1
        done
        exit {max(codes)}
        """)
    )
    (tmp_path / "scontrol").write_text(f'#!/bin/bash\necho "$@" > {tmp_path}/asked\n')
    for name in ("srun", "scontrol"):
        (tmp_path / name).chmod(0o755)
    variables = {"SLURM_JOB_ID": "7", "SLURM_RESTART_COUNT": str(restarts), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    script = ["bash", "-c", blocks["sh"]]
    done = subprocess.run(script, cwd=repository, env=clean(**variables), capture_output=True, text=True)
    assert done.returncode == max(codes), done.stderr
    assert "SLURM job 7: this is worker 1 (node2:12113), of 2; worker 0 (node1:12112) writes." in done.stdout
    assert "--strategy=multiworker --config=demo --workdir=/shared/runs/demo" in done.stdout
    assert (tmp_path / "asked").exists() is again
    assert not again or (tmp_path / "asked").read_text() == "requeue 7\n"


def test_the_documented_kubernetes_job(repository, blocks):
    service, job = yaml.safe_load_all(blocks["yaml"])
    template = job["spec"]["template"]["spec"]
    (container,) = template["containers"]
    variables = {variable["name"]: variable["value"] for variable in container["env"]}
    assert int(variables["SSGAN_WORKERS"]) == job["spec"]["completions"] == job["spec"]["parallelism"]
    assert template["subdomain"] == service["metadata"]["name"]
    assert service["spec"]["selector"] == {"job-name": job["metadata"]["name"]}
    assert container["command"][:2] == ["ssgan", "launch"]
    done = launch(repository, *container["command"][2:], "--print", JOB_COMPLETION_INDEX="1", **variables)
    name, domain = job["metadata"]["name"], template["subdomain"]
    assert done.stdout.startswith(f"Kubernetes job: this is worker 1 ({name}-1.{domain}:12345), of 2;"), done.stderr
