"""Progressive growing: how far the newest block is faded in, and real images as networks of that stage see them.

Which resolution is trained when is the schedule's (ssgan_tf/core/schedule.py).
"""

import tensorflow as tf

from ssgan_tf.core.images import downsample, upsample
from ssgan_tf.core.schedule import Segment


def fade_at(segment: Segment, step: tf.Tensor) -> tf.Tensor | None:
    """Weight of the newest block at `step`, rising from 0 to 1 over the segment; None where nothing fades."""
    if not segment.fading or segment.end is None:
        return None
    return tf.cast(step - segment.start, tf.float32) / float(segment.end - segment.start)


def shrink(images: tf.Tensor, resolution: int, fade: tf.Tensor | None) -> tf.Tensor:
    """Real images as the current networks should see them: at `resolution`, faded as generated ones are.

    Args:
        images: [B,R,R,C] at full resolution.
        resolution: current one.
        fade: weight of the detail that the resolution below cannot show; None is 1.
    """
    images = downsample(images, images.shape[1] // resolution)
    if fade is None:
        return images
    coarse = upsample(downsample(images))
    return coarse + fade * (images - coarse)
