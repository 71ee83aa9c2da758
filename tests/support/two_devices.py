"""Runs programs that train on two replicas: logical devices must be configured before TensorFlow starts."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import tensorflow as tf

ROOT = Path(__file__).resolve().parents[2]


def results_of(program: str, *arguments: str) -> Any:
    """Runs the program of this name in this folder, and returns the JSON that it prints."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name(program)), *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=800,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def two_replicas() -> tf.distribute.Strategy:
    """Configures two logical CPU devices and returns their strategy. A program calls it before anything else."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})  # starts in half the time
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
