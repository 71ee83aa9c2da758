"""Files that TensorFlow reads and writes: paths that it would take for patterns, and errors that name the file."""

import contextlib
import os
import tempfile
from collections.abc import Iterator

import tensorflow as tf

_PATTERN = "[\\"  # TensorFlow looks for the files of a checkpoint as a shell would, where these do not mean themselves


@contextlib.contextmanager
def readable(folder: str) -> Iterator[str]:
    """Provides a path by which TensorFlow can read the files in `folder`: a link to it if need be."""
    if not any(character in folder for character in _PATTERN):
        yield folder
        return
    with tempfile.TemporaryDirectory() as scratch:
        link = os.path.join(scratch, "link")
        os.symlink(os.path.abspath(folder), link)
        yield link


@contextlib.contextmanager
def named_errors(path: str) -> Iterator[None]:
    """Makes errors of reading or writing `path` name it; errors of TensorFlow become OSErrors."""
    try:
        yield
    except tf.errors.OpError as error:
        raise OSError(f"{path}: {reason(error)}") from error
    except OSError as error:
        if error.errno and error.filename is None:  # a full disk is found out by a write, which knows no names
            error.filename = path
        raise


def reason(error: Exception) -> str:
    """Returns the first line of the error's message, without the graph node that TensorFlow prepends."""
    message = error.message if isinstance(error, tf.errors.OpError) else str(error)
    return str(message).partition("\n")[0].rpartition("}} ")[2]
