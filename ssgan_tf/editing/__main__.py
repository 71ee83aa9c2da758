"""Edits pictures with an exported model.

    ssgan-edit --in=photo.png --set=object_hue=0.3 --out=edited.png
    ssgan-edit --in=photos --set=azimuth=+0.1 --set=shape=cube --out=edited      a whole folder
    ssgan-edit --in=photo.png --grid=sheet.png                                   every factor from 0 to 1
    ssgan-edit --in=photo.png --set=azimuth=1 --gif=turning.gif                  from the picture to the edited one
    ssgan-edit --seed=3 --truncation=0.7 --out=new.png                           a picture of its own

A picture that is given is fitted first: the program looks for what makes the generator draw it, which takes seconds at
32x32 and minutes at 256x256 on a CPU. --no_fit takes what the encoder reads off it alone, at once.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from typing import NoReturn

import numpy as np

from . import exports, output, pictures
from .editor import Editor
from .latents import Latents
from .model import NO_PICTURES

_COLUMNS, _FRAMES = 9, 24  # of a sheet; of an animation, for each factor
_MOST_STEPS = 1000  # of either: all of them are held in memory


class Wrong(Exception):
    """What is wrong with the input, in one line."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Wrong(f"{message} (see --help)")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options; raises Wrong where they are."""
    parser = _Parser(
        "ssgan-edit", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    add = parser.add_argument
    add("--model", help="folder of an export (default: the model that comes with the package)")
    add("--list", action="store_true", help="say what the model's factors are, and end")
    add("--in", dest="inputs", action="append", default=[], metavar="PICTURE",
        help="a picture, or a folder of them; may be repeated (default: a generated picture)")  # fmt: skip
    add("--set", dest="changes", action="append", default=[], metavar="FACTOR=VALUE",
        help="0.3 from 0 to 1, +0.1 or -0.1 to add, or the name of a value; may be repeated")  # fmt: skip
    add("--out", help="the edited picture; a folder, if --in is several pictures (so with the others)")
    add("--grid", help="a sheet of the edited picture with one row for each factor of --sweep")
    add("--gif", help="an animation: of --sweep, else from the picture to the edited one, else of all factors")
    add("--mp4", help="the same as a film (needs the package imageio-ffmpeg)")
    add("--sweep", default="", metavar="FACTOR,...", help="factors that are moved from 0 to 1 (default: all)")
    add("--steps", type=int, help=f"columns of --grid ({_COLUMNS}); frames of --gif and --mp4 for a factor ({_FRAMES})")
    add("--seed", type=int, default=0, help="of a generated picture, or of a fit (0)")
    add("--truncation", type=float, default=1.0, help="of a generated picture: less than 1 is more average (1)")
    add("--no_fit", action="store_true", help="take the code that the encoder reads, and any noise")
    add("--fit_steps", type=int, default=150, help="steps of a fit; more come nearer to the picture (150)")
    return parser.parse_args(arguments)


def check(options: argparse.Namespace, editor: Editor) -> dict[str, str]:
    """Refuses what cannot be done before anything takes time; returns the changes."""
    files = {name: getattr(options, name) for name in ("out", "grid", "gif", "mp4") if getattr(options, name)}
    if not files:
        raise Wrong("nothing to write: expected --out, --grid, --gif or --mp4 (see --help).")
    if options.inputs and not options.no_fit and options.truncation != 1:
        raise Wrong("--truncation: is for generated pictures, and for --in with --no_fit. A fitted picture has none.")
    if not 0 <= options.truncation <= 1:
        raise Wrong(f"--truncation: expected a number from 0 to 1. Received: {options.truncation:g}.")
    if options.no_fit and not options.inputs:
        raise Wrong("--no_fit: expected --in with it; a generated picture needs no fit.")
    for name, least in (("seed", 0), ("fit_steps", 1), ("steps", 2)):
        if getattr(options, name) is not None and getattr(options, name) < least:
            raise Wrong(f"--{name}: expected {least} or more. Received: {getattr(options, name)}.")
    if options.steps is not None and options.steps > _MOST_STEPS:
        raise Wrong(f"--steps: expected at most {_MOST_STEPS}. Received: {options.steps}.")
    for name in filter(None, options.sweep.split(",")):
        _of_flag("--sweep", exports.find_column, editor.factors, name)
    changes: dict[str, str] = {}
    for text in options.changes:
        name, sign, value = text.partition("=")
        if not sign:
            raise Wrong(f"--set: expected FACTOR=VALUE. Received: {text!r}.")
        column = _of_flag("--set", exports.find_column, editor.factors, name)
        _of_flag("--set", editor.factors[column].resolve, value, np.zeros(1))
        if name in changes:
            raise Wrong(f"--set: expected each factor once. Received: {name}={changes[name]} and {name}={value}.")
        changes[name] = value
    if options.mp4:
        output.check_mp4()
    return changes


def _of_flag(flag: str, function, *arguments):
    """What the function gives; what it finds wrong is said of the flag."""
    try:
        return function(*arguments)
    except ValueError as error:
        raise Wrong(f"{flag}: {error}") from None


def find_pictures(paths: Sequence[str]) -> list[str]:
    """The files that --in names, those of folders by alphabet."""
    found = []
    for path in paths:
        if not os.path.isdir(path):
            found.append(path)
            continue
        known = output.PICTURE_ENDINGS + (".gif",)
        # Names with a dot are what systems hide, such as "._a.png" of macOS, which is no picture.
        names = sorted(n for n in os.listdir(path) if n.lower().endswith(known) and not n.startswith("."))
        inside = [file for file in (os.path.join(path, name) for name in names) if not os.path.isdir(file)]
        if not inside:
            raise Wrong(f"--in: expected pictures in the folder {path!r}. Received: none.")
        found += inside
    return found


def outputs(options: argparse.Namespace, inputs: list[str]) -> list[dict[str, str]]:
    """For each picture where its files go: {"out": path, "grid": ...}; makes the folders.

    Raises:
        Wrong: for an ending that says no kind of file, or a file that would be written over an input or another one.
    """
    several = len(inputs) > 1 or any(map(os.path.isdir, options.inputs))
    endings = {"out": output.PICTURE_ENDINGS, "grid": output.PICTURE_ENDINGS, "gif": (".gif",), "mp4": (".mp4",)}
    names = [os.path.splitext(os.path.basename(path))[0] for path in inputs]
    if len(set(names)) < len(names):
        names = [os.path.basename(path) for path in inputs]
    if len(set(names)) < len(names):
        raise Wrong("--in: expected pictures of different names. Received: several of one name.")
    result: list[dict[str, str]] = [{} for _ in inputs]
    for kind, known in endings.items():
        place = getattr(options, kind)
        if not place:
            continue
        if not several and not place.lower().endswith(known):
            raise Wrong(f"--{kind}: expected a file that ends in {', '.join(known)}. Received: {place!r}.")
        end = "-grid.png" if kind == "grid" else known[0]
        for paths, name in zip(result, names, strict=True):
            paths[kind] = os.path.join(place, name + end) if several else place
            if any(_same_file(paths[kind], path) for path in inputs):
                raise Wrong(f"--{kind}: expected another file than --in. Received: {paths[kind]!r}.")
            if any(_same_file(paths[kind], path) for other, path in paths.items() if other != kind):
                raise Wrong(f"--{kind}: expected a file of its own. Received: {paths[kind]!r}, which is another's too.")
        try:
            os.makedirs(place if several else os.path.dirname(place) or ".", exist_ok=True)
        except OSError as error:
            raise Wrong(f"--{kind}: cannot write {place!r}: {error.strerror}.") from None
        for paths in result:
            _try_to_write(kind, paths[kind])
    return result


def _same_file(a: str, b: str) -> bool:
    """Do both paths lead to one file, by whatever links, whether it is there or not?"""
    if os.path.exists(a) and os.path.exists(b):
        return os.path.samefile(a, b)
    return os.path.realpath(a) == os.path.realpath(b)


def _try_to_write(kind: str, path: str) -> None:
    """Finds out before a fit whether a file can be written; leaves all as it was."""
    new = not os.path.lexists(path)
    try:
        with open(path, "ab"):
            pass
        if new:
            os.remove(path)
    except OSError as error:
        raise Wrong(f"--{kind}: cannot write {path!r}: {error.strerror}.") from None


def find_latents(editor: Editor, options: argparse.Namespace, inputs: list[str], changes: dict[str, str]) -> Latents:
    """What the pictures, or the one that is to be generated, are made from."""
    if inputs:
        images, notes = pictures.read(inputs, editor.resolution, editor.channels)
        for note in notes:
            print(f"note: {note}", file=sys.stderr)
        codes = editor.encode(images)
    else:
        codes = editor.random_codes(1, options.seed)
    _of_flag("--set", editor.change, codes, changes)  # before a fit: "+0.5" may lead too far
    if not inputs or options.no_fit:
        return editor.latents(codes, options.seed, truncation=options.truncation)
    return editor.fit(images, options.fit_steps, options.seed, _Bar(len(images)))


class _Bar:
    """Says on stderr how far a fit is: all the time on a terminal, every quarter in a file."""

    def __init__(self, count: int):
        self._what = f"Fitting {count} picture{'s' * (count != 1)}"
        self._said = -1
        self._step = 1 if sys.stderr.isatty() else 25

    def __call__(self, share: float) -> None:
        percent = int(100 * share) // self._step * self._step
        if percent > self._said:
            self._said = percent
            on_terminal = self._step == 1
            end = "" if on_terminal and percent < 100 else "\n"
            print(f"{chr(13) * on_terminal}{self._what}: {percent} %", end=end, file=sys.stderr, flush=True)


def animate(editor: Editor, options: argparse.Namespace, latents: Latents, changes: dict[str, str]) -> np.ndarray:
    """The frames [T,R,R,C] of one picture's animation, there and back."""
    steps = options.steps or _FRAMES
    edited = latents.with_code(editor.change(latents.code, changes))
    if changes and not options.sweep:
        there = [editor.interpolate(latents, edited, steps)[0]]
    else:
        there = [editor.traverse(edited, name, steps)[0] for name in swept(editor, options)]
    return np.concatenate([part for frames in there for part in (frames, frames[-2:0:-1])])


def swept(editor: Editor, options: argparse.Namespace) -> list[str]:
    """Names of the factors that are moved."""
    return [name for name in options.sweep.split(",") if name] or [factor.name for factor in editor.factors]


def write(editor: Editor, options: argparse.Namespace, latents: Latents, paths: dict[str, str], changes) -> None:
    """Writes the files of one picture."""
    edited = latents.with_code(editor.change(latents.code, changes))
    if "out" in paths:
        output.save(editor.edit(edited, {})[0], paths["out"])
    if "grid" in paths:
        names = swept(editor, options)
        rows = [editor.traverse(edited, name, options.steps or _COLUMNS)[0] for name in names]
        output.save_sheet(np.stack(rows), names, paths["grid"])
    if "gif" in paths or "mp4" in paths:
        frames = animate(editor, options, latents, changes)
        for kind, save in (("gif", output.save_gif), ("mp4", output.save_mp4)):
            if kind in paths:
                save(frames, paths[kind])


def describe(editor: Editor, before: np.ndarray, after: np.ndarray) -> str:
    """The codes [K] of one picture, those that changed with what they were."""
    parts = []
    for factor, old, new in zip(editor.factors, before, after, strict=True):
        texts = [f"{code:.2f}" + (f" ({factor.text(code)})" if factor.kind != "steps" else "") for code in (old, new)]
        parts.append(f"{factor.name} {texts[0]}" + (f" -> {texts[1]}" if old != new else ""))
    return ", ".join(parts)


def run(options: argparse.Namespace) -> None:
    editor = Editor.load(options.model)
    if options.list:
        for factor in editor.factors:
            values = ", ".join(factor.values) or f"{factor.size} values"
            print(f"{factor.name}: {'{:g} to {:g}'.format(*factor.range) if factor.range else values}")
        return
    if not editor.makes_pictures:
        raise Wrong(f"--model: {NO_PICTURES}")
    changes = check(options, editor)
    inputs = find_pictures(options.inputs)
    places = outputs(options, inputs or ["generated"])
    latents = find_latents(editor, options, inputs, changes)
    for i, (name, paths) in enumerate(zip(inputs or [f"seed {options.seed}"], places, strict=True)):
        one = latents[i : i + 1]
        after = editor.change(one.code, changes)
        near = f", fitted to {one.psnr[0]:.1f} dB" if one.psnr is not None else ""
        print(f"{name}{near}: {describe(editor, one.code[0], after[0])}")
        write(editor, options, one, paths, changes)
        print("".join(f"  {path}\n" for path in paths.values()), end="")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit code: 0, or 2 where something is wrong with the input."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pictures.PictureNotice)  # said as notes already
        try:
            run(parse(arguments))
        except (Wrong, ValueError, OSError) as error:
            print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("error: interrupted.", file=sys.stderr)
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
