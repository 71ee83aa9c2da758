"""ssgan compare: table, figure, warnings about runs that are not comparable, and invalid input."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from ssgan_tf.evaluate import compare
from ssgan_tf.evaluate.compare import __main__ as program
from ssgan_tf.evaluate.compare import figure, scores

HALF: dict[str, Any] = {
    "encoder": {"mig": 0.9651234567890123, "mig/gap/shape": 0.94, "mig/samples": 10000, "l2": 0.149, "dci": 0.9},
    "generator": {"mig": 0.83, "l2": 0.175},
    "images": {"fid": 120.14, "kid": 0.01},
    "intervals": {"encoder": {"mig": [0.96, 0.97]}},
    "oracle": {"mig": 0.965, "l2": 0.055, "l2/samples": 3110},
    "chance_l2": 1.173,
    "settings": {
        "dataset": "scene3d/demo",
        "samples": 10000,
        "seed": 0,
        "labels": 778,
        "labeled_fraction": 0.025,
        "images_trained": 420000,
        "versions": {"numpy": "1.26.4"},
    },
}
NONE: dict[str, Any] = {
    "encoder": {"mig": 0.107, "dci": 0.9004, "new": 3.5},
    "generator": {"mig": 0.361},
    "images": {"fid": 90.06, "kid": 0.0004},
    "oracle": HALF["oracle"],
    "chance_l2": 1.173,
    "settings": HALF["settings"] | {"labels": 0, "labeled_fraction": 0.0},
}


def put(folder: Path, **runs: Any) -> None:
    """Creates the workdirs runs/<name> in `folder`."""
    for name, content in runs.items():
        workdir = folder / "runs" / name
        workdir.mkdir(parents=True)
        (workdir / "metrics.json").write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.fixture
def there(tmp_path, monkeypatch) -> Path:
    """Folder that the program runs in; it contains runs/half and runs/none."""
    monkeypatch.chdir(tmp_path)
    put(tmp_path, half=HALF, none=NONE)
    return tmp_path


@pytest.fixture
def run():
    def run(*arguments: str) -> None:
        assert program.main(arguments) == 0

    return run


def table(text: str) -> dict[str, dict[str, str]]:
    """Returns the cells of a Markdown table by row and column."""
    rows = [re.split(r" +\| +", line[1:-1].strip()) for line in text.splitlines() if line.startswith("|")]
    assert len({len(row) for row in rows}) == 1
    assert re.fullmatch("-+( -+:)*", " ".join(rows[1]))
    return {row[0]: dict(zip(rows[0][1:], row[1:], strict=True)) for row in rows[2:]}


def table_csv(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_table(there, run, capsys):
    run("runs/half", "runs/none")
    captured = capsys.readouterr()
    cells = table(captured.out)
    assert captured.err == ""
    assert list(cells) == ["half", "none"]
    assert cells["half"] == {
        "labels": "778",
        "images trained": "420,000",
        "MIG": "**0.965** [0.960, 0.970]",
        "L2": "0.149",  # Nothing to compare it with.
        "DCI": "**0.900**",  # Equal to the other run's, as far as the table shows.
        "new": "-",
        "MIG-gen": "**0.830**",
        "L2-gen": "0.175",
        "FID": "120.1",
        "KID": "0.0100",
    }
    assert list(cells["none"].values()) == (
        ["0", "420,000", "0.107", "-", "**0.900**", "3.500", "0.361", "-", "**90.1**", "**0.0004**"]
    )
    assert "lower is better for L2, L2-gen, FID, KID." in captured.out
    written = (there / "comparison.md").read_text()
    assert table(written) == cells and "warning" not in written
    assert sorted(path.name for path in there.iterdir()) == [
        "comparison.csv",
        "comparison.md",
        "comparison.png",
        "runs",
    ]


def test_csv_has_the_exact_numbers(there, run):
    run("runs/half", "runs/none", "--out=new/scores.csv")
    half, none = table_csv(there / "new" / "scores.csv")
    assert list(half)[:6] == ["run", "workdir", "dataset", "labels", "labeled_fraction", "images_trained"]
    assert list(half)[6:] == (
        ["mig", "mig_low", "mig_high", "l2", "dci", "new", "mig_gen", "l2_gen", "fid", "kid"]  # No interval of others.
    )
    assert float(half["mig"]) == HALF["encoder"]["mig"]
    assert [float(half["mig_low"]), float(half["mig_high"])] == HALF["intervals"]["encoder"]["mig"]
    assert float(none["kid"]) == NONE["images"]["kid"]
    assert none["l2"] == none["mig_low"] == half["new"] == ""
    assert (half["workdir"], half["labeled_fraction"], none["labels"]) == ("runs/half", "0.025", "0")


def test_columns_of_the_known_metrics():
    shown = {"dci/completeness": "DCI completeness", "dci_gen": "DCI-gen", "frechet_oracle": "Frechet (oracle)"}
    shown |= {"dci/informativeness_gen": "DCI informativeness-gen", "sap_continuous_gen": "SAP-continuous-gen"}
    assert {name: scores.title(name) for name in shown} == shown
    names = ["l2_gen", "fid", "dci/completeness", "ssim", "new", "new_gen"]
    assert [scores.direction(name) for name in names] == [-1, -1, 1, 1, 0, 0]
    entries = {"mig": 0.5, "dci/completeness": 0.5, "mig/gap/dci": 0.5, "dci/completeness/shape": 0.5, "new": 1, "x": 1}
    assert [key for key, value in entries.items() if scores.is_score(key, value)] == ["mig", "dci/completeness"]
    assert scores.is_score("mig", 1)  # 1.0, rewritten by another program.
    assert not scores.is_score("l2", None)


def test_metrics_sort_and_names(there, run, capsys):
    put(there, full=HALF | {"encoder": {"mig": 0.97, "l2": 0.1}})
    arguments = ["--metrics=kid,l2,mig_gen", "--names=none,a|b,full"]
    run("runs/none", "runs/half", *arguments, "runs/full")
    cells = table(capsys.readouterr().out)
    assert list(cells) == ["none", r"a\|b", "full"]
    assert list(cells["none"])[2:] == ["KID", "L2", "MIG-gen"]
    for sort, order in {
        "l2": ["full", r"a\|b", "none"],  # No L2 comes last.
        "mig": [r"full", r"a\|b", "none"],  # A column that is not shown.
        "fid": ["none", r"a\|b", "full"],  # Equal scores keep the given order.
        "new": ["none", r"a\|b", "full"],
    }.items():
        run("runs/none", "runs/half", "runs/full", f"--sort={sort}", *arguments)
        assert list(table(capsys.readouterr().out)) == order


def test_a_score_that_is_not_a_number_is_shown_and_never_the_best(there, run, capsys):
    put(there, broken='{"encoder": {"mig": NaN}, "images": {"psnr": Infinity, "fid": null}, "oracle": {"mig": NaN}}')
    run("runs/broken", "runs/half", "runs/none", "--metrics=mig,psnr", "--sort=mig")
    cells = table(capsys.readouterr().out)
    assert list(cells) == ["half", "none", "broken"]
    assert [row["MIG"] for row in cells.values()] == ["**0.965** [0.960, 0.970]", "0.107", "nan"]
    run("runs/broken")  # No value that would give the axes their limits.
    assert scores.interpret({"oracle": {"mig": float("nan")}}, "", "").references == {}
    assert cells["broken"] == {"labels": "-", "images trained": "-", "MIG": "nan", "PSNR": "inf"}


@pytest.mark.parametrize(
    ("paths", "labels"),
    [
        (["runs/demo", "runs/half/"], ["demo", "half"]),
        (["a/run", "b/run"], ["a", "b"]),
        (["x/a/1", "y/a/1", "x/b/1"], ["x/a", "y/a", "x/b"]),
        (["a", "b/a"], ["a", "b/a"]),
        (["runs/demo"], ["demo"]),
        (["/", "/a"], ["/", "a"]),
    ],
)
def test_labels_are_the_shortest_parts_that_differ(paths, labels, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    found = scores.shortest_labels(paths)
    assert found == labels or paths == ["a", "b/a"] and found == [tmp_path.name, "b"]  # The folder that contains "a".


def test_patterns_and_folders_given_twice(there, run, capsys):
    (there / "runs" / "demo.log").write_text("no folder")
    (there / "runs" / "best").symlink_to("half")
    run("runs/none", "runs/*", "./runs/half", "--metrics=mig")
    captured = capsys.readouterr()
    assert list(table(captured.out)) == ["none", "best"]
    assert captured.err.splitlines() == [
        f"warning: {path} is given twice but shown once." for path in ("runs/half", "runs/none", "./runs/half")
    ]


def test_differences_between_runs_are_printed_and_written(there, run, capsys):
    other = {"bins": 20, "seed": 1, "labels": 5, "bootstrap": 100, "versions": {"numpy": "2.0"}}  # Data set last.
    settings = {key: other.get(key, value) for key, value in sorted((HALF["settings"] | other).items(), reverse=True)}
    put(there, other=HALF | {"settings": settings | {"dataset": "isaac3d"}, "oracle": {"mig": 0.9, "l2": 0.055}})
    run("runs/other", "runs/half", "runs/none")
    lines = capsys.readouterr().err.splitlines()
    so = "differs, so scores may not be comparable:"
    assert lines[0] == f"warning: dataset {so} isaac3d (other); scene3d/demo (half, none)."
    assert sorted(lines[1:]) == [
        f"warning: bins {so} 20 (other); - (half, none).",
        f"warning: oracle mig {so} 0.9 (other); 0.965 (half, none).",
        f"warning: seed {so} 1 (other); 0 (half, none).",
        f"warning: version of numpy {so} 2.0 (other); 1.26.4 (half, none).",
    ]
    text = (there / "comparison.md").read_text()
    assert [line for line in text.splitlines() if line.startswith("warning")] == lines
    assert text.index("| other") < text.index("warning")


def test_figure_has_a_panel_for_every_column(there, run):
    sizes = []
    for names in ("mig", "mig,mig_gen", "mig,l2,dci,mig_gen,l2_gen,fid"):
        run("runs/half", "runs/none", f"--metrics={names}", "--names=half,a_rather_long_name_for_a_run_$_{$")
        image = np.asarray(Image.open(there / "comparison.png"))
        assert 0.02 < (image < 200).any(axis=-1).mean() < 0.5
        assert (image[[0, -1]] == 255).all() and (image[:, [0, -1]] == 255).all()  # Nothing is cut off.
        sizes.append(image.shape[:2])
    assert sizes[0][1] < sizes[1][1] < sizes[2][1] and sizes[0][0] == sizes[1][0] < sizes[2][0]


def visible_texts(figure: Figure) -> list[Text]:
    texts = [*figure.legends[0].get_texts()]
    for axes in figure.axes:
        low, high = axes.get_xlim()
        ticks = [tick for tick in axes.get_xticklabels() if low <= tick.get_position()[0] <= high]
        texts += [axes.title, axes.xaxis.label, *ticks, *axes.get_yticklabels()]
    return [text for text in texts if text.get_text()]


@pytest.mark.parametrize("count", [1, 2, 30])
def test_text_of_the_figure_does_not_overlap(count, monkeypatch):
    plotted = Figure(dpi=figure.DPI)
    monkeypatch.setattr(figure, "Figure", lambda dpi: plotted)
    ranges = {"mig": 1, "l2": 1, "a_metric_with_quite_a_long_name_of_its_own": 1e-6, "dci/informativeness": 1e-3}
    ranges |= {"kid": 0.02, "fid": 1000, "irs": 1e6}
    rng = np.random.default_rng(count)
    runs = []
    for name in (f"a_run_with_a_rather_long_name_{i}" for i in range(count)):
        values = {key: size * (5 + rng.random()) / 6 for key, size in ranges.items()}
        oracle = {"mig": rng.random(), "l2": rng.random()}
        content = {"encoder": values, "generator": values, "oracle": oracle, "chance_l2": 9.0}
        runs.append(scores.interpret(content, "", name))
    figure.plot(runs, list(runs[0].scores))
    texts = visible_texts(plotted)
    boxes = np.array([text.get_window_extent().extents for text in texts])
    assert len(boxes) > 4 * len(plotted.axes) == 4 * 14
    low, high = np.maximum(boxes[:, None, :2], boxes[:, :2]), np.minimum(boxes[:, None, 2:], boxes[:, 2:])
    overlap = np.triu((low < high).all(axis=-1), 1)
    assert not [(texts[i].get_text(), texts[j].get_text()) for i, j in np.argwhere(overlap)]
    assert (boxes[:, :2] >= 0).all() and (boxes[:, 2:] <= plotted.bbox.extents[2:]).all()


def test_axis_reaches_the_references_that_are_near():
    low, high = figure.axis_limits([0.1, 0.3], [0.05, 1.2])
    assert low < 0.05 and 0.3 < high < 0.4
    low, high = figure.axis_limits([0.2], [0.05, 1.2])  # A single run leaves room for all references.
    assert low < 0.05 and high > 1.2
    assert figure.axis_limits([0.0], []) == pytest.approx((-0.58, 0.58))
    low, high = figure.axis_limits([0.5, 0.5 + 1e-9], [])
    assert 1e-4 < high - low < 1e-3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "arguments are required: workdirs"),
        (["runs/nothing"], "in 'runs/nothing': run `ssgan evaluate --workdir=runs/nothing "),
        (["runs/x*"], r"no folder matches 'runs/x\*'"),
        (["runs/cut"], "runs/cut/metrics.json is not a file of scores: .* line 1 .* Run `ssgan evaluate --workdir="),
        (["runs/list"], "runs/list/metrics.json is not a file of scores: metrics.json: expected a dict"),
        (["runs/ends"], r"runs/ends/metrics.json is not .*: intervals.encoder.mig: expected .* Received: \[1\]"),
        (["runs/empty"], "no scores in runs/empty/metrics.json"),
        (["runs/half", "--metrics=mig,fd"], "--metrics: expected names among mig, l2, .*mig_gen.* Received: 'fd'"),
        (["runs/half", "--sort=new"], "--sort: expected names among mig, .*kid. Received: 'new'"),
        (["runs/half", "runs/none", "--names=a"], "--names: expected 2 different names, one for each run. .*'a'"),
        (["runs/half", "runs/none", "--names=a,a"], "--names: expected 2 different names"),
        (["runs/half", "--out=runs/half/metrics.json/x"], "--out: cannot write 'runs/half/metrics.json/x': "),
        (["runs/half", "--force"], "unrecognized arguments: --force"),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(arguments, message, there, run, capsys):
    put(there, cut=json.dumps(HALF)[:-9], list="[]", empty="{}", ends='{"intervals": {"encoder": {"mig": [1]}}}')
    with pytest.raises(SystemExit) as end:
        run(*arguments)
    captured = capsys.readouterr()
    assert end.value.code == 2
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("error: ")
    assert re.search(message, line)
    assert [path.name for path in there.iterdir()] == ["runs"]


def test_as_a_program_without_tensorflow(there):
    code = "import sys; from ssgan_tf.evaluate.compare.__main__ import main; main(['runs/half'])"
    command = [sys.executable, "-c", code + "; assert 'tensorflow' not in sys.modules"]
    ended = subprocess.run(command, cwd=there, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (there / "comparison.png").stat().st_size > 1000


def test_as_a_function(there):
    result = compare.run(["runs/half", "runs/none", "runs/none"], metrics="mig,fid", sort="fid")
    assert [path.name for path in there.iterdir()] == ["runs"] and result.paths == ()  # nothing is written
    assert list(table(repr(result))) == ["none", "half"] and result.columns == ("mig", "fid")
    assert result.runs[1].scores["mig"] == HALF["encoder"]["mig"]
    assert result.notes == ("runs/none is given twice but shown once.",)
    assert result.plot().shape[-1] == 3
    with pytest.raises(ValueError, match="^metrics: expected names among mig"):
        compare.run("runs/half", metrics="x")
