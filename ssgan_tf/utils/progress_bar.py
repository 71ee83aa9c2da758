"""Progress bars."""

import sys

from tqdm import tqdm


def make_bar(total: int, unit: str, title: str = "", initial: int = 0, quiet: bool = False) -> tqdm:
    """A bar on stderr: alive on a terminal, and in a log file a line now and then.

    Args:
        total: units until it is full.
        unit: "img" for images, which are counted in thousands and millions too.
        title: stands before it.
        initial: units done before.
        quiet: show nothing.
    """
    return tqdm(
        desc=title,
        total=total,
        initial=initial,
        unit=unit,
        unit_scale=unit == "img",
        dynamic_ncols=True,
        mininterval=0.5 if sys.stderr.isatty() else 30,
        disable=quiet,
    )
