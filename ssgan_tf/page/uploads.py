"""Uploaded files, bounded in size, number and age, and deleted as soon as they have been read."""

import os
import secrets
import shutil
import tempfile
import time
from pathlib import Path

MAX_BYTES = 64 * 2**20  # of a file
MAX_FILES = 16  # files that wait to be fitted
MAX_AGE = 60.0  # seconds since the last byte of a file that nobody has asked to fit


class Uploads:
    """Folder of uploaded files.

    gradio writes an upload to a temporary file in `arriving`, renames it to `arriving/<hash of the content>/<name>` and
    forgets it. `separate` gives it a folder of its own, and `claim` moves it to `waiting`, from where it is not served.

    Args:
        folder: Folder for the files, empty at first.
    """

    def __init__(self, folder: str):
        self.arriving, self._waiting = Path(folder, "arriving"), Path(folder, "waiting")
        self.arriving.mkdir()
        self._waiting.mkdir()

    def separate(self, upload: str) -> str:
        """Moves an upload that has just arrived, so that another of the same content does not share its file.

        Returns:
            New path, as long as the old one.
        """
        source = Path(upload)
        folder = self.arriving / secrets.token_hex(len(source.parent.name))[: len(source.parent.name)]
        folder.mkdir()
        source.replace(folder / source.name)
        _remove_empty(source.parent)
        return str(folder / source.name)

    def claim(self, upload: str) -> Path:
        """Takes an upload for a fit; returns its new path, whose name is the one on the visitor's machine.

        Raises:
            ValueError: If it is not an upload, or was deleted.
        """
        source = Path(os.path.abspath(upload))
        if source.parent.parent != self.arriving:
            raise ValueError(f"{source.name}: expected an uploaded file.")
        claimed = Path(tempfile.mkdtemp(dir=self._waiting), source.name)
        try:
            source.replace(claimed)
        except OSError:
            claimed.parent.rmdir()
            raise ValueError(f"{source.name}: expected an uploaded file, but it is gone. Upload it again.") from None
        _remove_empty(source.parent)
        return claimed

    def release(self, path: Path) -> None:
        """Deletes a file that `claim` returned."""
        shutil.rmtree(path.parent, ignore_errors=True)

    def discard(self, upload: str) -> None:
        """Deletes an upload that was not claimed."""
        try:
            self.release(self.claim(upload))
        except ValueError:
            pass

    def count(self) -> int:
        """Returns the number of files, those that are still arriving included."""
        return sum(len(files) for _, _, files in os.walk(self.arriving)) + len(os.listdir(self._waiting))

    def sweep(self, max_age: float = MAX_AGE) -> int:
        """Deletes uploads that have not been claimed in `max_age` seconds; returns their number."""
        deleted, oldest = 0, time.time() - max_age
        for path in list(self.arriving.rglob("*")):  # a folder comes before its files
            try:
                if path.is_file() and path.stat().st_mtime <= oldest:
                    path.unlink()
                    deleted += 1
                    _remove_empty(path.parent)
                elif path.is_dir() and path.stat().st_mtime <= oldest:
                    _remove_empty(path)
            except FileNotFoundError:  # claimed in the meantime
                pass
        return deleted

    def remove_fragments(self) -> None:
        """Deletes what interrupted uploads have left; must not be called while an upload arrives."""
        for path in self.arriving.glob("*"):
            if path.is_file():
                path.unlink(missing_ok=True)


def _remove_empty(folder: Path) -> None:
    """Removes a folder unless there is something in it, or it is one of the two that stay."""
    if folder.name != "arriving":
        try:
            folder.rmdir()
        except OSError:
            pass
