"""Selection of one model among many without labels, by ModelCentrality or UDR.

`run` ranks models from Python, `ssgan select` from a shell.
"""

from typing import TYPE_CHECKING

from ssgan_tf.utils.lazy import lazy_attributes

if TYPE_CHECKING:
    from ssgan_tf.select.ranking import Ranking, run

__all__ = ["Ranking", "run"]
__getattr__ = lazy_attributes(__name__, {"Ranking": "ranking", "run": "ranking"})
