"""From a folder of images and some labels to a data set and a config: `run` from Python, `ssgan new` from a shell."""

from typing import TYPE_CHECKING

from ssgan_tf.utils.lazy import lazy_attributes

if TYPE_CHECKING:
    from ssgan_tf.new.creation import Project, run
    from ssgan_tf.new.options import Options

__all__ = ["Options", "Project", "run"]
__getattr__ = lazy_attributes(__name__, {"Options": "options", "Project": "creation", "run": "creation"})
