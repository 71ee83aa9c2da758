"""Settings for own images: chosen from their number and size, the labels, and the machine, each with its reason.

The networks, rates and batches are those of configs/demo.py with a larger generator; docs/own_images.md has the table.
"""

import dataclasses
import glob
import os
import time

import numpy as np

RESOLUTIONS = (8, 16, 32, 64, 128, 256)
# Work of a training step for one image, in GFLOP, and memory of a step in MiB, with the networks below: at each
# resolution that the networks grow through. tests/new/test_advice.py compares them with `train.costs`.
_GFLOP = {
    8: {8: 0.0144},
    16: {16: 0.0897},
    32: {32: 0.4219},
    64: {8: 0.2051, 16: 0.6496, 32: 1.1975, 64: 1.7515},
    128: {8: 0.2051, 16: 0.8854, 32: 2.6621, 64: 4.853, 128: 7.0688},
    256: {8: 0.2051, 16: 0.8854, 32: 3.6054, 64: 10.7107, 128: 19.474, 256: 28.3368},
}
_STEP_MIB = {8: 7, 16: 24, 32: 70, 64: 221, 128: 793, 256: 3048}
_TENSORFLOW_GIB = 0.72
_EFFICIENCY = 0.33  # speed of training relative to a matrix product; 0.30 to 0.38 on two cores, 32 to 128 pixels
_LENGTH = 420_000  # images of a whole run, as in configs/demo.py
_SHORTEST = 60_000
_PASSES = 300  # over the images, at most
_FEW_LABELS = 100  # below, all labels are trained on
_HELD_OUT = 0.2
_IN_MEMORY = 0.4  # share of the machine's memory that decoded images may take


@dataclasses.dataclass(frozen=True)
class Machine:
    """Machine to train on.

    Args:
        cores: Number of processor cores that this process may use.
        memory: Memory in GiB.
        gflops: Speed of a matrix product in GFLOP/s.
        gpu: Whether it has a GPU.
    """

    cores: int
    memory: float
    gflops: float
    gpu: bool = False


def this_machine() -> Machine:
    """Returns this machine, whose speed is measured in a tenth of a second."""
    a = np.random.default_rng(0).random([1024, 1024], np.float32)
    times = []
    for _ in range(4):
        start = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - start)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    gpu = bool(glob.glob("/dev/nvidia[0-9]*"))
    return Machine(len(os.sched_getaffinity(0)), memory, 2 * 1024**3 / min(times) / 1e9, gpu)


@dataclasses.dataclass(frozen=True)
class Facts:
    """Images and labels to choose settings for.

    Args:
        images: Number of images.
        side: Size in pixels that nearly all of them have at their shorter side.
        labelled: Number of images with a label.
    """

    images: int
    side: int
    labelled: int


@dataclasses.dataclass(frozen=True)
class GrowthPhase:
    """Phase of training at one resolution: number of images, those of them in which the new block fades in, and rate."""

    resolution: int
    images: int
    fade: int
    rate: float


@dataclasses.dataclass(frozen=True)
class Advice:
    """Settings of a config, with the reasons for them.

    Args:
        resolution: Height and width of the images in pixels.
        batch, labeled_batch: Images and labelled images per step.
        phases: Phases in which the networks grow; a single one trains at full resolution.
        held_out_labels: Share of the labelled images that nobody trains on.
        in_memory: Whether the decoded images fit into memory.
        hours: Expected length of training; 0 if it is not known.
        memory: Expected memory in GiB.
        reasons: {setting: sentence}.
    """

    resolution: int
    batch: int
    labeled_batch: int
    phases: tuple[GrowthPhase, ...]
    held_out_labels: float
    in_memory: bool
    hours: float
    memory: float
    reasons: dict[str, str]

    @property
    def images(self) -> int:
        """Number of images of the whole run."""
        return sum(phase.images for phase in self.phases)


