"""Start and end of a program: flags, quiet logs, and one line on stderr for invalid input."""

import argparse
import logging as python_logging
import re
import sys
from collections.abc import Callable, Iterable
from typing import NoReturn

from absl import app, flags, logging

BAD_INPUT = 2  # exit code; 1 means that a run failed, 128 + n that signal n ended it
PARTLY = 3  # something asked for by name was impossible; everything else was done and written
RESUMABLE = 75  # another worker is gone; restarting all workers resumes the run (EX_TEMPFAIL of sysexits.h)
INTERRUPTED = 130


def start(body: Callable[[], int]) -> NoReturn:
    """Parses the flags, runs `body` and exits with the code it returns. Call it last in a program's file."""

    def main(argv):
        if len(argv) > 1:
            sys.exit(fail(f"expected only flags such as --name=value. Received: {argv[1]!r}."))
        if not flags.FLAGS["verbosity"].present:
            logging.set_verbosity(logging.WARNING)
        python_logging.getLogger("tensorflow").addFilter(_worth_reading)
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
    except SystemExit:  # absl exits with 1 after --help, which is not a failure
        sys.exit(0)


def _worth_reading(record) -> bool:
    # Keras warns about callbacks that take longer than a step; ours save checkpoints and plot grids. TensorFlow counts
    # the graphs of different networks as retracings of the one function that made them.
    text = record.getMessage()
    return "is slow compared to the batch time" not in text and "triggered tf.function retracing" not in text


def fail(message: object, code: int = BAD_INPUT) -> int:
    """Prints the message on one line of stderr and returns the exit code.

    A message that begins with the name of an argument ("workdir: ...") is printed with the flag ("--workdir: ...").
    """
    return _print_error(message, flags.FLAGS, code)


class ArgumentParser(argparse.ArgumentParser):
    """Parser for programs that use argparse. For invalid input it prints one line without the usage and exits with 2.

    Args:
        description: Text of --help, printed verbatim.
    """

    def __init__(self, description: str | None):
        super().__init__(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)

    def error(self, message: str) -> NoReturn:
        """Exits because the arguments cannot be parsed; argparse calls it."""
        self.stop(f"{message} (see --help)")

    def stop(self, message: object) -> NoReturn:
        """Exits with BAD_INPUT after printing the message on one line of stderr, with names of flags as in `fail`."""
        names = [name.lstrip("-") for name in self._option_string_actions]
        sys.exit(_print_error(message, names, BAD_INPUT))


def _print_error(message: object, names: Iterable[str], code: int) -> int:
    text = " ".join(str(message).split())
    argument = re.match(r"(\w+):", text)
    dashes = "--" if argument and argument[1] in names else ""
    print(f"error: {dashes}{text}", file=sys.stderr)
    return code
