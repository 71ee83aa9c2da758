"""Start and end of a program: flags, quiet logs, and one line on stderr if the input is at fault."""

import re
import sys
from collections.abc import Callable
from typing import NoReturn

import tensorflow as tf
from absl import app, flags, logging

BAD_INPUT = 2  # exit code; 1 means that a run failed, 128 + n that signal n ended it
PARTLY = 3  # everything possible was done and written, but not all that was asked for by name
RESUMABLE = 75  # another worker is gone; starting all of them again resumes (EX_TEMPFAIL of sysexits.h)
INTERRUPTED = 130


def start(body: Callable[[], int]) -> NoReturn:
    """Parses the flags, runs `body` and exits with what it returns; the last statement of a program's file."""

    def main(argv):
        if len(argv) > 1:
            sys.exit(fail(f"expected only flags such as --name=value. Received: {argv[1]!r}."))
        if not flags.FLAGS["verbosity"].present:
            logging.set_verbosity(logging.WARNING)
        tf.get_logger().addFilter(_worth_reading)
        try:
            sys.exit(body())
        except KeyboardInterrupt:
            sys.exit(fail("interrupted.", INTERRUPTED))

    app.run(main, flags_parser=_parse)


def _parse(argv: list[str]) -> list[str]:
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        sys.exit(fail(f"{str(error).rstrip('.')}. --help lists the flags."))


def _worth_reading(record) -> bool:
    # Keras warns about callbacks that take longer than a step; ours save checkpoints and plot grids.
    return "is slow compared to the batch time" not in record.getMessage()


def fail(message: object, code: int = BAD_INPUT) -> int:
    """Prints the message on one line of stderr and returns the exit code.

    Functions name their arguments in messages ("workdir: ..."); a user knows them as flags ("--workdir: ...").
    """
    text = " ".join(str(message).split())
    argument = re.match(r"(\w+):", text)
    dashes = "--" if argument and argument[1] in flags.FLAGS else ""
    print(f"error: {dashes}{text}", file=sys.stderr)
    return code
