"""ssgan compare over seeds: means with intervals, runs that belong together, and what few seeds do not establish."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ssgan_tf.evaluate import compare
from ssgan_tf.evaluate.compare.scores import RunScores
from ssgan_tf.evaluate.compare.seeds import format_mean, group_by_experiment, warn_of_order

ORDER = "The order of the methods is not established, which takes at least 5 seeds of each."


def put(folder: Path, name: str, mig: float, seed: int, rate: float = 0.01, images: int = 1000, **other: Any) -> str:
    """Creates the workdir of a run and returns its path."""
    workdir = folder / name
    workdir.mkdir(parents=True)
    config = {"model": {"rate": rate}, "train": {"seed": seed, "images": 5000}}
    (workdir / "config.json").write_text(json.dumps(config))
    settings = {"labels": 10, "images_trained": images}
    (workdir / "metrics.json").write_text(json.dumps({"encoder": {"mig": mig, **other}, "settings": settings}))
    return str(workdir)


def make_run(experiment: str, seed: int) -> RunScores:
    return RunScores("", "", {}, {}, {}, {}, {}, {}, experiment, seed)


@pytest.mark.parametrize("count", [2, 3, 5, 20])
def test_mean_and_interval_agree_with_the_t_test(count):
    values = np.random.default_rng(count).normal(0.7, 0.1, size=count)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert format_mean(values, "{:.9f}".format) == f"{values.mean():.9f} ± {(high - low) / 2:.9f}"


def test_intervals_contain_the_mean_of_all_seeds_in_95_of_100_experiments():
    experiments = np.random.default_rng(0).normal(0.7, 0.1, size=(2000, 3))
    ends = [tuple(map(float, format_mean(values, "{:.9f}".format).split(" ± "))) for values in experiments]
    assert np.mean([abs(mean - 0.7) <= half for mean, half in ends]) == pytest.approx(0.95, abs=0.015)


def test_one_seed_has_no_interval_and_a_missing_score_is_a_dash():
    assert format_mean([]) == "-" and format_mean([0.5]) == "0.500"
    assert format_mean([0.5, 0.6]) == "0.550 ± 0.635"  # 12.7 times 0.05
    assert format_mean([0.5, math.nan]) == "nan ± nan" and format_mean([math.inf, 1.0]).startswith("inf")


def test_an_order_takes_two_methods_and_five_seeds_of_each():
    assert warn_of_order([5, 4]) == warn_of_order([1, 1]) == [ORDER]
    assert warn_of_order([5, 5]) == warn_of_order([3]) == warn_of_order([]) == []


def test_runs_of_one_experiment_are_those_with_other_seeds():
    runs = [make_run("a", 0), make_run("b", 0), make_run("a", 1), make_run("a", 0), make_run("", 0), make_run("", 1)]
    groups = group_by_experiment(runs)
    assert [[runs.index(run) for run in group] for group in groups] == [[0, 2], [1], [3], [4], [5]]


def test_the_table_of_means_follows_the_table_of_runs(tmp_path):
    paths = [put(tmp_path, f"slow_{seed}", 0.5 + seed / 10, seed) for seed in (0, 1)]
    paths += [put(tmp_path, f"fast_{seed}", 0.9, seed, rate=0.02, dci=0.5) for seed in (0, 1, 2)]
    paths += [put(tmp_path, "longer", 0.7, 2, images=2000)]
    shown = repr(compare.run(paths))  # also what comparison.md begins with
    runs, _, rest = shown.partition("| mean of")
    means, notes = rest.split("\n\n")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in means.splitlines()[2:]]
    assert rows == [
        ["slow_0, slow_1", "2", "0.550 ± 0.635", "-"],
        ["fast_0, fast_1, fast_2", "3", "0.900 ± 0.000", "0.500 ± 0.000"],
        ["longer", "1", "0.700", "-"],
    ]
    assert notes == f"Mean over seeds ± half-width of its 95 % interval (Student's t).\n{ORDER}"
    assert runs.count("\n| ") == 7


def test_five_seeds_of_each_or_of_one_method_have_no_warning(tmp_path):
    one = [put(tmp_path, f"a{seed}", 0.5, seed) for seed in range(2)]
    assert ORDER not in repr(compare.run(one)) and "| a0, a1  |     2 | 0.500 ± 0.000 |" in repr(compare.run(one))
    paths = [put(tmp_path, f"{name}{s}", 0.5, s, rate=rate) for name, rate in (("b", 1), ("c", 2)) for s in range(5)]
    assert ORDER not in repr(compare.run(paths))
    assert ORDER in repr(compare.run(paths[:-1]))


def test_runs_without_a_readable_config_are_compared_one_by_one(tmp_path):
    paths = [put(tmp_path, name, 0.5, seed) for seed, name in enumerate(("gone", "cut", "list"))]
    (tmp_path / "gone/config.json").unlink()
    (tmp_path / "cut/config.json").write_text('{"train": {"se')
    (tmp_path / "list/config.json").write_text('{"train": []}')
    shown = repr(compare.run(paths))
    assert "mean of" not in shown and shown.endswith(f"\n\n{ORDER}")
    assert ORDER not in repr(compare.run(paths[:1]))
