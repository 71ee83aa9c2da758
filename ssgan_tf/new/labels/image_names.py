"""Names of images as tables have them: without ending, in another case, with Windows's slashes or another folder."""

import collections
import itertools
import os
import unicodedata
from collections.abc import Callable, Iterable
from typing import NamedTuple

_ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


class Match(NamedTuple):
    """Image that a name stands for.

    Args:
        image: Name of the image, relative to its folder.
        difference: How the name differs from it, e.g. "in upper and lower case"; empty if it does not.
    """

    image: str
    difference: str


class SeveralImages(ValueError):
    """A name that stands for several images.

    Args:
        name: The name.
        images: The images.
    """

    def __init__(self, name: str, images: list[str]):
        super().__init__(f"{name!r} may be {' or '.join(map(repr, images[:3]))}")
        self.images = images


class ImageNames:
    """Index of a folder's images that finds the one that a table means.

    Ways of writing a name are tried one after another, from the most to the least literal; the first that leads to any
    image decides. So a name never stands for an image that is further away while there is a nearer one.

    Args:
        images: Names of the images, relative to their folder, with / between folders.
        ending: Ending such as ".png" that decides between images whose names differ in nothing else; "" for none.
    """

    def __init__(self, images: Iterable[str], ending: str = ""):
        self._images = list(images)
        self._exact = frozenset(self._images)
        self._ending = ending.casefold()
        self._indices: dict[str, dict[str, list[str]]] = {}

    def find(self, name: str) -> Match | None:
        """Returns the image, or None if there is none.

        Raises:
            SeveralImages: The name stands for several images equally well.
        """
        if name in self._exact:
            return Match(name, "")
        for difference, key in _KEYS.items():
            wanted = key(name)
            if not wanted:
                continue
            if difference not in self._indices:  # most tables need the first ones alone
                self._indices[difference] = self._index(key)
            found = self._indices[difference].get(wanted, [])
            if len(found) > 1:
                found = _nearest(name, found)
            if len(found) > 1 and self._ending:
                found = [image for image in found if image.casefold().endswith(self._ending)] or found
            if len(found) > 1:
                raise SeveralImages(name, found)
            if found:
                return Match(found[0], difference)
        return None

    def _index(self, key: Callable[[str], str]) -> dict[str, list[str]]:
        index = collections.defaultdict(list)
        for image in self._images:
            if own := key(image):
                index[own].append(image)
        return index


def _plain(name: str) -> str:
    """Returns a name with / between folders, composed characters, and no spaces or ./ around it."""
    name = unicodedata.normalize("NFC", name).strip().replace("\\", "/")
    return os.path.normpath(name) if name else ""


def _folded(name: str) -> str:
    return _plain(name).casefold()


def _without_ending(name: str) -> str:
    stem, ending = os.path.splitext(_folded(name))
    return stem if ending in _ENDINGS else stem + ending


def _base(name: str) -> str:
    return os.path.basename(_folded(name))


def _base_without_ending(name: str) -> str:
    return os.path.basename(_without_ending(name))


def _number(name: str) -> str:
    """Returns the number that a name consists of, which spreadsheets write without its zeros; "" if it is none."""
    base = _base_without_ending(name)
    return base.lstrip("0") or "0" if base.isascii() and base.isdigit() else ""


_KEYS = {
    "in spaces, slashes or the encoding of accents": _plain,
    "in upper and lower case": _folded,
    "in the ending": _without_ending,
    "in the folder": _base,
    "in the folder and the ending": _base_without_ending,
    "in leading zeros": _number,
}


def _nearest(name: str, images: list[str]) -> list[str]:
    """Returns the images that share most of the folders before the name."""

    def shared(image: str) -> int:
        pairs = zip(
            reversed(_without_ending(name).split("/")), reversed(_without_ending(image).split("/")), strict=False
        )
        return len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)))

    most = max(map(shared, images))
    return [image for image in images if shared(image) == most]
