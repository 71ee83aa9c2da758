"""Look at the image files of a folder, by their headers: sizes, colours, transparency, and what cannot be used."""

import collections
import concurrent.futures
import dataclasses
import os
import warnings
from collections.abc import Sequence

from PIL import Image

# As in tfds_builders/labeled_folder, which prepares the images.
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
_GRAY, _COLOUR, _ALPHA = {"1", "L"}, {"RGB", "P"}, {"LA", "La", "PA", "RGBA", "RGBa"}
_DEEP = {"I", "I;16", "I;16L", "I;16B", "I;16N"}
_SHOWN = 3  # examples in a sentence
_MOST_USED = 0.95  # share of the images that must not be smaller than the resolution


@dataclasses.dataclass(frozen=True)
class ImageFile:
    """Header of an image file.

    Args:
        name: Name, relative to the folder.
        size: Width and height in pixels; (0, 0) if it cannot be read.
        mode: Pillow's mode, e.g. "RGB".
        format: Pillow's format, e.g. "PNG".
        alpha: Whether it has an alpha channel or a transparent colour.
        problem: Why it cannot be used; empty if it can.
    """

    name: str
    size: tuple[int, int] = (0, 0)
    mode: str = ""
    format: str = ""
    alpha: bool = False
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class Survey:
    """Image files of a folder.

    Args:
        folder: The folder.
        files: Headers of all files.
    """

    folder: str
    files: tuple[ImageFile, ...]

    @property
    def usable(self) -> list[ImageFile]:
        """Files that can be read."""
        return [file for file in self.files if not file.problem]

    @property
    def not_square(self) -> list[ImageFile]:
        """Usable files that are not square."""
        return [file for file in self.usable if file.size[0] != file.size[1]]

    def transparent(self) -> str:
        """Returns the name of an image with transparent pixels, or "" if all alpha channels are opaque.

        Images are decoded until one is found.
        """
        return next((file.name for file in self.usable if file.alpha and self._is_transparent(file)), "")

    def _is_transparent(self, file: ImageFile) -> bool:
        with Image.open(os.path.join(self.folder, file.name), formats=_FORMATS) as image:
            try:
                lowest = image.convert("RGBA").getextrema()[3][0]  # type: ignore[index]
            except (OSError, ValueError, SyntaxError):  # damaged: the build leaves it out
                return False
        return int(lowest) < 255

    def side(self, square: bool) -> int:
        """Returns the size in pixels that nearly all usable images have at their shorter side.

        Args:
            square: Whether images that are not square are left out.
        """
        sides = sorted((min(f.size) for f in self.usable if not square or f.size[0] == f.size[1]), reverse=True)
        return sides[min(len(sides) - 1, int(_MOST_USED * len(sides)))] if sides else 0

    def describe(self) -> list[str]:
        """Returns lines on formats, sizes, colours and unusable files."""
        usable = self.usable
        formats = collections.Counter(file.format for file in usable)
        lines = [f"{self.folder}: {len(self.files):,} images, {_list(formats)}"]
        sizes = collections.Counter(f"{file.size[0]}x{file.size[1]}" for file in usable)
        if len(sizes) > 2 * _SHOWN:
            low, high = (choose(usable, key=lambda file: file.size[0] * file.size[1]).size for choose in (min, max))
            ends = f", from {low[0]}x{low[1]} to {high[0]}x{high[1]}"
        else:
            ends = ""
        lines.append(f"  sizes: {_list(sizes)}{ends}")
        modes = collections.Counter(_MODES.get(file.mode, file.mode) for file in usable)
        lines.append(f"  colours: {_list(modes)}")
        problems: dict[str, list[str]] = collections.defaultdict(list)
        for file in self.files:
            if file.problem:
                problems[file.problem].append(file.name)
        for problem, names in problems.items():
            lines.append(f"  left out: {len(names):,} {problem}: {', '.join(names[:_SHOWN])}")
        return lines


_MODES = {"1": "black and white", "L": "grey", "P": "palette", "RGBA": "RGB with alpha", "LA": "grey with alpha"} | {
    mode: "grey of 16 bits" for mode in _DEEP
}


def _list(counts: collections.Counter[str]) -> str:
    shown = [f"{name} ({count:,})" for name, count in counts.most_common(_SHOWN)]
    more = len(counts) - _SHOWN
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")


def survey(folder: str, images: Sequence[str]) -> Survey:
    """Reads the headers of image files.

    Args:
        folder: Folder with the images.
        images: Their names, relative to it.
    """
    with concurrent.futures.ThreadPoolExecutor() as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of large photographs and damaged metadata
        return Survey(folder, tuple(pool.map(lambda name: _read_header(folder, name), images, chunksize=256)))


def _read_header(folder: str, name: str) -> ImageFile:
    path = os.path.join(folder, name)
    if len(name.splitlines()) > 1:
        return ImageFile(name, problem="with a line break in the name")
    try:
        if not os.path.getsize(path):
            return ImageFile(name, problem="empty")
        with Image.open(path, formats=_FORMATS) as image:
            alpha = image.mode in _ALPHA or "transparency" in image.info
            file = ImageFile(name, image.size, image.mode, image.format or "", alpha)
            frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    except Exception:  # decoders raise almost anything on damaged data
        return ImageFile(name, problem="that cannot be read")
    if file.mode not in _GRAY | _COLOUR | _ALPHA | _DEEP:
        return dataclasses.replace(file, problem=f"with colours of the kind {file.mode}")
    if frames > 1:
        return dataclasses.replace(file, problem="with several frames")
    return file
