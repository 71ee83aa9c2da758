"""Makes, edits and reads pictures with an exported model.

This folder needs tensorflow and numpy, pillow for picture files, and the folder that `python -m ssgan_tf.export` wrote:
copy it anywhere. The command is `ssgan-edit`, or `python -m ssgan_tf.editing` (of a copy: `python -m editing`).

    editor = Editor.load("runs/demo/export")                   # without a path: the model that comes with the package
    editor.factors                                             # (Factor(name="azimuth", size=9), ...)
    codes = np.full([1, len(editor.factors)], 0.5)             # every factor in the middle of its range
    images = editor.generate(codes, seed=3)                    # [1,R,R,C] float32 in about [-1, 1]
    turned = editor.edit(codes, {"azimuth": "+0.1"}, seed=3)   # the same picture, a little further round
    pixels = to_uint8(turned)                                  # 0..255, as files have it
    editor.encode(pixels)                                      # [1,K], near codes with the azimuth turned

    photo = editor.fit("photo.png")                            # a picture that the generator did not make
    turned = editor.edit(photo, {"azimuth": "+0.1"})
"""

import os

# TensorFlow reads it once, when it is first imported: what is wrong comes as an exception. 0 shows everything.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from .editor import Editor  # noqa: E402
from .exports import Factor, find_export, read_card, shipped_model  # noqa: E402
from .latents import Latents  # noqa: E402
from .model import find_reason, load_saved  # noqa: E402
from .pictures import PictureNotice, to_uint8  # noqa: E402

__all__ = [
    "Editor",
    "Factor",
    "Latents",
    "PictureNotice",
    "find_export",
    "find_reason",
    "load_saved",
    "read_card",
    "shipped_model",
    "to_uint8",
]
