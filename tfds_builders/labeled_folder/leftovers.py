"""Removes what killed builds left behind, and explains the errors of a full disk."""

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

_INCOMPLETE = "incomplete.*"  # TFDS prepares in such a folder and renames it at the end.


@contextlib.contextmanager
def exclusive_build(folder: Path) -> Iterator[None]:
    """Keeps other builds out of `folder`, and removes what killed ones left there.

    Raises:
        RuntimeError: if another build is running there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        # The kernel releases the lock however the process ends.
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for left in folder.glob(_INCOMPLETE):
            shutil.rmtree(left)
    except BlockingIOError:
        os.close(handle)
        raise RuntimeError(
            f"{folder}: another build is running there. Wait until it ends, or choose another name."
        ) from None
    except OSError as error:
        # Some network disks do not support such locks: then nothing is removed, and the build goes on without one.
        if error.errno not in (errno.EBADF, errno.ENOLCK, errno.ENOTSUP, errno.EINVAL):
            os.close(handle)
            raise
    try:
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def explain_full_disk(folder: Path) -> Iterator[None]:
    """Turns the various errors of a full disk into one message.

    Raises:
        OSError: saying which disk is full and what to do.
    """
    try:
        yield
    except Exception as error:
        if not _is_full_disk(error):
            raise
        raise OSError(
            f"{folder}: the disk is full. Nothing was prepared, and partial files were removed. Free some space, or "
            "choose another disk with --data_dir, and build again."
        ) from error


def _is_full_disk(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        # TensorFlow and TFDS wrap the system's error in their own exception types.
        if any(os.strerror(code) in str(error) for code in (errno.ENOSPC, errno.EDQUOT)):
            return True
        error = error.__cause__ or error.__context__
    return False
