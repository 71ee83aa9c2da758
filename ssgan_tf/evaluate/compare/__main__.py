"""Puts the scores of many runs into one table and one figure.

    ssgan compare runs/demo runs/half runs/none --out=comparison
    ssgan compare 'runs/*' --metrics=mig,mig_gen,fid --sort=mig_gen

Reads the metrics.json that `ssgan evaluate` writes into a workdir. Writes comparison.md, comparison.csv (with all
digits) and comparison.png, and warns if the runs were not evaluated in the same way. Runs that differ in their seed
alone are also shown as means with 95 % intervals.
"""

import sys
from collections.abc import Sequence

from ssgan_tf.evaluate import compare
from ssgan_tf.utils.program import ArgumentParser


def make_parser() -> ArgumentParser:
    """Returns the parser of the command's arguments."""
    parser = ArgumentParser(__doc__)
    parser.prog = "ssgan compare"
    add = parser.add_argument
    add("workdirs", nargs="+", help="folders of runs, or quoted patterns such as 'runs/*'")
    add("--out", default="comparison", help="path of the results without an extension (default: %(default)s)")
    add("--metrics", default="", help="comma-separated columns, in this order (default: all)")
    add("--sort", default="", help="comma-separated columns to sort by, best run first (default: the order given)")
    add("--names", default="", help="comma-separated names of the runs (default: taken from their paths)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Compares runs; returns the exit code, or exits with 2 if the input is invalid."""
    parser = make_parser()
    flags = parser.parse_intermixed_args(arguments)
    try:
        result = compare.run(flags.workdirs, flags.out, metrics=flags.metrics, sort=flags.sort, names=flags.names)
    except (ValueError, OSError, MemoryError) as error:
        parser.stop(error)
    for line in (*result.notes, *result.warnings):
        print(f"warning: {line}", file=sys.stderr)
    table, numbers, figure = result.paths
    print(f"{result}\n\nTable: {table}, {numbers}\nFigure: {figure}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
