"""Export as a function: writes a run as a SavedModel, checks it in a fresh process, and puts it in place."""

import contextlib
import dataclasses
import os
import shutil
import tempfile
from collections.abc import Iterator

import tensorflow as tf

from ssgan_tf import editing, runs
from ssgan_tf.export import model_card, signatures, verification
from ssgan_tf.utils import files
from ssgan_tf.utils.validation import check_path

# In `out` while an export is made; TensorFlow Serving only looks at numbered folders.
_PARTIAL = ".ssgan_tf-partial"
_LOCK = ".ssgan_tf-lock"


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
    check_path("out", out)
    with _reserve(out) as partial:
        check_out(out)
        trained = workdir if isinstance(workdir, runs.Run) else runs.load_run(workdir)
        runs.check_grown(trained)
        try:
            folder, difference = _write_in_place(trained, out, partial)
        except (OSError, tf.errors.OpError) as error:
            raise OSError(f"out: {out!r} cannot be written: {_reason(error)}") from error
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
    names = [] if missing else sorted(set(os.listdir(out)) - {_PARTIAL, _LOCK})
    others = [name for name in names if not (name.isdigit() and _is_export(os.path.join(out, name)))]
    if others:
        raise ValueError(
            f"out: expected a new or empty folder, or an earlier export. Received: {out!r}, which contains "
            f"{', '.join(others[:3])}. Nothing was overwritten."
        )


def write(run: runs.Run, folder: str) -> None:
    """Writes the SavedModel of `run` to `folder`, without checking it."""
    functions, variables, max_rows = signatures.make_signatures(run.model)
    module = tf.Module()
    module.weights = variables  # and no Keras object, which could only be loaded with Keras
    with tempfile.TemporaryDirectory(dir=os.path.dirname(folder)) as scratch:
        module.about = [tf.saved_model.Asset(path) for path in model_card.write(run, scratch, max_rows)]
        tf.saved_model.save(module, folder, signatures=functions)


@contextlib.contextmanager
def _reserve(out: str) -> Iterator[str]:
    """Creates `out` and locks it while the block runs; if the block fails, removes what it created.

    Yields:
        A new folder in `out` to work in, which is removed at the end.

    Raises:
        ValueError: Another process exports to `out`.
        OSError: `out` cannot be written.
    """
    created = _missing_folders(out)
    partial = os.path.join(out, _PARTIAL)
    try:
        with files.exclusive_folder(out, "exports", _LOCK):
            try:
                shutil.rmtree(partial, ignore_errors=True)  # left by an export that was killed
                os.mkdir(partial)
                yield partial
            finally:
                shutil.rmtree(partial, ignore_errors=True)
                os.remove(os.path.join(out, _LOCK))
    except BaseException:
        for folder in created:
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        raise


def _write_in_place(run: runs.Run, out: str, partial: str) -> tuple[str, float]:
    """Writes to the folder `partial`, checks, and only then replaces an earlier export.

    Returns:
        The SavedModel's folder, and its largest difference from the model.
    """
    new = os.path.join(partial, "new")
    write(run, new)
    difference = verification.check(run, new)
    earlier = [name for name in os.listdir(out) if name.isdigit()]
    final = os.path.join(out, str(1 + max(map(int, earlier), default=0)))
    os.replace(new, final)
    for name in earlier:
        os.replace(os.path.join(out, name), os.path.join(partial, name))  # in one move: nobody ever sees half of it
    return final, difference


def _missing_folders(path: str) -> list[str]:
    """Returns those of `path` and its parents that do not exist, innermost first."""
    place, missing = os.path.abspath(path), []
    while not os.path.exists(place):
        missing.append(place)
        place = os.path.dirname(place)
    return missing


def _reason(error: OSError | tf.errors.OpError) -> str:
    """Returns what went wrong in one line and, if TensorFlow found the disk full, what to do."""
    if not isinstance(error, tf.errors.OpError):
        return str(error)
    reason = str(error.message).partition("\n")[0]
    full = "No space left" in reason or "Disk quota exceeded" in reason
    return f"{reason}; free some space on its disk" if full else reason


def _is_export(folder: str) -> bool:
    try:
        return bool(editing.read_card(editing.find_export(folder)))
    except (OSError, ValueError):
        return False
