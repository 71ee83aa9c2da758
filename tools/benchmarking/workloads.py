"""The computations that tools/benchmark.py times: training steps, generation, the input pipeline, one convolution."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ssgan_tf import data, models
from ssgan_tf.core.codes import CodeSpec
from ssgan_tf.core.schedule import Phase, Schedule
from ssgan_tf.data import pipeline
from ssgan_tf.networks import layers
from ssgan_tf.train import costs

GENERATED = 32  # images per call of the generator, on each device
POOL_BYTES = 64 * 2**20  # random images that batches are made of
PEAK_CALLS = 10  # convolutions per call of the peak workload
PIPELINE_BATCHES = 50  # batches per call of the pipeline workload


@dataclasses.dataclass(frozen=True)
class Setting:
    """Model, batches and factors that are timed.

    Args:
        model: Objective and networks.
        phase: Sizes of the batches.
        spec: Names and sizes of the factors.
    """

    model: models.SemiStyleGANOptions
    phase: Phase
    spec: CodeSpec

    def costs(self, replicas: int) -> tuple[costs.StepFlops, costs.Memory]:
        """Returns FLOPs and memory of a training step on each of `replicas` devices."""
        network, phase = self.model.network, self.phase
        sizes = (self.spec.size, network.resolution, phase.batch // replicas, phase.labeled_batch // replicas)
        return costs.step_flops(self.model, *sizes), costs.memory(self.model, *sizes)


@dataclasses.dataclass(frozen=True)
class Workload:
    """A computation to time.

    Args:
        run: Performs it, and returns when the devices have finished.
        images: Number of images that one call makes or consumes.
        flops: FLOPs of one call on one device; None if they are not counted.
    """

    run: Callable[[], object]
    images: int
    flops: float | None


def make_workloads(
    setting: Setting, strategy: tf.distribute.Strategy, steps: int, jit_compile: bool
) -> dict[str, Workload]:
    """Builds the model and returns the workloads by name, in the order in which they run.

    Args:
        setting: Model and batches.
        strategy: Devices.
        steps: Training steps per call.
        jit_compile: Whether to compile the training step with XLA.

    Raises:
        ValueError: The batches do not divide among the devices.
    """
    # Model, and random batches on its devices.
    tf.keras.utils.set_random_seed(0)
    with strategy.scope():
        model = models.make_model(setting.model, setting.spec, 0, jit_compile)
    segment = Schedule((setting.phase,)).segments[0]
    model.set_segment(segment)
    dataset = random_dataset(setting)
    labeled_rows = np.arange(len(dataset) if model.options.uses_labels else 0)
    batches = iter(pipeline.distribute_batches(strategy, dataset, labeled_rows, segment, 0, 0))

    def read_batches() -> None:
        for _ in range(PIPELINE_BATCHES):
            next(batches)

    return {
        "convolution peak": peak_workload(setting.model.network.precision),
        "training": training_workload(setting, model, next(batches), steps, strategy.num_replicas_in_sync),
        "generation": generation_workload(setting, model, strategy),
        "input pipeline": Workload(read_batches, PIPELINE_BATCHES * setting.phase.batch, None),
    }


def random_dataset(setting: Setting) -> data.FactorDataset:
    """Returns random images in memory, with random labels."""
    rng = np.random.default_rng(0)
    network = setting.model.network
    shape = (network.resolution, network.resolution, network.channels)
    count = min(512, POOL_BYTES // math.prod(shape))
    images = rng.integers(0, 256, [count, *shape], np.uint8)
    return data.FactorDataset("random", images, rng.integers(0, 4, [count, setting.spec.size]), setting.spec)


def peak_workload(precision: str) -> Workload:
    """Returns the 3x3 convolution whose speed counts as the machine's peak."""
    x = layers.to_compute_dtype(tf.random.stateless_normal([8, 64, 64, 128], [0, 0]), precision)
    kernel = layers.to_compute_dtype(tf.random.stateless_normal([3, 3, 128, 128], [0, 1]), precision)
    convolve = tf.function(lambda x: tf.nn.conv2d(x, kernel, 1, "SAME"))

    def run() -> float:
        for _ in range(PEAK_CALLS):
            y = convolve(x)
        return float(y[0, 0, 0, 0])  # reading a number waits for an accelerator

    return Workload(run, PEAK_CALLS * 8, PEAK_CALLS * 2 * 8 * 64**2 * 9 * 128**2)


def training_workload(setting: Setting, model: tf.keras.Model, batch, steps: int, replicas: int) -> Workload:
    """Returns training steps as `fit` runs them, all on one batch that is already on the devices."""
    step, endless = model.make_train_function(), iter(lambda: batch, None)
    interval = setting.model.r1_interval
    steps = -(-steps // interval) * interval  # whole intervals, so that the right share of the steps has R1

    def run() -> list[float]:
        for _ in range(steps):
            logs = step(endless)
        return [float(value) for value in logs.values()]

    return Workload(run, steps * setting.phase.batch, steps * setting.costs(replicas)[0].total)


def generation_workload(setting: Setting, model: tf.keras.Model, strategy: tf.distribute.Strategy) -> Workload:
    """Returns two calls of the averaged generator, with GENERATED images each on every device."""
    network = setting.model.network
    noise = tf.random.stateless_normal([GENERATED, network.noise_size], [0, 0])
    codes = setting.spec.sample(GENERATED, [0, 1])

    @tf.function
    def generate():
        return strategy.run(model.ema_generator, args=((noise, codes),))

    def run() -> list[float]:
        for _ in range(2):
            images = strategy.experimental_local_results(generate())
        return [float(image[0, 0, 0, 0]) for image in images]

    # Two calls, and two FLOPs for each multiply-add.
    multiply_adds = costs.mapping_work(network, setting.spec.size).forward
    multiply_adds += costs.synthesis_work(network, network.resolution).forward
    return Workload(run, 2 * GENERATED * strategy.num_replicas_in_sync, 2 * GENERATED * 2 * multiply_adds)
