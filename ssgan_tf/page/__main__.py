"""Serves a web page on which generated images, or your own, are edited with sliders.

    ssgan page                               with the model that comes with the package
    ssgan page --model=runs/demo/export      with your own, written by `ssgan export`
    ssgan page --config=cups/config.py       with the export of a run whose config `ssgan new` wrote

Then open http://127.0.0.1:7860 in a browser. Nothing leaves this machine, and nothing is kept once the page is stopped
with Ctrl-C.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from ssgan_tf import page
from ssgan_tf.page.fits import SECONDS
from ssgan_tf.utils.project import find_places, project_of

_BAD_INPUT = 2  # exit codes
_INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """Argument parser that raises ValueError instead of printing the usage and exiting."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message} (see --help)")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parses the flags; raises ValueError if one is unknown or has a value of the wrong type."""
    parser = _Parser(prog="ssgan page", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--model", help="folder of an export (default: the model that comes with the package)")
    add("--config", help="config that `ssgan new` wrote, in place of --model")
    add("--port", type=int, default=7860, help="port of the page's address (default: %(default)s)")
    add(
        "--host",
        default="127.0.0.1",
        help="address to listen on; 0.0.0.0 lets other machines in, without a password (default: %(default)s)",
    )
    add(
        "--fit_seconds",
        type=float,
        default=SECONDS,
        help="seconds after which a fit is stopped, so that others get their turn (default: %(default)g)",
    )
    return parser.parse_args(arguments)


def _model(model: str | None, config: str | None) -> str | None:
    """Returns the folder of the export to show; None for the model that comes with the package."""
    if model or not config:
        return model
    if project_of(config) is None:
        raise ValueError(f"config: expected a config that `ssgan new` has written. Received: {config!r}.")
    export = find_places(config).export
    if not os.path.isdir(export):
        raise FileNotFoundError(
            f"config: expected an export in {export!r}. Run `ssgan export --config={config}` first."
        )
    return export


def _announce(url: str) -> None:
    print(f"The page is at {url}. Press Ctrl-C to stop.", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the page; returns the exit code: 0 after a stop, 2 for bad input, 130 if interrupted while starting."""
    try:
        flags = parse(arguments)
        model = _model(flags.model, flags.config)
        page.run(model, flags.host, flags.port, fit_seconds=flags.fit_seconds, on_ready=_announce)
    except (OSError, ValueError) as error:
        text = " ".join(str(error).split())
        dashes = "--" if text.startswith(("model:", "config:", "host:", "port:", "fit_seconds:")) else ""
        print(f"error: {dashes}{text}", file=sys.stderr)
        return _BAD_INPUT
    except KeyboardInterrupt:
        print("error: interrupted.", file=sys.stderr)
        return _INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
