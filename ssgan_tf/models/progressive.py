"""Progressive growing: the fade-in weight of the newest block, and real images to match.

The schedule (core/schedule.py) decides when each resolution is trained.
"""

import tensorflow as tf

from ssgan_tf.core.images import downsample, upsample
from ssgan_tf.core.schedule import Segment


def fade_at(segment: Segment, step: tf.Tensor) -> tf.Tensor | None:
    """Returns the weight of the newest block, which rises from 0 to 1 over the segment; None if nothing fades in."""
    if not segment.fading or segment.end is None:
        return None
    return tf.cast(step - segment.start, tf.float32) / float(segment.end - segment.start)


def shrink(images: tf.Tensor, resolution: int, fade: tf.Tensor | None) -> tf.Tensor:
    """Reduces real images to the current resolution, faded in like generated ones.

    Args:
        images: [B,R,R,C] at full resolution, or already at r, as `data.pipeline` delivers them.
        resolution: Current resolution r.
        fade: Weight of the detail that the resolution below cannot show; None means 1.

    Returns:
        [B,r,r,C].
    """
    images = downsample(images, images.shape[1] // resolution)  # [B,r,r,C]
    if fade is None:
        return images
    # The generator mixes its image with the doubled one of the resolution below; real images must lose as much detail.
    coarse = upsample(downsample(images))
    return coarse + fade * (images - coarse)
