"""Times every metric on a table like that of dSprites: 10 codes, and factors of 3, 6, 40, 32 and 32 values.

    .venv/bin/python tools/benchmark_metrics.py
    .venv/bin/python tools/benchmark_metrics.py --metrics=dci,dci_histogram --reference

Five codes encode one factor each, with noise; one of the others depends weakly on the third factor. Each metric first
runs once on a small table, so that loading libraries is not timed, and then --repeats times; the output has the fastest
and the slowest run. --reference also times the trees that define DCI, one GradientBoostingClassifier of scikit-learn
per factor, which takes minutes.
"""

import argparse
import time
from collections.abc import Callable, Sequence

import joblib
import numpy as np
from sklearn.ensemble import GradientBoostingClassifier

from ssgan_tf.metrics import DEFAULTS, METRICS, Settings, Table
from ssgan_tf.utils.program import ArgumentParser

SIZES = (3, 6, 40, 32, 32)  # number of values of each factor


def make_parser() -> ArgumentParser:
    """Returns the parser of the flags."""
    parser = ArgumentParser(__doc__)
    add = parser.add_argument
    add("--metrics", default=",".join(METRICS), help="comma-separated names (default: all)")
    add("--rows", type=int, default=15_000, help="number of rows, two thirds for training (default: %(default)s)")
    add("--repeats", type=int, default=3, help="timed runs of each metric (default: %(default)s)")
    add("--reference", action="store_true", help="also time scikit-learn's trees for DCI")
    return parser


def check(options: argparse.Namespace) -> list[str]:
    """Returns the names of the metrics to time.

    Raises:
        ValueError: A flag is out of range.
    """
    names = [name for name in options.metrics.split(",") if name]
    unknown = [name for name in names if name not in METRICS]
    if unknown or not names:
        raise ValueError(f"metrics: expected names of {list(METRICS)}. Received: {unknown or ''}.")
    if options.rows < DEFAULTS.group * max(SIZES):
        raise ValueError(f"rows: expected {DEFAULTS.group * max(SIZES)} or more. Received: {options.rows}.")
    if options.repeats < 1:
        raise ValueError(f"repeats: expected 1 or more. Received: {options.repeats}.")
    return names


def make_table(rows: int) -> Table:
    """Returns a table of noisy codes [rows, 10] and uniform factors [rows, 5]."""
    rng = np.random.default_rng(0)
    factors = np.stack([rng.integers(size, size=rows) for size in SIZES], axis=1)
    codes = rng.normal(size=(rows, 10))
    codes[:, :5] = factors / (np.array(SIZES) - 1) + 0.1 * codes[:, :5]
    codes[:, 5] += factors[:, 2] / SIZES[2]
    return Table(codes, factors, SIZES)


def fit_reference(table: Table) -> None:
    """Fits the trees of the reference implementation of DCI, one factor after another."""
    train, _ = table.split(np.random.default_rng(0), DEFAULTS.train_share)
    for labels in train.factors.T:
        GradientBoostingClassifier().fit(train.codes, labels)


def seconds(function: Callable[[], object]) -> float:
    """Returns the seconds that one call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def warm_up(metric: Callable) -> None:
    """Runs the metric on a small table, so that imports and the start of threads are not timed."""
    factors = np.indices((2, 2)).reshape(2, -1).T.repeat(20, axis=0)
    metric(Table(factors + 0.0, factors, (2, 2)), np.random.default_rng(0), Settings(group=4, train_groups=50))


def time_metric(name: str, table: Table, repeats: int) -> str:
    """Returns the line of one metric: fastest run, slowest run, score."""
    metric = METRICS[name]
    if name == "l2":  # expects one code per factor
        table = Table(table.codes[:, : len(SIZES)], table.factors, SIZES)
    warm_up(metric)
    times = [seconds(lambda: metric(table, np.random.default_rng(0))) for _ in range(repeats)]
    score = metric(table, np.random.default_rng(0))[name]
    return f"{name:<20}{min(times):>10.3f}{max(times):>10.3f}{score:>8.3f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Times the metrics and prints one line per metric."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    try:
        names = check(options)
    except ValueError as error:
        parser.stop(error)
    table = make_table(options.rows)
    trained = round(options.rows * DEFAULTS.train_share)
    print(f"{options.rows:,} x 10 codes ({trained:,} for training), factors of {SIZES}, {joblib.cpu_count()} cores")
    print(f"{'metric':<20}{'seconds':>10}{'slowest':>10}{'score':>8}")
    for name in names:
        print(time_metric(name, table, options.repeats), flush=True)
    if options.reference:
        print(f"{'dci by scikit-learn':<20}{seconds(lambda: fit_reference(table)):>10.3f}   its trees alone, one core")


if __name__ == "__main__":
    main()
