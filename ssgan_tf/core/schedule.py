"""A run as phases - resolution, length, batches, learning rate - and the steps that they come to.

Lengths are in images over all devices; a step takes as many as its phase's batch.
"""

import dataclasses
import functools
from collections.abc import Mapping

# Images per step by resolution, over all devices (spec of Semi-StyleGAN 2.3; official StyleGAN's).
BATCHES_8_GPUS = {8: 256, 16: 128, 32: 64, 64: 32, 128: 32, 256: 32, 512: 32, 1024: 32}
BATCHES_1_GPU = {8: 128, 16: 128, 32: 64, 64: 32, 128: 16, 256: 8, 512: 4, 1024: 4}
LEARNING_RATES = {128: 0.0015, 256: 0.002, 512: 0.003, 1024: 0.003}  # 0.001 below


@dataclasses.dataclass(frozen=True)
class Phase:
    """A stretch of training at one resolution.

    Args:
        resolution: of the images; 0 for the networks' full one.
        images: length; 0, in the last phase alone, for the rest of the run.
        fade_images: during the first so many the newest block is faded in; needs a phase at half the resolution
            before.
        batch: images per step.
        labeled_batch: labelled images per step; at most `batch`.
        learning_rate: Adam's, for both networks.
        decay_images: the rate falls to 1 % over the phase's first so many images, as a cosine; 0 keeps it as it is.
        fresh_optimizers: both optimizers forget their moments as the phase begins.

    Raises:
        ValueError: naming the field that is out of range.
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
    """The published schedule: half a phase at 8x8, then a phase for each resolution, whose first half fades it in;
    the last one gets the rest of the run. Each begins with fresh optimizers. Labelled batches are as large as the
    others, which is not published.

    Source: spec of Semi-StyleGAN 1.5 and 2.3.

    Args:
        resolution: full one; a power of two from 8 on.
        phase_images: length of a phase.
        batches: images per step by resolution.
        learning_rates: by resolution; 0.001 where there is none.
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
    """A stretch of steps with the same computation: a phase, or its fading part, or what follows that.

    Args:
        phase: that it is of.
        fading: the newest block is being faded in.
        start: first step.
        end: the step after the last one; None for the last segment.
        phase_start: the phase's first step.
        first_image: images of the run before it.
        first_labeled: labelled images of the run before it.
    """

    phase: Phase
    fading: bool
    start: int
    end: int | None
    phase_start: int = 0
    first_image: int = 0
    first_labeled: int = 0

    def images(self, step: int) -> int:
        """Images of the run before `step`, which is one of this segment's, or its end."""
        return self.first_image + (step - self.start) * self.phase.batch

    def labeled(self, step: int) -> int:
        """Likewise labelled images."""
        return self.first_labeled + (step - self.start) * self.phase.labeled_batch


@dataclasses.dataclass(frozen=True)
class Schedule:
    """The steps that phases come to.

    Args:
        phases: in order; one for training at a fixed resolution.

    Raises:
        ValueError: naming the phase and field that do not fit the others.
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
                    f"phases.{i}.fade_images: expected 0, since no phase at half the resolution comes before. "
                    f"Received: {phase.fade_images}."
                )

    @functools.cached_property
    def segments(self) -> tuple[Segment, ...]:
        """All of them, in order; lengths are rounded to whole steps, at least one."""
        segments, start, images, labeled = [], 0, 0, 0
        for phase in self.phases:
            phase_start = start
            # A phase without a length goes on for ever after its fading part.
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
        """The segment that `step` belongs to."""
        return next(s for s in self.segments if s.end is None or step < s.end)

    def images(self, step: int) -> int:
        """Images of the run before `step`."""
        return self.at(step).images(step)

    def steps(self, images: int) -> int:
        """The first step before which the run has had `images`, or more."""
        for segment in self.segments:
            steps = -(-(images - segment.first_image) // segment.phase.batch)
            if segment.end is None or segment.start + steps <= segment.end:
                return segment.start + max(0, steps)
        raise AssertionError("the last segment has no end")
