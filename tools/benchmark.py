#!/usr/bin/env python3
"""Times training, generation and the input pipeline, beside what the machine's convolutions can do at best.

    tools/benchmark.py
    tools/benchmark.py --resolution=128 --batch=4
    tools/benchmark.py --config=configs/demo.py --out=benchmark.json

Images are random; no data set is needed. Without flags: 64x64, batch 8, min(2048 / 2^stage, 128) feature maps, R1 at
every step. --config takes an experiment's networks, objective and last phase instead; further flags change those.

The peak is that of a 3x3 convolution of 8 images of 64x64 with 128 feature maps, forward, in the same precision. It is
timed in every round next to the others, so that a busy machine slows all alike; the table has medians over rounds, and
ratios are medians of each round's ratio. FLOPs are counted by ssgan_tf/train/costs.py. All of it is for one device: with a
strategy of several, FLOPs are of one device's part of a step.
"""

import argparse
import dataclasses
import math
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
sys.path[:0] = [str(TOOLS), str(TOOLS.parent)]
from starting import Parser, enter_environment, stop  # noqa: E402  (its folder is on the path from here on)

if __name__ == "__main__":
    enter_environment()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # Read once, when TensorFlow is first imported.

try:
    import numpy as np
    import tensorflow as tf

    from ssgan_tf import __version__, data, models
    from ssgan_tf import config as configs
    from ssgan_tf.core.codes import CodeSpec, FactorSpec
    from ssgan_tf.core.schedule import Phase, Schedule
    from ssgan_tf.data import pipeline
    from ssgan_tf.networks import layers
    from ssgan_tf.networks.options import PRECISIONS
    from ssgan_tf.train import costs
    from ssgan_tf.train.distribution import cluster, strategy
    from ssgan_tf.utils import files
except ImportError as error:
    stop(f"{error}. Set the environment up with tools/demo or tools/test, then run this again.")

GENERATED = 32  # images per call of the generator
POOL = 64 * 2**20  # bytes of random images that batches are drawn from
PEAK_CALLS = 10  # convolutions in each round
FED = 50  # batches of the pipeline in each round
GIB = 2**30
NETWORK = configs.NetworkOptions(
    resolution=64, fmap_base=2048, fmap_max=128, noise_size=128, style_size=128, mapping_layers=4
)
OF_NETWORK = ("resolution", "fmap_base", "fmap_max", "precision")
OF_PHASE = ("batch", "labeled_batch")


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is timed.

    Args:
        model: objective and networks.
        phase: batches.
        spec: the factors' names and sizes.
    """

    model: models.SemiStyleGANOptions
    phase: Phase
    spec: CodeSpec

    def cost(self, replicas: int) -> tuple[costs.StepFlops, costs.Memory]:
        """Of a step, on each of so many devices."""
        network, phase = self.model.network, self.phase
        sizes = (self.spec.size, network.resolution, phase.batch // replicas, phase.labeled_batch // replicas)
        return costs.step_flops(self.model, *sizes), costs.memory(self.model, *sizes)


@dataclasses.dataclass(frozen=True)
class Work:
    """Something to time.

    Args:
        run: does it, and returns when it is done.
        images: that a call makes or takes.
        flops: of a call, on one device; None where there is nothing to count.
    """

    run: Callable[[], object]
    images: int
    flops: float | None


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options; ends the program where they are wrong."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", help="Python file with get_config(), e.g. configs/demo.py")
    parser.add_argument("--resolution", type=int, help="height and width of the images (64)")
    parser.add_argument("--fmap_base", type=int, help="feature maps: min(2 * fmap_base / resolution, fmap_max) (2048)")
    parser.add_argument("--fmap_max", type=int, help="at most so many (128)")
    parser.add_argument("--batch", type=int, help="images per step, over all devices (8)")
    parser.add_argument("--labeled_batch", type=int, help="labelled images per step (as many, or the config's)")
    parser.add_argument("--r1_interval", type=int, help="R1 at every n-th step (1)")
    parser.add_argument("--precision", choices=PRECISIONS, help="float32, or convolutions in 16 bits (float32)")
    parser.add_argument("--strategy", choices=strategy.STRATEGIES, default="default", help="devices (default)")
    parser.add_argument(
        "--jit_compile", choices=("auto", "on", "off"), default="auto", help="compile with XLA; auto: on GPUs (auto)"
    )
    parser.add_argument("--steps", type=int, default=4, help="training steps in each round (4)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds, of which the medians are taken (5)")
    parser.add_argument("--out", help="JSON file for the results")
    options = parser.parse_args(arguments)
    for name in ("steps", "rounds"):
        if getattr(options, name) < 1:
            stop(f"--{name}: expected 1 or more. Received: {getattr(options, name)}.")
    return options


def choose(options: argparse.Namespace) -> Setting:
    """What the flags ask for.

    Raises:
        ValueError, OSError: where they do not fit together, or the config cannot be read.
    """
    model, phase, factors = models.SemiStyleGANOptions(network=NETWORK), Phase(batch=8, labeled_batch=8), ()
    if options.config:
        config = configs.load_config(options.config)
        if not isinstance(config.model, models.SemiStyleGANOptions):
            raise ValueError(f"--config: expected one of a Semi-StyleGAN. Received: {options.config!r}.")
        model, phase, factors = config.model, config.phases[-1], config.data.factors
    given = {name: value for name, value in vars(options).items() if value is not None}
    network = dataclasses.replace(model.network, **{name: given[name] for name in OF_NETWORK if name in given})
    model = dataclasses.replace(model, network=network, r1_interval=given.get("r1_interval", model.r1_interval))
    batch = given.get("batch", phase.batch)
    labeled = given.get("labeled_batch", batch if phase.labeled_batch == phase.batch else phase.labeled_batch)
    names = factors or tuple(f"factor{i}" for i in range(5))
    # A phase of its own: at the networks' resolution, without end, nothing fading.
    return Setting(model, Phase(batch=batch, labeled_batch=labeled), CodeSpec(tuple(FactorSpec(n, 4) for n in names)))


def random_table(setting: Setting) -> data.FactorDataset:
    """Random pixels, in memory, with random labels."""
    rng = np.random.default_rng(0)
    network = setting.model.network
    shape = (network.resolution, network.resolution, network.channels)
    count = min(512, POOL // math.prod(shape))
    images = rng.integers(0, 256, [count, *shape], np.uint8)
    return data.FactorDataset("random", images, rng.integers(0, 4, [count, setting.spec.size]), setting.spec)


def peak_work(precision: str) -> Work:
    """The convolution that the machine's peak is taken from."""
    x = layers.to_compute_dtype(tf.random.stateless_normal([8, 64, 64, 128], [0, 0]), precision)
    kernel = layers.to_compute_dtype(tf.random.stateless_normal([3, 3, 128, 128], [0, 1]), precision)
    convolve = tf.function(lambda x: tf.nn.conv2d(x, kernel, 1, "SAME"))

    def run():
        for _ in range(PEAK_CALLS):
            y = convolve(x)
        return float(y[0, 0, 0, 0])  # waits for an accelerator

    return Work(run, PEAK_CALLS * 8, PEAK_CALLS * 2 * 8 * 64**2 * 9 * 128**2)


