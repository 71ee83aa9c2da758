"""Phases of a run (resolution, length, batches, learning rate) and the training steps they consist of.

All lengths are in images over all devices; one step takes one batch of its phase.
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import NamedTuple

# Images per step over all devices, and learning rates, by resolution, as in official StyleGAN (NVlabs/stylegan) and
# the authors' earlier program (gokulbot/Disentangled_GANs).
BATCHES_8_GPUS = {8: 256, 16: 128, 32: 64, 64: 32, 128: 32, 256: 32, 512: 32, 1024: 32}
BATCHES_1_GPU = {8: 128, 16: 128, 32: 64, 64: 32, 128: 16, 256: 8, 512: 4, 1024: 4}
LEARNING_RATES = {128: 0.0015, 256: 0.002, 512: 0.003, 1024: 0.003}  # 0.001 at lower resolutions


class RunLength(NamedTuple):
    """Length of a progressive run.

    Args:
        phase: Images per phase, the argument `phase_images` of `progressive`.
        total: Images of the whole run.
    """

    phase: int
    total: int


# Lengths in the authors' earlier program, by data set. We do not know the paper's own.
PUBLISHED_LENGTHS = {
    "dsprites": RunLength(2_220_000, 44_400_000),
    "isaac3d": RunLength(1_480_000, 29_600_000),
    "falcor3d": RunLength(1_280_000, 25_600_000),
    "ffhq": RunLength(1_200_000, 25_000_000),
}


@dataclasses.dataclass(frozen=True)
class Phase:
    """A stretch of training at one resolution.

    Args:
        resolution: Height and width of the images; 0 for the full resolution of the networks.
        images: Length of the phase; 0, allowed in the last phase only, for the rest of the run.
        fade_images: Length of the fade-in of the newest block at the start of the phase. Needs an earlier phase at
            half the resolution.
        batch: Images per step.
        labeled_batch: Labelled images per step; at most `batch`.
        learning_rate: Adam's learning rate, for both networks.
        decay_images: Length of the cosine decay of the learning rate to 1 % of its value, from the start of the
            phase; 0 for a constant rate.
        fresh_optimizers: Whether both optimizers are reset at the start of the phase.

    Raises:
        ValueError: A field is out of range; the message names it.
    """

    resolution: int = 0
    images: int = 0
    fade_images: int = 0
    batch: int = 32
    labeled_batch: int = 32
    learning_rate: float = 0.001
    decay_images: int = 0
    fresh_optimizers: bool = False

    def __post_init__(self):
        for name in ("resolution", "images", "fade_images", "decay_images"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: expected 0 or more. Received: {getattr(self, name)}.")
        if self.images and self.fade_images > self.images:
            raise ValueError(
                f"fade_images: expected at most the phase's {self.images:,} images. Received: {self.fade_images:,}."
            )
        if self.batch < 1:
            raise ValueError(f"batch: expected 1 image or more. Received: {self.batch}.")
        if not 1 <= self.labeled_batch <= self.batch:
            raise ValueError(
                f"labeled_batch: expected 1 to batch={self.batch} images (each is mixed with a generated one). "
                f"Received: {self.labeled_batch}."
            )
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate: expected a positive number. Received: {self.learning_rate}.")


def progressive(
    resolution: int,
    phase_images: int,
    batches: Mapping[int, int] = BATCHES_8_GPUS,
    learning_rates: Mapping[int, float] = LEARNING_RATES,
) -> tuple[Phase, ...]:
    """Returns the published schedule of progressive growing.

    It has half a phase at 8x8, then one phase per resolution, whose first half fades the new block in. The last phase
    takes the rest of the run. Every phase starts with fresh optimizers. This is the schedule of official StyleGAN and
    of the authors' earlier program; that labelled batches have the same size as the others is our choice.

    Args:
        resolution: Full resolution; a power of two, at least 8.
        phase_images: Length of a phase, e.g. `PUBLISHED_LENGTHS["dsprites"].phase`.
        batches: Images per step, by resolution.
        learning_rates: Learning rate, by resolution; 0.001 for resolutions it does not list.
    """
    half = phase_images // 2
    phases = []
    for r in (2**i for i in range(3, resolution.bit_length())):
        phases.append(
            Phase(
                resolution=r,
                images=0 if r == resolution else half if r == 8 else phase_images,
                fade_images=0 if r == 8 else half,
                batch=batches[r],
                labeled_batch=batches[r],
                learning_rate=learning_rates.get(r, 0.001),
                fresh_optimizers=True,
            )
        )
    return tuple(phases)


@dataclasses.dataclass(frozen=True)
class Segment:
    """A range of steps with the same computation: the fade-in of a phase, or the rest of the phase.

    Args:
        phase: Phase that the segment belongs to.
        fading: Whether the newest block is being faded in.
        start: First step.
        end: Step after the last one; None for the last segment.
        phase_start: First step of the phase.
        first_image: Number of images in the run before `start`.
        first_labeled: Number of labelled images in the run before `start`.
    """

    phase: Phase
    fading: bool
    start: int
    end: int | None
    phase_start: int = 0
    first_image: int = 0
    first_labeled: int = 0

    def images(self, step: int) -> int:
        """Returns the number of images in the run before `step`, a step of this segment or its end."""
        return self.first_image + (step - self.start) * self.phase.batch

    def labeled(self, step: int) -> int:
        """Returns the number of labelled images in the run before `step`."""
        return self.first_labeled + (step - self.start) * self.phase.labeled_batch


@dataclasses.dataclass(frozen=True)
class Schedule:
    """The steps of a run with the given phases.

    Args:
        phases: Phases in order; a single one trains at a fixed resolution.

    Raises:
        ValueError: A phase does not fit the others; the message names it and its field.
    """

    phases: tuple[Phase, ...]

    def __post_init__(self):
        if not self.phases:
            raise ValueError("phases: expected one or more. Received: none.")
        for i, phase in enumerate(self.phases):
            last = i == len(self.phases) - 1
            if last == bool(phase.images):
                expected = "0 (the rest of the run) in the last phase" if last else "1 or more before the last phase"
                raise ValueError(f"phases.{i}.images: expected {expected}. Received: {phase.images}.")
            before = self.phases[i - 1].resolution if i else None
            if before is not None and phase.resolution not in (before, 2 * before):
                raise ValueError(
                    f"phases.{i}.resolution: expected {before} or {2 * before} after a phase at {before}. "
                    f"Received: {phase.resolution}."
                )
            if phase.fade_images and phase.resolution == (before or phase.resolution):
                raise ValueError(
                    f"phases.{i}.fade_images: expected 0, since no phase at half the resolution precedes it. "
                    f"Received: {phase.fade_images}."
                )

    @functools.cached_property
    def segments(self) -> tuple[Segment, ...]:
        """All segments, in order. Lengths are rounded to whole steps, at least one."""
        segments, start, images, labeled = [], 0, 0, 0
        for phase in self.phases:
            phase_start = start
            # After its fade-in, a phase without a length never ends.
            for fading, length in ((True, phase.fade_images), (False, phase.images - phase.fade_images)):
                last = not fading and not phase.images
                if not length and not last:
                    continue
                steps = max(1, round(length / phase.batch))
                segments.append(
                    Segment(phase, fading, start, None if last else start + steps, phase_start, images, labeled)
                )
                start += steps
                images += steps * phase.batch
                labeled += steps * phase.labeled_batch
        return tuple(segments)

    def at(self, step: int) -> Segment:
        """Returns the segment that contains `step`."""
        return next(s for s in self.segments if s.end is None or step < s.end)

    def images(self, step: int) -> int:
        """Returns the number of images in the run before `step`."""
        return self.at(step).images(step)

    def steps(self, images: int) -> int:
        """Returns the smallest number of steps after which the run has seen at least `images`."""
        for segment in self.segments:
            steps = -(-(images - segment.first_image) // segment.phase.batch)
            if segment.end is None or segment.start + steps <= segment.end:
                return segment.start + max(0, steps)
        raise AssertionError("the last segment has no end")
