"""Edits images with an exported model.

    ssgan edit --in=photo.png --set=object_hue=0.3 --out=edited.png
    ssgan edit --in=photos --set=azimuth=+0.1 --set=shape=cube --out=edited      a whole folder
    ssgan edit --in=photo.png --grid=grid.png                                    every factor from 0 to 1
    ssgan edit --in=photo.png --set=azimuth=1 --gif=turning.gif                  from the image to the edited one
    ssgan edit --seed=3 --truncation=0.7 --out=new.png                           a generated image

An image given with --in is fitted first: the program searches for latents from which the generator reproduces it.
That takes seconds at 32x32 and minutes at 256x256 on a CPU. --no_fit skips the search and only uses the codes that
the encoder predicts.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from . import exports, images_in, images_out, paths
from .latents import Latents

if TYPE_CHECKING:  # imported in `run`, because TensorFlow takes seconds to load and --help should not wait for it
    from .editor import Editor

_OUTPUTS = ("out", "grid", "gif", "mp4")  # flags that name files to write
_COLUMNS, _FRAMES = 9, 24  # defaults of --steps: columns of a grid, frames of an animation for each factor
_MAX_STEPS = 1000  # all frames are held in memory


class UsageError(Exception):
    """Invalid input; the message gives the reason in one line."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see --help)")


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parses the flags.

    Raises:
        UsageError: If a flag is unknown or has the wrong type.
    """
    name = "ssgan edit" if sys.argv[0] == "ssgan edit" else "ssgan-edit"  # `ssgan` sets argv[0] for its verbs
    parser = _Parser(
        name, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    add = parser.add_argument
    add("--model", help="folder of an export (default: the model that comes with the package)")
    add("--list", action="store_true", help="print the model's factors and exit")
    add("--in", dest="inputs", action="append", default=[], metavar="IMAGE",
        help="image, or folder of images, to edit; may be repeated (default: generate an image)")  # fmt: skip
    add("--set", dest="changes", action="append", default=[], metavar="FACTOR=VALUE",
        help="new value of a factor: a number from 0 to 1, a change such as +0.1 or -0.1, or the name of a value; "
        "may be repeated")  # fmt: skip
    add("--out", help="edited image; a folder if --in names several images (so are --grid, --gif and --mp4)")
    add("--grid", help="grid of the edited image with one row for each factor of --sweep")
    add("--gif", help="animation of the factors in --sweep, else of the change by --set, else of all factors")
    add("--mp4", help="the same as a video (requires the package imageio-ffmpeg)")
    add("--sweep", default="", metavar="FACTOR,...", help="comma-separated factors to move from 0 to 1 (default: all)")
    add("--steps", type=int, help=f"columns of --grid (default: {_COLUMNS}), or frames of --gif and --mp4 for each "
        f"factor (default: {_FRAMES})")  # fmt: skip
    add("--seed", type=int, default=0, help="seed of a generated image or of a fit (default: 0)")
    add("--truncation", type=float, default=1.0,
        help="from 0 to 1, for generated images: lower is closer to the average image (default: 1)")  # fmt: skip
    add("--no_fit", action="store_true", help="do not fit images; use the predicted codes and random noise")
    add("--fit_steps", type=int, default=150, help="steps of a fit; more steps bring a closer fit (default: 150)")
    return parser.parse_args(argv)


def check_flags(options: argparse.Namespace) -> None:
    """Checks the flags, as far as no model is needed.

    Raises:
        UsageError: If flags are missing, out of range or do not go together.
        ValueError: If the package for --mp4 is not installed.
    """
    if not any(getattr(options, flag) for flag in _OUTPUTS):
        raise UsageError("nothing to write: expected --out, --grid, --gif or --mp4 (see --help).")
    if options.inputs and not options.no_fit and options.truncation != 1:
        raise UsageError("--truncation: applies to generated images and to --no_fit, but not to fitted images.")
    if not 0 <= options.truncation <= 1:
        raise UsageError(f"--truncation: expected a number from 0 to 1. Received: {options.truncation:g}.")
    if options.no_fit and not options.inputs:
        raise UsageError("--no_fit: requires --in, since a generated image is not fitted.")
    for name, minimum in (("seed", 0), ("fit_steps", 1), ("steps", 2)):
        if getattr(options, name) is not None and getattr(options, name) < minimum:
            raise UsageError(f"--{name}: expected {minimum} or more. Received: {getattr(options, name)}.")
    if options.steps is not None and options.steps > _MAX_STEPS:
        raise UsageError(f"--steps: expected at most {_MAX_STEPS}. Received: {options.steps}.")
    if options.mp4:
        images_out.import_ffmpeg()


def parse_changes(options: argparse.Namespace, factors: tuple[exports.Factor, ...]) -> dict[str, str]:
    """Returns --set as {factor: value}.

    Raises:
        UsageError: If --set or --sweep does not fit the model's factors.
    """
    for name in filter(None, options.sweep.split(",")):
        _call("--sweep", exports.find_column, factors, name)
    changes: dict[str, str] = {}
    for text in options.changes:
        name, sign, value = text.partition("=")
        if not sign:
            raise UsageError(f"--set: expected FACTOR=VALUE. Received: {text!r}.")
        column = _call("--set", exports.find_column, factors, name)
        _call("--set", factors[column].resolve, value, np.zeros(1))
        if name in changes:
            raise UsageError(f"--set: expected each factor once. Received: {name}={changes[name]} and {name}={value}.")
        changes[name] = value
    return changes


def _call(flag: str, function: Callable, *arguments) -> Any:
    """Calls `function(*arguments)`; re-raises a ValueError with the flag's name in front."""
    try:
        return function(*arguments)
    except ValueError as error:
        raise UsageError(f"{flag}: {error}") from None


