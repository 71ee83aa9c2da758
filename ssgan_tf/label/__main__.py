"""Serves a web page on which images are labelled by keyboard, or merges the tables of several people.

    ssgan label photos --factors="shape=cube,ball,cylinder;size=0..1;smiling=no,yes"
    ssgan label photos                                    with the columns of photos/labels.csv
    ssgan label photos --model=runs/cups/export           with a model's guesses to confirm or correct
    ssgan label --merge ann.csv bob.csv --out=both.csv    lists what they differ on

Then open http://127.0.0.1:7861 in a browser. Every answer is on disk at once. Ctrl-C stops the page.
"""

import sys
from collections.abc import Sequence

from ssgan_tf import label
from ssgan_tf.label.merging import Merged
from ssgan_tf.utils.program import INTERRUPTED, PARTLY, ArgumentParser

_LISTED = 50  # conflicts that are printed


def _parser() -> ArgumentParser:
    parser = ArgumentParser(__doc__)
    add = parser.add_argument
    add("images", nargs="?", default="", help="folder with the images, at any depth")
    add("--labels", default="", help="table for the answers (default: labels.csv in the folder)")
    add(
        "--factors", default="", help='what to ask, such as "shape=cube,ball;size=0..1" (default: the table\'s columns)'
    )
    add("--model", default="", help="comma-separated exports whose guesses are shown; several show where they disagree")
    add(
        "--seed", type=int, default=0, help="order of the images; people with different seeds begin with different ones"
    )
    add("--port", type=int, default=7861, help="port of the page's address (default: %(default)s)")
    add(
        "--host",
        default="127.0.0.1",
        help="address to listen on; 0.0.0.0 lets other machines in, without a password (default: %(default)s)",
    )
    add("--merge", nargs="+", metavar="TABLE", help="merge these tables into --out instead of serving a page")
    add("--out", default="", help="table that --merge writes; it must not exist")
    return parser


def describe(merged: Merged, out: str) -> str:
    """Returns what merging has found, in lines."""
    lines = [f"{out}: {merged.labels:,} labels of {merged.rows:,} images."]
    for name, count in merged.shared.items():
        if count:
            differ = sum(conflict.factor == name for conflict in merged.conflicts)
            mean = f", {merged.averaged[name]:,} by their mean" if merged.averaged.get(name) else ""
            lines.append(
                f"{name}: {count:,} labelled more than once, {count - differ:,} agree{mean}, {differ:,} do not."
            )
    for conflict in merged.conflicts[:_LISTED]:
        cells = ", ".join(f"{cell!r} in {path}" for path, cell in conflict.cells.items())
        lines.append(f"conflict: {conflict.image}, {conflict.factor}: {cells}")
    if len(merged.conflicts) > _LISTED:
        lines.append(f"... and {len(merged.conflicts) - _LISTED:,} more conflicts.")
    if merged.conflicts:
        lines.append(f"Conflicts are left empty in {out}: `ssgan label FOLDER --labels={out}` asks them again.")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program; returns the exit code: 0, 3 if merged tables differ somewhere, 130 if interrupted."""
    parser = _parser()
    flags = parser.parse_args(arguments)

    def announce(url: str) -> None:
        print(f"The page is at {url}. Press Ctrl-C to stop.", flush=True)

    try:
        if flags.merge is not None:
            if flags.images or not flags.out:
                parser.stop("merge: expected --merge TABLE TABLE ... --out=TABLE, without a folder.")
            merged = label.merge(flags.merge, flags.out)
            print(describe(merged, flags.out))
            return PARTLY if merged.conflicts else 0
        models = [path.strip() for path in flags.model.split(",") if path.strip()]
        said = label.run(
            flags.images, flags.labels, flags.factors, models, flags.host, flags.port, seed=flags.seed,
            on_ready=announce,
        )  # fmt: skip
        print(said)
    except (OSError, ValueError) as error:
        parser.stop(error)
    except KeyboardInterrupt:
        print("error: interrupted.", file=sys.stderr)
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
