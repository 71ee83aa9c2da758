"""Serves an export over HTTP until Ctrl-C or SIGTERM; docs/serving.md describes the requests.

    ssgan serve --model=runs/demo/export --port=8501
"""

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from ssgan_tf import serving
from ssgan_tf.serving.options import ServerOptions

if TYPE_CHECKING:
    from ssgan_tf.serving.model import ServedModel

_BAD_INPUT = 2  # exit codes
_INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """Argument parser that raises ValueError instead of printing the usage and exiting."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message} (see --help)")


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parses the flags; raises ValueError if one is unknown or has a value of the wrong type."""
    parser = _Parser(prog="ssgan serve", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add, defaults = parser.add_argument, ServerOptions()

    # Model and address.
    add("--model", help="folder that `ssgan export` wrote (default: the model that comes with the package)")
    add("--name", help="the model's name in URLs (default: the name of its run)")
    add("--host", default="127.0.0.1", help="address to listen on, 0.0.0.0 for all (default: %(default)s)")
    add("--port", type=int, default=8501, help="port to listen on, 0 for any free port (default: %(default)s)")

    # Limits and batching.
    def add_option(name: str, text: str) -> None:
        default = getattr(defaults, name)
        add(f"--{name}", type=type(default), default=default, help=f"{text} (default: %(default)s)")

    add_option("max_body_mib", "largest body of a request, in MiB")
    add_option("max_batch", "maximum number of images in one request, and in one batch")
    add_option("max_queue", "maximum number of rows in progress, over all requests")
    add_option("max_connections", "maximum number of open connections")
    add_option("batch_wait_ms", "maximum time that a request waits for others to share its batch, in milliseconds")
    add_option("threads", "number of batches computed in parallel")
    add_option("client_seconds", "seconds for a client to send a header, a body, and accept each piece of a response")
    add_option("grace_seconds", "seconds for finishing the requests in progress when the server stops")
    return parser.parse_args(argv)


def serve(flags: argparse.Namespace) -> None:
    """Runs the server with the given flags; a ValueError about an argument names its flag."""
    names = [field.name for field in dataclasses.fields(ServerOptions)]
    try:
        options = ServerOptions(**{name: getattr(flags, name) for name in names})
        serving.run(flags.model, flags.host, flags.port, name=flags.name, options=options, on_ready=_announce)
    except ValueError as error:
        argument = str(error).partition(":")[0]
        raise ValueError(f"--{error}" if argument in vars(flags) else str(error)) from error


def _announce(model: "ServedModel", url: str) -> None:
    signatures = ", ".join(sorted(model.signatures))
    print(f"Serving version {model.version} at {url} ({signatures}). Press Ctrl-C to stop.", flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code: 0 after a stop, 2 for bad input, 130 if interrupted while starting."""
    try:
        serve(parse(argv))
    except (OSError, ValueError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return _BAD_INPUT
    except KeyboardInterrupt:
        print("error: interrupted.", file=sys.stderr)
        return _INTERRUPTED
    print("Stopped.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
