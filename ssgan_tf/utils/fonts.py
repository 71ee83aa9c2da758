"""Fonts for the text in image grids: one that has all characters, if it is installed; otherwise escapes are written."""

import contextlib
import functools
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence

from PIL import ImageFont

_ABSENT = "\U0010ffff"  # not a character; every font draws its box for missing ones
_UNUSUAL = re.compile("bold|italic|oblique|mono|condensed|light|thin|black", re.IGNORECASE)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def fit_font(texts: Sequence[str], size: int) -> tuple[Font, list[str]]:
    """Returns a font for texts, and the texts with escapes such as \\u4e2d in place of characters that it lacks.

    Args:
        texts: Texts to write.
        size: Height of the font in pixels.
    """
    texts = [unicodedata.normalize("NFC", text) for text in texts]
    font = _choose("".join(sorted(set("".join(texts)))), size)
    lacking = {ord(character): _escape(character) for character in set("".join(texts)) if not _has(font, character)}
    return font, [text.translate(lacking) for text in texts]


def escaped_characters(texts: Sequence[str]) -> str:
    """Returns the characters that `fit_font` replaces by escapes, in order."""
    characters = "".join(sorted(set(unicodedata.normalize("NFC", "".join(texts)))))
    font = _choose(characters, 12)
    return "".join(character for character in characters if not _has(font, character))


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


@functools.lru_cache(16)
def _choose(characters: str, size: int) -> Font:
    """Returns the first font that has all characters, or the one that has most of them."""
    best, fewest = ImageFont.load_default(size), len(characters) + 1
    for font in _fonts(size):
        lacking = sum(not _has(font, character) for character in characters)
        if lacking < fewest:
            best, fewest = font, lacking
        if not lacking:
            break
    return best


def _fonts(size: int) -> Iterator[Font]:
    """Yields Pillow's font, Matplotlib's, and those of the system, the usual shapes first."""
    yield ImageFont.load_default(size)
    import matplotlib

    path = os.path.join(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    if os.path.exists(path):
        yield ImageFont.truetype(path, size)
    from matplotlib import font_manager

    paths = sorted(font_manager.findSystemFonts())
    for path in sorted(paths, key=lambda path: bool(_UNUSUAL.search(os.path.basename(path)))):
        with contextlib.suppress(OSError, ValueError):  # fonts of a fixed size, and damaged ones
            yield ImageFont.truetype(path, size)


def _has(font: Font, character: str) -> bool:
    if character.isspace():
        return True
    try:
        mask, absent = font.getmask(character), font.getmask(_ABSENT)
    except (OSError, ValueError):
        return False
    return (mask.size, bytes(mask)) != (absent.size, bytes(absent))
