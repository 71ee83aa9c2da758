"""Times training, generation and the input pipeline, relative to the fastest convolutions the machine can do.

    .venv/bin/python tools/benchmark.py
    .venv/bin/python tools/benchmark.py --resolution=128 --batch=4
    .venv/bin/python tools/benchmark.py --config=configs/demo.py --out=benchmark.json

Images are random, so no data set is needed. The default is 64x64, batch 8, min(2048 / 2^stage, 128) feature maps and
R1 at every step. --config takes the networks, objective and last phase of an experiment; other flags override them.

The peak is the speed of a forward 3x3 convolution of 8 images of 64x64 with 128 feature maps, in the same precision. It
is timed in every round together with the rest, so that other load on the machine slows all of them equally. The table
shows medians over rounds; ratios are medians of each round's ratio. FLOPs are counted by ssgan_tf/train/costs.py for
one device's part of a step.
"""

import argparse
import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # makes `tools` importable from any folder

import ssgan_tf  # noqa: F401  before TensorFlow, for which it sets the environment

# isort: split
import tensorflow as tf

from ssgan_tf import config as configs
from ssgan_tf import models
from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.core.schedule import Phase
from ssgan_tf.networks.options import PRECISIONS
from ssgan_tf.train import costs
from ssgan_tf.train.distribution.cluster import WorkerMissing
from ssgan_tf.train.distribution.strategy import STRATEGIES, is_chief, make_strategy
from ssgan_tf.train.setup import on_gpu
from ssgan_tf.utils import files
from ssgan_tf.utils.program import ArgumentParser
from tools.benchmarking import report as reports
from tools.benchmarking.workloads import Setting, make_workloads

DEFAULT_NETWORK = configs.NetworkOptions(
    resolution=64, fmap_base=2048, fmap_max=128, noise_size=128, style_size=128, mapping_layers=4
)
NETWORK_FLAGS = ("resolution", "fmap_base", "fmap_max", "precision")


def make_parser() -> ArgumentParser:
    """Returns the parser of the flags."""
    parser = ArgumentParser(__doc__)
    add = parser.add_argument

    # Model and batches. None means the value of --config, or the default.
    add("--config", help="Python file with get_config(), e.g. configs/demo.py")
    add("--resolution", type=int, help="height and width of the images (default: 64)")
    add("--fmap_base", type=int, help="feature maps: min(2 * fmap_base / resolution, fmap_max) (default: 2048)")
    add("--fmap_max", type=int, help="maximum number of feature maps of a layer (default: 128)")
    add("--batch", type=int, help="images per step, over all devices (default: 8)")
    add("--labeled_batch", type=int, help="labelled images per step (default: the config's, or as many as --batch)")
    add("--r1_interval", type=int, help="apply R1 at every n-th step (default: 1)")
    add("--precision", choices=PRECISIONS, help="float32, or 16 bits in convolutions (default: float32)")

    # Devices.
    add("--strategy", choices=STRATEGIES, default="default", help="distribution strategy (default: default)")
    add("--jit_compile", choices=("auto", "on", "off"), default="auto",
        help="compile the training step with XLA; auto: on GPUs (default: auto)")  # fmt: skip

    # Rounds and results.
    add("--steps", type=int, default=4, help="training steps per round (default: 4)")
    add("--rounds", type=int, default=5, help="rounds, over which medians are taken (default: 5)")
    add("--out", help="JSON file for the results")
    return parser


def choose_setting(options: argparse.Namespace) -> Setting:
    """Returns the setting that the flags ask for.

    Raises:
        ValueError, OSError: The flags do not fit together, or the config cannot be read.
    """
    # The default, or the config's.
    model = models.SemiStyleGANOptions(network=DEFAULT_NETWORK)
    phase = Phase(batch=8, labeled_batch=8)
    factors: tuple[str, ...] = ()
    if options.config:
        config = configs.load_config(options.config)
        if not isinstance(config.model, models.SemiStyleGANOptions):
            raise ValueError(f"config: expected a config of a Semi-StyleGAN. Received: {options.config!r}.")
        model, phase, factors = config.model, config.phases[-1], config.data.factors

    # Overrides.
    given = {name: value for name, value in vars(options).items() if value is not None}
    network = dataclasses.replace(model.network, **{name: given[name] for name in NETWORK_FLAGS if name in given})
    model = dataclasses.replace(model, network=network, r1_interval=given.get("r1_interval", model.r1_interval))
    batch = given.get("batch", phase.batch)
    labeled = given.get("labeled_batch", batch if phase.labeled_batch == phase.batch else phase.labeled_batch)
    names = factors or tuple(f"factor{i}" for i in range(5))

    # A new phase: at the networks' full resolution, without end, nothing fading in.
    return Setting(model, Phase(batch=batch, labeled_batch=labeled), CodeSpec(tuple(FactorSpec(n, 4) for n in names)))


def uses_xla(options: argparse.Namespace) -> bool:
    """Returns whether --jit_compile means to compile on this machine, by the same rule as in training."""
    return on_gpu() if options.jit_compile == "auto" else options.jit_compile == "on"


def measure(setting: Setting, options: argparse.Namespace, strategy: tf.distribute.Strategy) -> dict[str, Any]:
    """Runs all rounds and returns the content of the JSON file."""
    replicas, xla = strategy.num_replicas_in_sync, uses_xla(options)
    workloads = make_workloads(setting, strategy, options.steps, xla)
    workloads["convolution peak"].run()
    memory_before = reports.peak_memory()
    for workload in workloads.values():  # The first calls trace graphs and fill buffers.
        workload.run()
    results = reports.summarize(workloads, reports.time_rounds(workloads, options.rounds))
    flops, memory = setting.costs(replicas)
    generator, discriminator = costs.parameters(setting.model.network, setting.spec.size)
    return {
        "setting": {
            "model": dataclasses.asdict(setting.model),
            "phase": dataclasses.asdict(setting.phase),
            "codes": setting.spec.size,
            **{name: getattr(options, name) for name in ("strategy", "steps", "rounds")},
            "xla": xla,
            "devices": replicas,
        },
        "machine": reports.describe_machine(),
        "parameters": {"generator": generator, "discriminator": discriminator},
        "step_flops": {**dataclasses.asdict(flops), "total": flops.total},
        "memory": {"before": memory_before, "peak": reports.peak_memory(), "estimate": memory.total},
        "results": results,
    }


def check_out(path: str) -> None:
    """Creates the folder of `path`, before anything is timed.

    Raises:
        OSError: Files cannot be created there.
    """
    folder = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(folder, exist_ok=True)
        files.check_writable(folder, f"files cannot be created in {folder!r}.")
    except OSError as error:
        raise OSError(f"out: cannot write {path!r}: {error}") from error


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the benchmark and prints its table."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    try:
        for name in ("steps", "rounds"):
            if getattr(options, name) < 1:
                raise ValueError(f"{name}: expected 1 or more. Received: {getattr(options, name)}.")
        if options.out:
            check_out(options.out)
        setting = choose_setting(options)
        strategy = make_strategy(options.strategy)
        report = measure(setting, options, strategy)
    except (ValueError, OSError, WorkerMissing, tf.errors.ResourceExhaustedError) as error:
        parser.stop(error)
    if is_chief(strategy):
        print(reports.format_report(report))
        if options.out:
            files.write_json(report, options.out)


if __name__ == "__main__":
    main()
