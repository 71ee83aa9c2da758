"""Progressive growing: which resolution is trained when, and how far its newest block is faded in.

Source: the predecessor's schedule (spec of Semi-StyleGAN 1.5, 2.3): half a phase at the first resolution, then one
phase for each further one, whose first half fades the new block in; the last resolution gets the rest.
"""

import dataclasses

import tensorflow as tf

from ssgan_tf.networks import layers


@dataclasses.dataclass(frozen=True)
class Segment:
    """A stretch of training during which the computation stays the same.

    Args:
        resolution: of the images.
        fading: the block at `resolution` is being faded in.
        start: first step.
        end: the step after the last one; None for the last segment.
    """

    resolution: int
    fading: bool
    start: int
    end: int | None

    def fade(self, step: tf.Tensor) -> tf.Tensor | None:
        """Weight of the newest block at `step`, rising from 0 to 1; None where nothing fades."""
        if not self.fading or self.end is None:
            return None
        return tf.cast(step - self.start, tf.float32) / float(self.end - self.start)


def make_segments(first: int, last: int, phase_images: int, batch: int) -> list[Segment]:
    """The whole schedule.

    Args:
        first: resolution to start with; `last` for training at a fixed resolution.
        last: the networks' full resolution.
        phase_images: length of a phase, in images.
        batch: images per step, over all devices.
    """
    half = max(1, round(phase_images / 2 / batch))
    segments, start, resolution = [], 0, first
    while resolution < last:
        if resolution > first:
            segments.append(Segment(resolution, True, start, start + half))
            start += half
        segments.append(Segment(resolution, False, start, start + half))
        start += half
        resolution *= 2
    if last > first:
        segments.append(Segment(last, True, start, start + half))
        start += half
    return [*segments, Segment(last, False, start, None)]


def segment_at(segments: list[Segment], step: int) -> Segment:
    """The segment that `step` belongs to."""
    return next(s for s in segments if s.end is None or step < s.end)


def shrink(images: tf.Tensor, resolution: int, fade: tf.Tensor | None) -> tf.Tensor:
    """Real images as the current networks should see them: at `resolution`, faded as generated ones are.

    Args:
        images: [B,R,R,C] at full resolution.
        resolution: current one.
        fade: weight of the detail that the resolution below cannot show; None is 1.
    """
    images = layers.downsample(images, images.shape[1] // resolution)
    if fade is None:
        return images
    coarse = layers.upsample(layers.downsample(images))
    return coarse + fade * (images - coarse)
