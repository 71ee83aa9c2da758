"""The command `ssgan`: one verb for each step of the work.

This module imports nothing heavy, so that the list of verbs appears at once; a verb imports only its own program.
"""

import difflib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import InspectLoader
from typing import NamedTuple

from ssgan_tf import __version__


class Verb(NamedTuple):
    """Program of a verb, and what `ssgan --help` says about it."""

    module: str
    summary: str


VERBS = {
    "new": Verb("ssgan_tf.new.__main__", "begin with your own images: a data set and a config from a folder"),
    "label": Verb("ssgan_tf.label.__main__", "label images in the browser, by keyboard"),
    "data": Verb("ssgan_tf.data.__main__", "build a data set, or look at its images and labels"),
    "train": Verb("ssgan_tf.train.__main__", "train the model of a config; resumes where it stopped"),
    "evaluate": Verb("ssgan_tf.evaluate.__main__", "score a run: disentanglement, accuracy, image quality"),
    "compare": Verb("ssgan_tf.evaluate.compare.__main__", "put the scores of many runs into one table and one figure"),
    "select": Verb("ssgan_tf.select.__main__", "rank runs without labels, by their agreement with each other"),
    "export": Verb("ssgan_tf.export.__main__", "turn a run into a SavedModel that works without this package"),
    "edit": Verb("ssgan_tf.editing.__main__", "edit image files with an export"),
    "page": Verb("ssgan_tf.page.__main__", "edit images in the browser, with sliders"),
    "serve": Verb("ssgan_tf.serving.__main__", "serve an export over HTTP"),
    "launch": Verb("ssgan_tf.train.distribution.launch", "start one worker of a training job on several machines"),
}
_BAD_INPUT = 2  # exit code


def describe() -> str:
    """Returns the help text."""
    width = max(map(len, VERBS))
    lines = [f"  {name:<{width}}  {verb.summary}" for name, verb in VERBS.items()]
    return "\n".join(
        [
            "usage: ssgan VERB [flags]",
            "",
            "Trains, measures and uses generators with one slider per factor. Verbs, in the order of the work:",
            "",
            *lines,
            "",
            "`ssgan VERB --help` lists the flags of a verb; `ssgan --version` prints the version.",
        ]
    )


def run_program(module: str, command: str, arguments: Sequence[str]) -> None:
    """Runs `module` as `python -m` does, except that the program sees `command` as its own name.

    `runpy` is not used, because it would set that name, which usage lines show, to the path of a file.
    """
    spec = importlib.util.find_spec(module)
    assert spec is not None and isinstance(spec.loader, InspectLoader)
    code = spec.loader.get_code(module)
    assert code is not None
    main = importlib.util.module_from_spec(spec)
    main.__name__ = "__main__"
    before = sys.modules["__main__"], sys.argv
    sys.modules["__main__"], sys.argv = main, [command, *arguments]
    try:
        exec(code, vars(main))
    finally:
        sys.modules["__main__"], sys.argv = before


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the verb's program, which exits with its own code; returns an exit code if no program ends the process."""
    verb, *rest = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if verb in ("-h", "--help", "help"):
        print(describe())
        return 0
    if verb == "--version":
        print(f"ssgan_tf {__version__}")
        return 0
    if verb not in VERBS:
        near = difflib.get_close_matches(verb, VERBS, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        print(f"error: expected one of {', '.join(VERBS)}. Received: {verb!r}.{hint}", file=sys.stderr)
        return _BAD_INPUT
    run_program(VERBS[verb].module, f"ssgan {verb}", rest)
    return 0


if __name__ == "__main__":
    sys.exit(main())
