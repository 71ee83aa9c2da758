"""Export as a function: writes a run as a SavedModel, checks it in a fresh process, and puts it in place."""

import contextlib
import dataclasses
import os
import shutil
import tempfile

import tensorflow as tf

from ssgan_tf import editing, runs
from ssgan_tf.export import model_card, signatures, verification

_PARTIAL = ".ssgan_tf-partial"  # in `out`; TensorFlow Serving only looks at numbered folders


@dataclasses.dataclass(frozen=True, repr=False)
class Export:
    """A SavedModel on disk, checked against the model.

    Args:
        folder: Folder of the SavedModel, a numbered subfolder of `out`.
        size: Bytes of all its files.
        largest_difference: Largest difference of a pixel between export and model, or of a code if the model generates
            no images.
        images_trained: Number of images the run was trained with.
        generates_images: False if the export only encodes images.
    """

    folder: str
    size: int
    largest_difference: float
    images_trained: int
    generates_images: bool

    @property
    def model_card(self) -> str:
        """Path of a readable description: data, labels, training, scores."""
        return os.path.join(self.folder, "assets", "model_card.md")

    def __repr__(self) -> str:
        kind = "" if self.generates_images else "encoder, "
        return (
            f"<Export {self.folder!r}: {kind}{self.size / 2**20:.1f} MiB, trained with {self.images_trained:,} images, "
            f"at most {self.largest_difference:.2g} from the model>"
        )


def run(workdir: str | runs.Run, out: str) -> Export:
    """Writes a trained run as a SavedModel that needs only TensorFlow, after checking it in a fresh process.

    The export computes everything in float32, whatever precision the run was trained in. `out` has the layout that
    TensorFlow Serving expects: the SavedModel is its subfolder 1, or the next number after an earlier export, which is
    removed once the new one is complete.

    The check runs on the CPU even if the model is on a GPU, because a GPU rounds differently, with TF32 by up to 1e-3.
    So this function may be called after training in the same process, and leaves TensorFlow's devices as they are.

    Args:
        workdir: Folder of the run, or a run that `load_run` or `train.run` returned.
        out: Folder of the export: new, empty, or an earlier export.

    Returns:
        The export.

    Raises:
        ValueError, OSError: The run cannot be used, or `out` contains other files or cannot be written.
        ExportError: The export differs from the model. After this and any other error, `out` is unchanged.
    """
    check_out(out)
    trained = workdir if isinstance(workdir, runs.Run) else runs.load_run(workdir)
    runs.check_grown(trained)
    try:
        folder, difference = _write_in_place(trained, out)
    except (OSError, tf.errors.OpError) as error:
        raise OSError(f"out: {out!r} cannot be written: {error}") from error
    size = sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names)
    return Export(folder, size, difference, trained.images, trained.model.generate is not None)


def check_out(out: str) -> None:
    """Checks that `out` can be written, and is new, empty or an earlier export.

    Raises:
        OSError: It cannot be written.
        ValueError: It contains other files.
    """
    missing = _missing_folders(out)
    place = os.path.dirname(missing[-1]) if missing else out
    if not os.path.isdir(place):
        raise NotADirectoryError(f"out: {out!r} cannot be written: expected a folder. Received: the file {place!r}.")
    if not os.access(place, os.W_OK | os.X_OK):
        raise PermissionError(f"out: {out!r} cannot be written: no permission to write in {place!r}.")
    names = [] if missing else sorted(set(os.listdir(out)) - {_PARTIAL})
    others = [name for name in names if not (name.isdigit() and _is_export(os.path.join(out, name)))]
    if others:
        raise ValueError(
            f"out: expected a new or empty folder, or an earlier export. Received: {out!r}, which contains "
            f"{', '.join(others[:3])}. Nothing was overwritten."
        )


def write(run: runs.Run, folder: str) -> None:
    """Writes the SavedModel of `run` to `folder`, without checking it."""
    functions, variables = signatures.make_signatures(run.model)
    module = tf.Module()
    module.weights = variables  # and no Keras object, which could only be loaded with Keras
    with tempfile.TemporaryDirectory() as scratch:
        module.about = [tf.saved_model.Asset(path) for path in model_card.write(run, scratch)]
        tf.saved_model.save(module, folder, signatures=functions)


def _write_in_place(run: runs.Run, out: str) -> tuple[str, float]:
    """Writes, checks, and only then replaces an earlier export.

    Returns:
        The SavedModel's folder, and its largest difference from the model.
    """
    created = _missing_folders(out)
    partial = os.path.join(out, _PARTIAL)
    try:
        os.makedirs(out, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)  # left by an export that was killed
        write(run, partial)
        difference = verification.check(run, partial)
        earlier = [name for name in os.listdir(out) if name.isdigit()]
        final = os.path.join(out, str(1 + max(map(int, earlier), default=0)))
        os.replace(partial, final)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        for folder in created:
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        raise
    for name in earlier:
        os.replace(os.path.join(out, name), partial)  # in one move, so that nobody sees half of it under its number
        shutil.rmtree(partial, ignore_errors=True)
    return final, difference


def _missing_folders(path: str) -> list[str]:
    """Returns those of `path` and its parents that do not exist, innermost first."""
    place, missing = os.path.abspath(path), []
    while not os.path.exists(place):
        missing.append(place)
        place = os.path.dirname(place)
    return missing


def _is_export(folder: str) -> bool:
    try:
        return bool(editing.read_card(editing.find_export(folder)))
    except (OSError, ValueError):
        return False
