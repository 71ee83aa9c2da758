"""Exports a trained run as a SavedModel that generates and encodes images without this package.

  ssgan export --workdir=runs/demo --out=runs/demo/export
  ssgan export --config=cups/config.py            written by `ssgan new`: exports the run beside it

--out has the layout that TensorFlow Serving expects: the SavedModel is its subfolder 1. The next export writes 2 and
then removes 1, so the folder always contains a complete model, and a running server switches to the new one. Nothing is
exported unless the SavedModel reproduces the model's results in a fresh process that has only TensorFlow and NumPy.
ssgan_tf/export/signatures.py describes the functions in the export, `ssgan_tf.editing` uses them, and
assets/model_card.md says what the model is and how it was trained.
"""

import tensorflow as tf
from absl import flags

from ssgan_tf.export import saved_model, verification
from ssgan_tf.utils import program
from ssgan_tf.utils.project import find_places

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run. Default: `run` beside a config of `ssgan new`.")
_CONFIG = flags.DEFINE_string("config", None, "Config that `ssgan new` wrote; stands for --workdir and --out.")
_OUT = flags.DEFINE_string(
    "out", None, "Folder of the export: new, empty, or an earlier export. Default with --config: `export` in the run."
)

_GENERATES = "Edit images with ssgan edit --model={out}, or from Python with Editor.load({out!r})"
_ENCODES = "Predict the codes of images from Python with Editor.load({out!r})"


def main() -> int:
    """Exports; returns the exit code, 1 if the export differs from the model."""
    tf.get_logger().setLevel("WARNING")
    tf.config.set_visible_devices([], "GPU")  # leaves its memory to a training that may be running there
    try:
        places = find_places(_CONFIG.value, _WORKDIR.value)
        out = _OUT.value or places.export
        if not out:
            raise ValueError("out: expected the folder of the export, such as runs/demo/export.")
        export = saved_model.run(places.workdir, out)
    except verification.ExportError as error:
        return program.fail(error, 1)
    except (ValueError, OSError, MemoryError) as error:
        return program.fail(error)
    use = (_GENERATES if export.generates_images else _ENCODES).format(out=out)
    print(
        f"Exported {places.workdir} at {export.images_trained:,} images to {export.folder} "
        f"({export.size / 2**20:.1f} MiB).\n"
        f"Compared with the model in a process without this package: {verification.IMAGES} images, largest "
        f"difference {export.largest_difference:.2g}.\n"
        f"{use} of ssgan_tf.editing,\n"
        f"a folder that needs only tensorflow and numpy. Model card: {export.model_card}"
    )
    return 0


if __name__ == "__main__":
    program.start(main)
