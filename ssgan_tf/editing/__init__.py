"""Generates, edits and encodes images with an exported model.

This folder requires tensorflow and numpy, pillow for image files, and an export, the folder written by `ssgan export`.
It can be copied anywhere. The command is `ssgan edit`, `ssgan-edit` or `python -m ssgan_tf.editing`; for a copy, it is
`python -m editing`.

    editor = Editor.load("runs/demo/export")                   # without a path: the model that comes with the package
    editor.factors                                             # (Factor(name="azimuth", size=9), ...)
    codes = np.full([1, len(editor.factors)], 0.5)             # every factor in the middle of its range
    images = editor.generate(codes, seed=3)                    # [1,R,R,C] float32 in about [-1, 1]
    turned = editor.edit(codes, {"azimuth": "+0.1"}, seed=3)   # the same image, turned a little further
    to_image(turned, scale=4)                                  # a Pillow image, which notebooks display
    pixels = to_uint8(turned)                                  # bytes in 0..255, as in files
    editor.encode(pixels)                                      # [1,K], close to the codes of the turned image

    photo = editor.fit("photo.png")                            # any image file
    turned = editor.edit(photo, {"azimuth": "+0.1"})
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

# TensorFlow reads this once, when it is first imported. Errors arrive as exceptions; 0 shows all messages.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from .exports import Factor, find_export, read_card, shipped_model  # noqa: E402
from .images_in import ImageNotice, to_uint8  # noqa: E402
from .images_out import to_image  # noqa: E402
from .latents import Latents  # noqa: E402

if TYPE_CHECKING:
    from .editor import Editor
    from .model import find_reason, load_saved

__all__ = [
    "Editor",
    "Factor",
    "ImageNotice",
    "Latents",
    "find_export",
    "find_reason",
    "load_saved",
    "read_card",
    "shipped_model",
    "to_image",
    "to_uint8",
]

_LAZY = {"Editor": "editor", "find_reason": "model", "load_saved": "model"}  # name: its module, which needs TensorFlow


def __getattr__(name: str) -> Any:
    """Imports TensorFlow only when a name that needs it is used, so that `ssgan edit --help` answers at once."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
