"""Results of tools/benchmark.py: speeds over rounds, the machine, and the table that is printed."""

import os
import platform
import resource
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from ssgan_tf import __version__
from tools.benchmarking.workloads import Workload

GIB = 2**30
PART_TITLES = {"painting": "generation"}  # parts of a step whose title in the table is not their key in the JSON file


def time_rounds(workloads: Mapping[str, Workload], rounds: int) -> dict[str, list[float]]:
    """Returns the seconds that each workload takes in each round; every round runs all of them once, in order."""
    seconds: dict[str, list[float]] = {name: [] for name in workloads}
    for _ in range(rounds):
        for name, workload in workloads.items():
            start = time.perf_counter()
            workload.run()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def summarize(workloads: Mapping[str, Workload], seconds: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    """Summarizes the seconds of each workload over the rounds.

    Returns:
        {workload: row}. A row has images_per_s (median), slowest and fastest (images per second as well) and, if FLOPs
        are counted, flops_per_s (median, on one device) and of_peak (median of its ratio to the peak of the same
        round).
    """
    peak_flops = workloads["convolution peak"].flops
    assert peak_flops is not None
    peaks = [peak_flops / s for s in seconds["convolution peak"]]
    result = {}
    for name, workload in workloads.items():
        rates = [workload.images / s for s in seconds[name]]
        row = {"images_per_s": statistics.median(rates), "slowest": min(rates), "fastest": max(rates)}
        if workload.flops is not None:
            speeds = [workload.flops / s for s in seconds[name]]
            ratios = [speed / peak for speed, peak in zip(speeds, peaks, strict=True)]
            row |= {"flops_per_s": statistics.median(speeds), "of_peak": statistics.median(ratios)}
        result[name] = row
    return result


def describe_machine() -> dict[str, Any]:
    """Returns the processor, the number of threads that may be used, the GPUs, and versions."""
    names = [line.split(":", 1)[1].strip() for line in _cpu_lines() if line.startswith("model name")]
    gpus = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    return {
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "threads": len(os.sched_getaffinity(0)),
        "gpus": [gpu.get("device_name", "GPU") for gpu in gpus],
        "versions": {
            "ssgan_tf": __version__,
            "tensorflow": tf.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }


def _cpu_lines() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def peak_memory() -> dict[str, int]:
    """Returns the peak memory so far, in bytes, of this process and of the first GPU if there is one."""
    peaks = {"process": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}
    if tf.config.list_logical_devices("GPU"):
        peaks["gpu"] = tf.config.experimental.get_memory_info("GPU:0")["peak"]
    return peaks


def format_report(report: Mapping[str, Any]) -> str:
    """Returns the table that is printed: machine, setting, one row per workload, FLOPs and memory of a step."""
    machine, network, phase = report["machine"], report["setting"]["model"]["network"], report["setting"]["phase"]
    flops, memory, size = report["step_flops"], report["memory"], network["resolution"]
    lines = [
        f"{', '.join(machine['gpus']) or machine['processor']}, {machine['threads']} threads, TensorFlow "
        f"{machine['versions']['tensorflow']}, {report['setting']['devices']} device(s)",
        f"{size}x{size}, {sum(report['parameters'].values()):,} parameters, batch {phase['batch']} and "
        f"{phase['labeled_batch']} labelled, R1 every {report['setting']['model']['r1_interval']} step(s), "
        f"{network['precision']}{', XLA' if report['setting']['xla'] else ''}",
        f"{'':<18}{'images/s':>10}{'slowest':>10}{'fastest':>10}{'GFLOP/s':>10}{'of peak':>9}",
    ]
    for name, row in report["results"].items():
        rates = "".join(f"{row[key]:>10,.1f}" for key in ("images_per_s", "slowest", "fastest"))
        counted = f"{row['flops_per_s'] / 1e9:>10,.0f}{row['of_peak']:>9.2f}" if "of_peak" in row else ""
        lines.append(f"{name:<18}{rates}{counted}")
    parts = {PART_TITLES.get(name, name): value for name, value in flops.items() if name != "total"}
    shares = ", ".join(f"{title} {value / flops['total']:.0%}" for title, value in parts.items())
    peak = memory["peak"].get("gpu", memory["peak"]["process"])
    lines += [
        f"training step     {flops['total'] / 1e9:,.1f} GFLOP per device: {shares}",
        f"memory            peak {peak / GIB:.2f} GiB, {memory['before']['process'] / GIB:.2f} GiB before the "
        f"first step; estimate for a step {memory['estimate'] / GIB:.2f} GiB",
    ]
    return "\n".join(lines)
