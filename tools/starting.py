"""What the tools written in Python begin with: the repository's environment, and one line where the input is wrong."""

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv" / "bin" / "python"


def enter_environment() -> None:
    """Starts the program anew with the repository's Python if it was started outside of any environment."""
    if sys.prefix == sys.base_prefix and PYTHON.exists():
        os.execv(PYTHON, [str(PYTHON), *sys.argv])


def stop(message: object) -> NoReturn:
    """Ends the program with one line that says what is wrong with the input."""
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong, without the usage."""

    def error(self, message: str) -> NoReturn:
        stop(f"{message} (see --help)")