def make_works(setting: Setting, options: argparse.Namespace, strategy: tf.distribute.Strategy) -> dict[str, Work]:
    """What is timed, by name, in this order.

    Raises:
        ValueError: if the batches do not divide among the devices.
    """
    tf.keras.utils.set_random_seed(0)
    with strategy.scope():
        model = models.make_model(setting.model, setting.spec, 0, uses_xla(options))
    segment = Schedule((setting.phase,)).segments[0]
    model.set_segment(segment)
    table = random_table(setting)
    labeled = np.arange(len(table) if model.options.uses_labels else 0)
    feed = iter(pipeline.distribute_batches(strategy, table, labeled, segment, 0, 0))
    return {
        "convolution peak": peak_work(setting.model.network.precision),
        "training": training_work(setting, model, next(feed), options.steps, strategy.num_replicas_in_sync),
        "generation": generation_work(setting, model, strategy),
        "input pipeline": Work(lambda: [next(feed) for _ in range(FED)], FED * setting.phase.batch, None),
    }


def training_work(setting: Setting, model: tf.keras.Model, batch, steps: int, replicas: int) -> Work:
    """Steps as `fit` takes them, on a batch that is there already."""
    step, endless = model.make_train_function(), iter(lambda: batch, None)
    interval = setting.model.r1_interval
    steps = -(-steps // interval) * interval  # so that one in `interval` has R1

    def run():
        for _ in range(steps):
            logs = step(endless)
        return [float(value) for value in logs.values()]

    return Work(run, steps * setting.phase.batch, steps * setting.cost(replicas)[0].total)


def generation_work(setting: Setting, model: tf.keras.Model, strategy: tf.distribute.Strategy) -> Work:
    """The averaged generator, GENERATED images at a time on each device."""
    network = setting.model.network
    noise = tf.random.stateless_normal([GENERATED, network.noise_size], [0, 0])
    codes = setting.spec.sample(GENERATED, [0, 1])

    @tf.function
    def generate():
        return strategy.run(model.ema_generator, args=((noise, codes),))

    def run():
        for _ in range(2):
            images = strategy.experimental_local_results(generate())
        return [float(image[0, 0, 0, 0]) for image in images]

    flops = 2 * costs.mapping_work(network, setting.spec.size).forward
    flops += 2 * costs.synthesis_work(network, network.resolution).forward
    return Work(run, 2 * GENERATED * strategy.num_replicas_in_sync, 2 * GENERATED * flops)


def uses_xla(options: argparse.Namespace) -> bool:
    """What --jit_compile comes to on this machine; as `train`."""
    gpu = bool(tf.config.list_logical_devices("GPU"))
    return options.jit_compile == "on" or (options.jit_compile == "auto" and gpu)


def time_rounds(works: dict[str, Work], rounds: int) -> dict[str, list[float]]:
    """Seconds of each work in each round, in which each has its turn."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            start = time.perf_counter()
            work.run()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def summarize(works: dict[str, Work], seconds: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Medians over rounds, by work: images per second, with the slowest and the fastest; FLOPs per second on a device
    and their ratio to the peak of the same round, where they are counted.
    """
    peak = [works["convolution peak"].flops / s for s in seconds["convolution peak"]]
    result = {}
    for name, work in works.items():
        rates = [work.images / s for s in seconds[name]]
        row = {"images_per_s": statistics.median(rates), "slowest": min(rates), "fastest": max(rates)}
        if work.flops is not None:
            speeds = [work.flops / s for s in seconds[name]]
            ratios = [speed / best for speed, best in zip(speeds, peak, strict=True)]
            row |= {"flops_per_s": statistics.median(speeds), "of_peak": statistics.median(ratios)}
        result[name] = row
    return result


def describe_machine() -> dict[str, object]:
    """Processor, threads that may be used, accelerators, versions."""
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
    """Most bytes so far of this process, and of the first GPU."""
    taken = {"process": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}
    if tf.config.list_logical_devices("GPU"):
        taken["gpu"] = tf.config.experimental.get_memory_info("GPU:0")["peak"]
    return taken


def measure(setting: Setting, options: argparse.Namespace, strategy: tf.distribute.Strategy) -> dict[str, object]:
    """Everything that goes into the JSON file."""
    replicas = strategy.num_replicas_in_sync
    works = make_works(setting, options, strategy)
    works["convolution peak"].run()
    before = peak_memory()
    for work in works.values():  # the first calls, which build and fill
        work.run()
    results = summarize(works, time_rounds(works, options.rounds))
    flops, memory = setting.cost(replicas)
    parameters = costs.parameters(setting.model.network, setting.spec.size)
    return {
        "setting": {
            "model": dataclasses.asdict(setting.model),
            "phase": dataclasses.asdict(setting.phase),
            "codes": setting.spec.size,
            **{name: getattr(options, name) for name in ("strategy", "steps", "rounds")},
            "xla": uses_xla(options),
            "devices": replicas,
        },
        "machine": describe_machine(),
        "parameters": {"generator": parameters[0], "discriminator": parameters[1]},
        "step_flops": {**dataclasses.asdict(flops), "total": flops.total},
        "memory": {"before": before, "peak": peak_memory(), "estimate": memory.total},
        "results": results,
    }


def table(report: dict) -> str:
    """The report, to be read."""
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
    shares = ", ".join(f"{name} {value / flops['total']:.0%}" for name, value in flops.items() if name != "total")
    taken = memory["peak"].get("gpu", memory["peak"]["process"])
    return "\n".join(
        [
            *lines,
            f"a step            {flops['total'] / 1e9:,.1f} GFLOP on a device: {shares}",
            f"memory            {taken / GIB:.2f} GiB at most, {memory['before']['process'] / GIB:.2f} GiB before the "
            f"first step; estimate of a step {memory['estimate'] / GIB:.2f} GiB",
        ]
    )


def check_out(path: str) -> None:
    """Makes the folder of `path`; ends the program where nothing can be written there, before anything is timed."""
    folder = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(folder, exist_ok=True)
        files.check_writable(folder, f"no file can be made in {folder!r}.")
    except OSError as error:
        stop(f"--out: cannot write {path!r}: {error}")


def main() -> None:
    options = parse(sys.argv[1:])
    try:
        if options.out:
            check_out(options.out)
        setting = choose(options)
        strategy = strategy.make_strategy(options.strategy)
        report = measure(setting, options, strategy)
    except (ValueError, OSError, cluster.WorkerMissing, tf.errors.ResourceExhaustedError) as error:
        stop(error)
    if strategy.is_chief(strategy):
        print(table(report))
        if options.out:
            files.write_json(report, options.out)


if __name__ == "__main__":
    main()
