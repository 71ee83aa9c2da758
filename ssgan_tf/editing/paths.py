"""Paths of the command: the image files to read, and the files to write for each of them."""

import os
from collections.abc import Mapping, Sequence

from .image_files import FILE_ENDINGS

_ENDINGS = {"out": FILE_ENDINGS, "grid": FILE_ENDINGS, "gif": (".gif",), "mp4": (".mp4",)}  # by flag


def find_images(paths: Sequence[str]) -> list[str]:
    """Returns the files in `paths`, with each folder replaced by the image files in it in alphabetical order.

    Raises:
        ValueError: If a folder contains no image.
    """
    found = []
    for path in paths:
        if not os.path.isdir(path):
            found.append(path)
            continue
        names = sorted(name for name in os.listdir(path) if name.lower().endswith((*FILE_ENDINGS, ".gif")))
        # A leading dot marks hidden files, such as "._a.png" of macOS, which is not an image.
        files = [os.path.join(path, name) for name in names if not name.startswith(".")]
        files = [file for file in files if not os.path.isdir(file)]
        if not files:
            raise ValueError(f"--in: expected images in the folder {path!r}. Received: none.")
        found += files
    return found


def plan_outputs(places: Mapping[str, str], inputs: Sequence[str], in_folders: bool) -> list[dict[str, str]]:
    """Plans the files to write for each image, and creates their folders.

    Args:
        places: Values of the flags that were given: {"out": path, "grid": path, "gif": path, "mp4": path}.
        inputs: Names of the images, after which files in a folder are named.
        in_folders: True if the places are folders, for several images; False if they are files.

    Returns:
        Paths by flag, for each image.

    Raises:
        ValueError: If a file's ending names no known format, or the file cannot be written or would overwrite an
            input or another output.
    """
    # Name the files after the images, including their endings if the names are not unique without them.
    names = [os.path.splitext(os.path.basename(path))[0] for path in inputs]
    if len(set(names)) < len(names):
        names = [os.path.basename(path) for path in inputs]
    if len(set(names)) < len(names):
        raise ValueError("--in: expected images with different names. Received: several with the same name.")

    result: list[dict[str, str]] = [{} for _ in inputs]
    for flag, place in places.items():
        known = _ENDINGS[flag]
        if not in_folders and not place.lower().endswith(known):
            raise ValueError(f"--{flag}: expected a file that ends in {', '.join(known)}. Received: {place!r}.")
        ending = "-grid.png" if flag == "grid" else known[0]
        for paths, name in zip(result, names, strict=True):
            paths[flag] = os.path.join(place, name + ending) if in_folders else place
            _check_no_overwrite(flag, paths, inputs)
        # Check that the files can be written before the fit, which takes long.
        _make_folder(flag, place, place if in_folders else os.path.dirname(place) or ".")
        for paths in result:
            _check_writable(flag, paths[flag])
    return result


def _check_no_overwrite(flag: str, paths: Mapping[str, str], inputs: Sequence[str]) -> None:
    path = paths[flag]
    if any(_is_same_file(path, other) for other in inputs):
        raise ValueError(f"--{flag}: expected a file different from --in. Received: {path!r}.")
    for other_flag, other in paths.items():
        if other_flag != flag and _is_same_file(path, other):
            raise ValueError(f"--{flag}: expected a file different from --{other_flag}. Received: {path!r}.")


def _is_same_file(a: str, b: str) -> bool:
    """Returns True if both paths lead to the same file, also through links, even if it does not exist yet."""
    if os.path.exists(a) and os.path.exists(b):
        return os.path.samefile(a, b)
    return os.path.realpath(a) == os.path.realpath(b)


def _make_folder(flag: str, place: str, folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise ValueError(f"--{flag}: cannot write {place!r}: {error.strerror}.") from None


def _check_writable(flag: str, path: str) -> None:
    """Checks that a file can be written, and leaves the disk as it was."""
    is_new = not os.path.lexists(path)
    try:
        with open(path, "ab"):
            pass
        if is_new:
            os.remove(path)
    except OSError as error:
        raise ValueError(f"--{flag}: cannot write {path!r}: {error.strerror}.") from None
