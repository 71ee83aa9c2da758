"""Starts one worker of a training job on several machines; the environment says which worker it is.

    srun ssgan launch --config=demo --workdir=runs/demo --data_dir=data

Sets TF_CONFIG and becomes `python -m ssgan_tf.train --strategy=multiworker <flags>`, so signals reach that program and
its exit code is returned. With --print it only shows what it would start. The first of these that is set is used:

    TF_CONFIG                                   used unchanged
    SLURM_STEP_NODELIST, SLURM_PROCID, ...      set by srun, which starts one worker for each task
    JOB_COMPLETION_INDEX                        set in a Kubernetes Indexed Job, whose manifest also sets SSGAN_WORKERS,
                                                the number of workers, and SSGAN_HOSTS, their names, for example
                                                train-{index}.train

SSGAN_PORT replaces the default port that workers listen on.
"""

import itertools
import json
import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence

from ssgan_tf.train.distribution.cluster import read_cluster

_BAD_INPUT = 2  # exit code
_PORT = 12345  # for workers in pods, each of which has its own address

# tf.distribute.cluster_resolver.SlurmClusterResolver of TensorFlow 2.15 is not used. It numbers the machines
# alphabetically (node10 before node2), unlike SLURM, so tasks would get each other's addresses; it fails on machines
# without a GPU or without nvidia-smi; and importing TensorFlow takes seconds.


def main(arguments: Sequence[str] | None = None) -> int:
    """Becomes the training program; returns an exit code if it does not."""
    flags = list(sys.argv[1:] if arguments is None else arguments)
    if {"-h", "--help", "--helpfull"} & set(flags):
        print(__doc__)
        return 0
    try:
        found, command, environment = plan([flag for flag in flags if flag != "--print"], os.environ)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return _BAD_INPUT
    print(found, flush=True)
    if "--print" in flags:
        print(f"TF_CONFIG={shlex.quote(environment['TF_CONFIG'])} {shlex.join(command)}")
        return 0
    os.execve(command[0], command, environment)


def plan(flags: Sequence[str], environment: Mapping[str, str]) -> tuple[str, list[str], dict[str, str]]:
    """Plans one worker: returns a sentence about it, its command and its environment.

    Args:
        flags: Flags of the training program, without --strategy.
        environment: Environment variables, in which the job is described.

    Raises:
        ValueError: --strategy is given, or the environment does not describe a job.
    """
    if any(re.match(r"--?strategy\b", flag) for flag in flags):
        raise ValueError(
            "--strategy: expected none, because it is always multiworker here. Use `ssgan train` on a single machine."
        )
    found, tf_config = find_job(environment)
    new_environment = {**environment, "TF_CONFIG": tf_config}
    cluster = read_cluster(new_environment)
    command = [sys.executable, "-m", "ssgan_tf.train", "--strategy=multiworker", *flags]
    sentence = f"{found}: this is {cluster.own}, of {len(cluster.workers)}; {cluster.workers[0]} writes."
    return sentence, command, new_environment


def find_job(environment: Mapping[str, str]) -> tuple[str, str]:
    """Returns the name of what started the job, for messages, and its TF_CONFIG.

    Raises:
        ValueError: The environment is of no known kind, or a variable is missing.
    """
    if environment.get("TF_CONFIG", "").strip():
        return "TF_CONFIG", environment["TF_CONFIG"]
    if "SLURM_JOB_ID" in environment:
        return f"SLURM job {environment['SLURM_JOB_ID']}", make_tf_config(*read_slurm(environment))
    if "JOB_COMPLETION_INDEX" in environment:
        return "Kubernetes job", make_tf_config(*read_kubernetes(environment))
    by_hand = make_tf_config(["first:12345", "second:12345"], 0)
    raise ValueError(
        "expected TF_CONFIG, SLURM_JOB_ID (set by srun) or JOB_COMPLETION_INDEX (set in a Kubernetes Indexed Job) in "
        "the environment. Received: none of them. By hand, on the machines first and second (with index 1 on the "
        f"second): TF_CONFIG={shlex.quote(by_hand)} ssgan launch --config=... --workdir=... --data_dir=..."
    )


def make_tf_config(addresses: list[str], rank: int) -> str:
    """Returns TF_CONFIG for the worker number `rank` among those at `addresses`."""
    return json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": rank}})


