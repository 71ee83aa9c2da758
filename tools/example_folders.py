"""Makes a folder of images with few labels, and the truth about all of them beside it, as docs/own_images.md uses them.

    .venv/bin/python tools/example_folders.py letters LETTERS --images=2000 --labelled=150
    .venv/bin/python tools/example_folders.py photos PHOTOS --source=skimage/data
    .venv/bin/python tools/example_folders.py emoji EMOJI --source=node_modules

letters draws coloured letters on uneven backgrounds. photos cuts pieces out of six photographs that scikit-image ships
(its folder `data`). emoji copies images of the npm packages emoji-datasource and emoji-datasource-apple, -google,
-twitter and -facebook. Writes OUT/images, OUT/images/labels.csv with the labels of some images, half of them with one
label missing, and OUT/truth.csv with all.
"""

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

from ssgan_tf.utils.program import ArgumentParser

SIDE = 64  # pixels
LETTERS = "AEKSX"
PHOTOS = ("astronaut", "brick", "chelsea", "coffee", "grass", "retina")
TINTS = {"cold": (0.8, 0.9, 1.15), "plain": (1.0, 1.0, 1.0), "warm": (1.15, 0.95, 0.75)}
VENDORS = ("apple", "facebook", "google", "twitter")
CATEGORIES = ("Animals & Nature", "Flags", "Food & Drink", "People & Body", "Smileys & Emotion")
SKINS = {"1F3FB": "light", "1F3FC": "medium light", "1F3FD": "medium", "1F3FE": "medium dark", "1F3FF": "dark"}

Example = tuple[Image.Image, dict[str, str]]
"""An image and its factors; an empty string for a factor that it does not have."""


def letters(count: int, source: str, rng: np.random.Generator) -> Iterator[Example]:
    """Draws letters: which, hue, size and angle."""
    font = font_manager.findfont("DejaVu Sans:bold")
    for _ in range(count):
        letter = LETTERS[rng.integers(len(LETTERS))]
        hue, size, angle = (round(float(x), 2) for x in (rng.random(), rng.uniform(0.5, 1.0), rng.uniform(-45, 45)))
        # Background: a coarse grey pattern, enlarged.
        coarse = rng.integers(40, 140, [3, 3]).astype(np.uint8)
        image = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC).convert("RGB")
        mask = Image.new("L", (SIDE, SIDE))
        ImageDraw.Draw(mask).text(
            (SIDE / 2, SIDE / 2), letter, 255, ImageFont.truetype(font, int(56 * size)), anchor="mm"
        )
        colour = Image.new("HSV", (SIDE, SIDE), (int(255 * hue), 230, 240)).convert("RGB")
        image.paste(colour, mask=mask.rotate(angle, Image.Resampling.BICUBIC))
        yield image, {"letter": letter, "hue": str(hue), "size": str(size), "angle": str(angle)}


def photos(count: int, source: str, rng: np.random.Generator) -> Iterator[Example]:
    """Cuts pieces out of photographs: which, tint, zoom and brightness."""
    opened = {name: _find_photo(source, name) for name in PHOTOS}
    for _ in range(count):
        name, tint = PHOTOS[rng.integers(len(PHOTOS))], list(TINTS)[rng.integers(len(TINTS))]
        zoom, light = round(float(rng.uniform(1, 3)), 2), round(float(rng.uniform(0.5, 1.0)), 2)
        photo = opened[name]
        side = int(min(photo.size) / zoom)
        left, top = (int(rng.integers(n - side + 1)) for n in photo.size)
        piece = photo.resize((SIDE, SIDE), Image.Resampling.BOX, (left, top, left + side, top + side))
        pixels = np.asarray(piece) * np.array(TINTS[tint]) * light
        image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
        yield image, {"photo": name, "tint": tint, "zoom": str(zoom), "light": str(light)}


def _find_photo(source: str, name: str) -> Image.Image:
    for ending in ("png", "jpg"):
        path = os.path.join(source, f"{name}.{ending}")
        if os.path.exists(path):
            return Image.open(path).convert("RGB")
    raise ValueError(f"source: expected scikit-image's folder `data`, with {name}. Received: {source!r}.")


def emoji(count: int, source: str, rng: np.random.Generator) -> Iterator[Example]:
    """Copies emoji: vendor, category and, for people, skin tone."""
    try:
        with open(os.path.join(source, "emoji-datasource", "emoji.json"), encoding="utf-8") as file:
            listed = json.load(file)
    except OSError as error:
        raise ValueError(f"source: expected a folder with npm's emoji-datasource. Received: {source!r}.") from error
    found = []
    for entry in (entry for entry in listed if entry["category"] in CATEGORIES):
        skins = entry.get("skin_variations", {})
        versions = [(entry["image"], ""), *((skins[key]["image"], tone) for key, tone in SKINS.items() if key in skins)]
        found += [(vendor, entry["category"], *version) for vendor in VENDORS for version in versions]
    for row in rng.permutation(len(found)):
        vendor, category, name, skin = found[row]
        path = os.path.join(source, f"emoji-datasource-{vendor}", "img", vendor, "64", name)
        if count and os.path.exists(path):  # not every vendor has all
            count -= 1
            image = Image.open(path).convert("RGBA")
            ground = Image.new("RGBA", image.size, "white")
            ground.alpha_composite(image)
            yield ground.convert("RGB"), {"vendor": vendor, "category": category, "skin": skin}


KINDS = {"letters": letters, "photos": photos, "emoji": emoji}


def make(kind: str, out: Path, count: int, labelled: int, source: str = "", seed: int = 0) -> None:
    """Writes images, the labels of some and the truth about all.

    Args:
        kind: One of KINDS.
        out: New folder.
        count: Number of images; of emoji, as many as there are.
        labelled: Number of images with labels.
        source: Folder of the photographs or emoji.
        seed: Seed of all choices.

    Raises:
        OSError: The folder exists or cannot be written.
        ValueError: The source lacks the images.
    """
    if not 1 <= labelled <= count:
        raise ValueError(f"labelled: expected 1 to {count}, the number of images. Received: {labelled}.")
    rng = np.random.default_rng(seed)
    rows: list[dict[str, str]] = []
    for image, factors in KINDS[kind](count, source, rng):
        if not rows:
            out.mkdir(parents=True)
            (out / "images").mkdir()
        rows.append({"image": f"{len(rows):05}.png", **factors})
        image.save(out / "images" / rows[-1]["image"])
    if not rows:
        raise ValueError(f"source: expected a folder with the images of the packages. Received: {source!r}.")
    names = [*rows[0]]
    _write(out / "truth.csv", names, rows)
    # Labels: every second one lacks a factor, as they do when people give them.
    known = [dict(rows[i]) for i in np.sort(rng.permutation(len(rows))[:labelled])]
    for row in known[::2]:
        row[names[1 + rng.integers(len(names) - 1)]] = ""
    _write(out / "images" / "labels.csv", names, known)


def _write(path: Path, names: list[str], rows: list[dict[str, str]]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


def main(arguments: list[str] | None = None) -> int:
    """Makes a folder; returns the exit code 0, or exits with 2."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("out", type=Path)
    parser.add_argument("--images", type=int, default=2000, help="number of images (default: 2000)")
    parser.add_argument("--labelled", type=int, default=150, help="number of images with labels (default: 150)")
    parser.add_argument("--source", default="", help="folder of the photographs or emoji")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    try:
        make(given.kind, given.out, given.images, given.labelled, given.source, given.seed)
    except (OSError, ValueError) as error:
        parser.stop(error)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
