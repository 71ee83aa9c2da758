"""Progress bars."""

import sys

from tqdm import tqdm


def make_bar(total: int, unit: str, title: str = "", initial: int = 0, quiet: bool = False) -> tqdm:
    """Makes a progress bar on stderr: updated continuously on a terminal, every 30 seconds in a log file.

    Args:
        total: Number of units when complete.
        unit: Name of the unit. Counts of "img", for images, are shown with k for thousands and M for millions.
        title: Text in front of the bar.
        initial: Number of units already done.
        quiet: Whether to hide the bar.
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