def advise(facts: Facts, machine: Machine, hours: float, resolution: int = 0, channels: int = 3) -> Advice:
    """Chooses settings.

    Args:
        facts: Images and labels.
        machine: Machine to train on.
        hours: Time that training may take.
        resolution: Resolution, if it is given; 0 to choose one.
        channels: Number of channels of the images.

    Raises:
        ValueError: The images are too small, or the resolution is none of RESOLUTIONS.
    """
    reasons: dict[str, str] = {}
    if resolution:
        if resolution not in RESOLUTIONS:
            raise ValueError(f"resolution: expected one of {', '.join(map(str, RESOLUTIONS))}. Received: {resolution}.")
        reasons["resolution"] = "as you asked"
    else:
        resolution = _choose_resolution(facts, machine, hours, reasons)
    phases = _phases(resolution, _length(facts, reasons), reasons)
    batch = min(16, facts.images)
    reasons["batch"] = "small batches learn more from each image (docs/demo.md)"
    reasons["rate"] = f"{phases[-1].rate:g}, which falls over the {'run' if len(phases) == 1 else 'last phase'}"
    held_out = _HELD_OUT if facts.labelled >= _FEW_LABELS else 0.0
    reasons["held_out_labels"] = (
        f"of {facts.labelled:,} labelled images, {held_out:.0%} are kept out of training, so that scores are true"
        if held_out
        else f"{facts.labelled:,} labelled images are too few to keep some for scores; from {_FEW_LABELS} on, a fifth is"
    )
    size = facts.images * resolution**2 * channels / 2**30
    in_memory = size <= _IN_MEMORY * machine.memory
    memory = _TENSORFLOW_GIB + _STEP_MIB[resolution] / 1024 + size * in_memory
    expected = _hours(resolution, phases, machine)
    return Advice(
        resolution, batch, max(1, min(8, batch, facts.labelled)), phases, held_out, in_memory, expected, memory, reasons
    )


def _choose_resolution(facts: Facts, machine: Machine, hours: float, reasons: dict[str, str]) -> int:
    possible = [r for r in RESOLUTIONS if r <= facts.side]
    if not possible:
        raise ValueError(f"images: expected at least {RESOLUTIONS[0]} pixels. Received: mostly {facts.side}.")
    length = _length(facts, {})
    for r in reversed(possible):
        expected = _hours(r, _phases(r, length, {}), machine)
        if r <= 32 or expected <= hours and (r <= 64 or not machine.gpu):
            break
    larger = next((other for other in possible if other > r), None)
    if larger is None:
        reasons["resolution"] = f"nearly all images have {facts.side} pixels or more"
    elif machine.gpu:
        reasons["resolution"] = f"the largest that was tried; --resolution={larger} is possible"
    else:
        longer = _hours(larger, _phases(larger, length, {}), machine)
        reasons["resolution"] = f"{larger} pixels would take {longer:.1f} hours: --resolution={larger} or --hours"
    return r


def _length(facts: Facts, reasons: dict[str, str]) -> int:
    length = round(min(_LENGTH, max(_SHORTEST, _PASSES * facts.images)), -3)
    reasons["images"] = (
        f"as in the demo, each image {length / facts.images:,.0f} times"
        if length == _LENGTH
        else f"{facts.images:,} images are few: at most {_PASSES} passes over them, or {_SHORTEST:,} in total"
    )
    return length


def _phases(resolution: int, length: int, reasons: dict[str, str]) -> tuple[GrowthPhase, ...]:
    """Returns the phases: growth from 8x8 at 64 pixels or more, with the lengths of configs/scene3d_64.py."""
    if resolution < 64:
        reasons["phases"] = "growing does not help at 32 pixels (docs/demo.md)"
        return (GrowthPhase(resolution, length, 0, 0.015),)
    reasons["phases"] = "grown from 8 pixels, as configs/scene3d_64.py"
    step = round(length / _LENGTH * 40_000, -3)
    grown = [r for r in RESOLUTIONS if r <= resolution]
    lengths = [step, *[2 * step] * (len(grown) - 2), 3 * step]
    return tuple(GrowthPhase(r, images, step if r > 8 else 0, 0.01) for r, images in zip(grown, lengths, strict=True))


def _hours(resolution: int, phases: tuple[GrowthPhase, ...], machine: Machine) -> float:
    if machine.gpu:
        return 0.0
    work = sum(phase.images * _GFLOP[resolution][phase.resolution] for phase in phases)
    return work / (_EFFICIENCY * machine.gflops) / 3600
