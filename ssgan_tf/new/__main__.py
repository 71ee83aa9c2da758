"""Turns a folder of images and some labels into a data set and a config, and prints the next command.

    ssgan new photos --out=cups                  then: ssgan train --config=cups/config.py
    ssgan new photos --out=cups --ignore=notes --values='size=small,medium,large'
    ssgan new --out=cups                         again, after labels were added

Labels are found in the folder (docs/own_images.md has the formats) or named by --labels. Whatever may mean several
things is asked for by a sentence with the flag that settles it; the answers are remembered for the next time.
"""

import argparse
import dataclasses
import sys
from collections.abc import Sequence

from ssgan_tf.new.creation import check_apart, run
from ssgan_tf.new.record import remembered
from ssgan_tf.new.settings import HOURS
from ssgan_tf.new.wording import clip
from ssgan_tf.utils.program import INTERRUPTED, ArgumentParser


def _words(text: str) -> tuple[str, ...]:
    """Returns the parts of a text between commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _marks(text: str) -> tuple[str, ...]:
    """Returns the parts of a text between commas or semicolons."""
    return _words(text.replace(";", ","))


def _columns(text: str) -> tuple[str, ...]:
    """Returns the parts of a text between semicolons."""
    return tuple(part.strip() for part in text.split(";") if part.strip())


def _parser() -> ArgumentParser:
    parser = ArgumentParser(__doc__)
    add = parser.add_argument
    add("images", nargs="?", default="", help="folder with the images, at any depth (default: that of the last time)")
    add("--out", required=True, help="folder for config.py and the data set; runs are trained there, too")
    add("--overwrite", action="store_true", help="replace a config.py that was edited; it stays as config.old.py")
    labels = parser.add_argument_group("labels").add_argument
    labels("--labels", help="table of labels, if it is not in the folder, or if there are several")
    labels("--columns", type=_words, help="names of the columns of a table without a header, such as image,shape,size")
    labels("--image_column", help="column that names the images")
    labels("--ignore", type=_words, help="columns to leave out, such as notes,author")
    labels("--folders", type=_words, help="factors that the levels of subfolders are, such as vendor,- (- for none)")
    labels("--values", type=_columns, help="values of columns: 'shape=cube,ball;angle=0..360;year=names' "
           "(or integers, numbers, several)")  # fmt: skip
    labels("--unknown", type=_marks, help="cells that mean unknown: '?' in all columns, 'shape=-1' in one")
    labels("--decimal", help="comma or point: the mark before decimals in numbers such as 1,234")
    labels("--ending", help="ending of the images that names without ending mean, such as .png")
    labels("--skip_bad", action=argparse.BooleanOptionalAction, help="leave out rows whose image is not clear")
    images = parser.add_argument_group("images").add_argument
    images("--not_square", help="crop takes the middle square of images that are not square, skip leaves them out")
    images("--background", help="colour behind transparent images, such as white or #rrggbb")
    images("--resolution", type=int, help="height and width in pixels, a power of two (default: chosen)")
    images("--hours", type=float, help=f"time that training may take, by which it is chosen (default: {HOURS:g})")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program; returns the exit code: 0, 2 for bad input, 130 if interrupted."""
    parser = _parser()
    flags = vars(parser.parse_args(arguments))
    images, out, overwrite = (flags.pop(name) for name in ("images", "out", "overwrite"))
    try:
        if images:
            check_apart(images, out)
        given = {name: value for name, value in flags.items() if value is not None}
        options = dataclasses.replace(remembered(out), **given)
        run(images, out, options, overwrite=overwrite, tell=_say)
    except (OSError, ValueError, MemoryError) as error:
        parser.stop(clip(str(error)))
    except KeyboardInterrupt:
        print("error: interrupted.", file=sys.stderr)
        return INTERRUPTED
    return 0


def _say(line: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding), flush=True)


if __name__ == "__main__":
    sys.exit(main())