def make_latents(editor: "Editor", options: argparse.Namespace, inputs: list[str], changes: dict[str, str]) -> Latents:
    """Fits the images, or samples latents for a generated one."""
    if inputs:
        images, notes = images_in.load_images(inputs, editor.resolution, editor.channels)
        for note in notes:
            print(f"note: {note}", file=sys.stderr)
        codes = editor.encode(images)
    else:
        codes = editor.random_codes(1, options.seed)
    _call("--set", editor.change, codes, changes)  # before a fit: "+0.5" may leave the range
    if not inputs or options.no_fit:
        return editor.latents(codes, options.seed, truncation=options.truncation)
    return editor.fit(images, options.fit_steps, options.seed, _ProgressLine(len(images)))


class _ProgressLine:
    """Prints the progress of a fit on stderr: continuously on a terminal, at every quarter in a file."""

    def __init__(self, count: int):
        self._title = f"Fitting {count} image{'s' * (count != 1)}"
        self._last_percent = -1
        self._on_terminal = sys.stderr.isatty()

    def __call__(self, share: float) -> None:
        step = 1 if self._on_terminal else 25
        percent = int(100 * share) // step * step
        if percent > self._last_percent:
            self._last_percent = percent
            start, end = ("\r", "" if percent < 100 else "\n") if self._on_terminal else ("", "\n")
            print(f"{start}{self._title}: {percent} %", end=end, file=sys.stderr, flush=True)


def animate(editor: "Editor", options: argparse.Namespace, latents: Latents, changes: dict[str, str]) -> np.ndarray:
    """Generates the frames [T,R,R,C] of one image's animation, forwards and backwards."""
    steps = options.steps or _FRAMES
    edited = latents.with_code(editor.change(latents.code, changes))
    if changes and not options.sweep:
        forwards = [editor.interpolate(latents, edited, steps)[0]]
    else:
        forwards = [editor.traverse(edited, name, steps)[0] for name in traversed(editor, options)]
    return np.concatenate([part for frames in forwards for part in (frames, frames[-2:0:-1])])


def traversed(editor: "Editor", options: argparse.Namespace) -> list[str]:
    """Returns the names of the factors to move from 0 to 1."""
    return [name for name in options.sweep.split(",") if name] or [factor.name for factor in editor.factors]


def write_outputs(
    editor: "Editor", options: argparse.Namespace, latents: Latents, files: Mapping[str, str], changes: dict[str, str]
) -> None:
    """Writes the files of one image."""
    edited = latents.with_code(editor.change(latents.code, changes))
    if "out" in files:
        images_out.save_image(editor.edit(edited, {})[0], files["out"])
    if "grid" in files:
        names = traversed(editor, options)
        rows = [editor.traverse(edited, name, options.steps or _COLUMNS)[0] for name in names]
        images_out.save_grid(np.stack(rows), names, files["grid"])
    if "gif" in files or "mp4" in files:
        frames = animate(editor, options, latents, changes)
        for flag, save in (("gif", images_out.save_gif), ("mp4", images_out.save_mp4)):
            if flag in files:
                save(frames, files[flag])


def describe_codes(factors: tuple[exports.Factor, ...], before: np.ndarray, after: np.ndarray) -> str:
    """Returns the codes [K] of one image as text, with "name old -> new" for those that changed."""
    parts = []
    for factor, old, new in zip(factors, before, after, strict=True):
        texts = [f"{code:.2f}" + (f" ({factor.text(code)})" if factor.kind != "steps" else "") for code in (old, new)]
        parts.append(f"{factor.name} {texts[0]}" + (f" -> {texts[1]}" if old != new else ""))
    return ", ".join(parts)


def list_factors(factors: tuple[exports.Factor, ...]) -> None:
    """Prints one line for each factor."""
    for factor in factors:
        values = ", ".join(factor.values) or f"{factor.size} values"
        print(f"{factor.name}: {'{:g} to {:g}'.format(*factor.range) if factor.range else values}")


def run(options: argparse.Namespace) -> None:
    """Does what the flags ask for."""
    if not options.list:
        check_flags(options)
    from .editor import Editor
    from .model import ENCODER_ONLY

    editor = Editor.load(options.model)
    if options.list:
        list_factors(editor.factors)
        return
    if not editor.can_generate:
        raise UsageError(f"--model: {ENCODER_ONLY}")
    changes = parse_changes(options, editor.factors)
    inputs = paths.find_images(options.inputs)
    places = {flag: value for flag in _OUTPUTS if (value := getattr(options, flag))}
    in_folders = len(inputs) > 1 or any(map(os.path.isdir, options.inputs))
    outputs = paths.plan_outputs(places, inputs or ["generated"], in_folders)
    latents = make_latents(editor, options, inputs, changes)
    for i, (name, files) in enumerate(zip(inputs or [f"seed {options.seed}"], outputs, strict=True)):
        one = latents[i : i + 1]
        after = editor.change(one.code, changes)
        fit = f", fitted to {one.psnr[0]:.1f} dB" if one.psnr is not None else ""
        print(f"{name}{fit}: {describe_codes(editor.factors, one.code[0], after[0])}")
        write_outputs(editor, options, one, files, changes)
        print("".join(f"  {path}\n" for path in files.values()), end="")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit code: 0, 2 for invalid input, or 130 if interrupted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", images_in.ImageNotice)  # already printed as notes
        try:
            run(parse(argv))
        except (UsageError, ValueError, OSError) as error:
            print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("error: interrupted.", file=sys.stderr)
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