def read_slurm(environment: Mapping[str, str]) -> tuple[list[str], int]:
    """Returns the addresses of all tasks of the SLURM job step, and the number of this task.

    Raises:
        ValueError: A variable is missing or wrong; the message names it.
    """
    if "SLURM_STEP_NODELIST" not in environment:
        raise ValueError(
            "SLURM_STEP_NODELIST: expected a start by srun, which makes a task for each worker. Received: a SLURM job "
            "without a job step. Write srun before ssgan launch."
        )
    hosts = expand_nodes(environment["SLURM_STEP_NODELIST"])
    counts = expand_counts(environment.get("SLURM_STEP_TASKS_PER_NODE", ""))
    if len(counts) != len(hosts):
        raise ValueError(
            f"SLURM_STEP_TASKS_PER_NODE: expected a number for each of the {len(hosts)} machines in "
            f"{environment['SLURM_STEP_NODELIST']!r}. Received: {environment.get('SLURM_STEP_TASKS_PER_NODE')!r}."
        )
    hosts = [host for host, count in zip(hosts, counts, strict=True) for _ in range(count)]
    rank = read_integer(environment, "SLURM_PROCID", len(hosts) - 1)
    here = environment.get("SLURMD_NODENAME", hosts[rank])
    if here != hosts[rank]:
        raise ValueError(
            f"SLURM_PROCID: expected task {rank} on {hosts[rank]}, because tasks are assigned to the machines in "
            f"blocks. Received: {here}. Use srun --distribution=block, or one task per machine."
        )
    # Each task gets its own port, and jobs that share a machine most likely do too.
    job = int(re.sub(r"\D", "", environment["SLURM_JOB_ID"]) or 0)
    first = read_integer(environment, "SSGAN_PORT", 65535 - len(hosts), 12000 + 16 * (job % 1000))
    return [f"{host}:{first + i}" for i, host in enumerate(hosts)], rank


def read_kubernetes(environment: Mapping[str, str]) -> tuple[list[str], int]:
    """Returns the addresses of all pods of an Indexed Job, and the number of this pod.

    Raises:
        ValueError: A variable is missing or wrong; the message names it.
    """
    pattern = environment.get("SSGAN_HOSTS", "")
    if "{index}" not in pattern:
        raise ValueError(
            "SSGAN_HOSTS: expected the pods' names with {index} in them, e.g. train-{index}.train for the job train "
            f"with the headless service train. Received: {pattern!r}. Set it in the Job's env."
        )
    count = read_integer(environment, "SSGAN_WORKERS", 10_000)
    port = read_integer(environment, "SSGAN_PORT", 65535, _PORT)
    rank = read_integer(environment, "JOB_COMPLETION_INDEX", count - 1)
    return [f"{pattern.replace('{index}', str(i))}:{port}" for i in range(count)], rank


def read_integer(environment: Mapping[str, str], name: str, most: int, default: int | None = None) -> int:
    """Returns the variable as an integer from 0 to `most`; raises ValueError if it is not one."""
    text = environment.get(name, "" if default is None else str(default))
    if not re.fullmatch(r"\d+", text) or int(text) > most:
        raise ValueError(f"{name}: expected a number from 0 to {most}. Received: {text!r}.")
    return int(text)


def expand_nodes(text: str) -> list[str]:
    """Expands SLURM's list of machines: "n[01-03,7],other" -> n01, n02, n03, n7, other.

    Raises:
        ValueError: `text` is not such a list.
    """
    parts = re.findall(r"(?:[^][,\s]|\[[^][\s]+\])+", text)
    if not parts or ",".join(parts) != text:
        raise ValueError(f"SLURM_STEP_NODELIST: expected machines like node[01-03,7],other. Received: {text!r}.")
    names: list[str] = []
    for part in parts:
        pieces = re.findall(r"\[([^]]*)\]|([^][]+)", part)
        choices = [list(_expand_ranges(inside, text)) if inside else [plain] for inside, plain in pieces]
        names += ["".join(choice) for choice in itertools.product(*choices)]
    return names


def _expand_ranges(text: str, whole: str) -> Iterator[str]:
    """Expands "01-03,7" -> 01, 02, 03, 7, keeping leading zeros; `whole` is for the message of the ValueError."""
    for part in text.split(","):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if not match or int(match[2] or match[1]) < int(match[1]):
            raise ValueError(f"SLURM_STEP_NODELIST: expected ranges like [01-03,7]. Received: {part!r} in {whole!r}.")
        for number in range(int(match[1]), int(match[2] or match[1]) + 1):
            yield str(number).zfill(len(match[1]))


def expand_counts(text: str) -> list[int]:
    """Expands SLURM's numbers of tasks: "2(x3),1" -> 2, 2, 2, 1.

    Raises:
        ValueError: `text` is not such a list.
    """
    counts: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d+)(?:\(x(\d+)\))?", part)
        if not match:
            raise ValueError(f"SLURM_STEP_TASKS_PER_NODE: expected numbers like 2(x3),1. Received: {text!r}.")
        counts += [int(match[1])] * int(match[2] or 1)
    return counts


if __name__ == "__main__":
    sys.exit(main())
