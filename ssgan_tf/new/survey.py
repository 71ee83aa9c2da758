"""Look at the image files of a folder, by their headers: sizes, colours, transparency, and what cannot be used."""

import collections
import concurrent.futures
import dataclasses
import os
import warnings
from collections.abc import Collection, Sequence

import numpy as np
from PIL import Image, ImageColor

from ssgan_tf.new.labels.formats import short
from ssgan_tf.new.settings import FEWEST_IMAGES
from ssgan_tf.new.wording import count

# As in tfds_builders/labeled_folder, which prepares the images.
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
_GREY, _COLOUR, _ALPHA = {"1", "L"}, {"RGB", "P"}, {"LA", "La", "PA", "RGBA", "RGBa"}
_DEEP = {"I", "I;16", "I;16L", "I;16B", "I;16N"}
_SHOWN = 3  # examples in a sentence
_MOST_USED = 0.95  # share of the images that must not be smaller than the resolution
_LOOKED_AT = 1000  # images with an alpha channel that are decoded
NOT_SQUARE = ("crop", "skip")


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

    def without(self, names: Collection[str], problem: str) -> "Survey":
        """Returns a survey in which images have a problem."""
        changed = (dataclasses.replace(f, problem=problem) if f.name in names else f for f in self.files)
        return Survey(self.folder, tuple(changed))

    def transparent(self) -> str:
        """Returns the name of an image with transparent pixels, or "" if the alpha channels looked at are opaque."""
        some = [file for file in self.usable if file.alpha]
        some = some[:: max(1, len(some) // _LOOKED_AT)]
        return next((file.name for file in some if _is_transparent(os.path.join(self.folder, file.name))), "")

    def grey(self, background: str) -> bool:
        """Returns whether all usable images are grey on a background, as labeled_folder decides it."""
        on_grey = not background or len(set(ImageColor.getrgb(background)[:3])) == 1
        return all(f.mode in _GREY | _DEEP | {"LA", "La"} and (on_grey or not f.alpha) for f in self.usable)

    def side(self) -> int:
        """Returns the size in pixels that nearly all usable images have at their shorter side."""
        sides = sorted((min(file.size) for file in self.usable), reverse=True)
        return sides[min(len(sides) - 1, int(_MOST_USED * len(sides)))] if sides else 0

    def describe(self) -> list[str]:
        """Returns lines on formats, sizes and colours."""
        usable = self.usable
        if not usable:
            return [f"{self.folder}: {count(len(self.files), 'image')}"]
        formats = collections.Counter(file.format for file in usable)
        lines = [f"{self.folder}: {count(len(self.files), 'image')}, {_list(formats)}"]
        sizes = collections.Counter(map(_size, usable))
        if len(sizes) > 2 * _SHOWN:
            low, high = (pick(usable, key=lambda file: file.size[0] * file.size[1]) for pick in (min, max))
            ends = f", from {_size(low)} to {_size(high)}"
        else:
            ends = ""
        lines.append(f"  sizes: {_list(sizes)}{ends}")
        modes = collections.Counter(_MODES.get(file.mode, file.mode) for file in usable)
        lines.append(f"  colours: {_list(modes)}")
        if self.not_square:
            file = self.not_square[0]
            lines.append(f"  not square: {len(self.not_square):,}, such as {file.name!r} ({_size(file)})")
        return lines

    def describe_problems(self) -> list[str]:
        """Returns a line for each reason why images cannot be used."""
        problems: dict[str, list[str]] = collections.defaultdict(list)
        for file in self.files:
            if file.problem:
                problems[file.problem].append(file.name)
        return [
            f"  left out: {len(names):,} {problem}: {', '.join(map(short, names[:_SHOWN]))}"
            for problem, names in problems.items()
        ]


def _size(file: ImageFile) -> str:
    return f"{file.size[0]}x{file.size[1]}"


def _is_transparent(path: str) -> bool:
    try:
        with Image.open(path, formats=_FORMATS) as image:
            return bool((np.asarray(image.convert("RGBA"))[..., 3] < 255).any())
    except Exception:  # damaged: the build leaves it out
        return False


_MODES = {
    "1": "black and white",
    "L": "grey",
    "P": "palette",
    "RGBA": "RGB with alpha",
    "LA": "grey with alpha",
} | dict.fromkeys(_DEEP, "grey of 16 bits")


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
    if file.mode not in _GREY | _COLOUR | _ALPHA | _DEEP:
        return dataclasses.replace(file, problem=f"with colours of the kind {file.mode}")
    if frames > 1:
        return dataclasses.replace(file, problem="with several frames")
    return file


def check_number(found: Survey) -> None:
    """Raises ValueError if too few images can be used."""
    if len(found.usable) < FEWEST_IMAGES:
        reasons = "; ".join(line.strip() for line in found.describe_problems()[:_SHOWN])
        raise ValueError(
            f"images: expected {FEWEST_IMAGES} or more in {found.folder} that can be used. Received: "
            f"{len(found.usable)}{'; ' * bool(reasons)}{reasons}."
        )


def choose_images(found: Survey, not_square: str, background: str) -> tuple[Survey, str]:
    """Returns the survey without the images that the user leaves out, and the background for transparent ones.

    Args:
        found: The survey.
        not_square: One of NOT_SQUARE, or "" to ask if there are images that are not square.
        background: Colour behind transparent images, or "" to ask if there are any.

    Raises:
        ValueError: What happens to some images is open; the message names the option.
    """
    if not_square not in ("", *NOT_SQUARE):
        raise ValueError(f"not_square: expected {' or '.join(NOT_SQUARE)}. Received: {not_square!r}.")
    if background:
        _check_colour(background)
    if others := found.not_square:
        if not not_square:
            number = "all" if len(others) == len(found.usable) else f"{len(others):,} of {len(found.usable):,}"
            skip = "" if number == "all" else ", --not_square=skip leaves them out"
            raise ValueError(
                f"not_square: {number} images are not square, such as {short(others[0].name)} ({_size(others[0])}). "
                f"--not_square=crop takes the middle square of each{skip}."
            )
        if not_square == "skip":
            found = found.without({file.name for file in others}, "that are not square")
            check_number(found)
    if not any(file.alpha for file in found.usable):
        return found, ""
    if not background and (name := found.transparent()):
        raise ValueError(
            f"background: images such as {short(name)} are transparent. --background=white puts them on white; "
            "any other colour is possible, by its name or as #rrggbb."
        )
    return found, background or "white"


def _check_colour(text: str) -> None:
    try:
        opaque = len(ImageColor.getrgb(text)) == 3
    except ValueError:
        opaque = False
    if not opaque:
        raise ValueError(f"background: expected a colour such as white or #rrggbb. Received: {short(text)}.")
