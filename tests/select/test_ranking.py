"""Selection as a function."""

import json
from pathlib import Path

import pytest

from ssgan_tf import runs, select


@pytest.mark.slow
def test_run_ranks_and_returns_what_it_wrote(folder, tmp_path, capsys):
    ranking = select.run(
        [f"{folder}/runs/a", f"{folder}/runs/c$"],
        out=f"{tmp_path}/out",
        groups=6,
        group=4,
        data_dir=f"{folder}/data",
        udr_images=40,
        processes=1,
        quiet=True,
    )
    assert capsys.readouterr() == ("", "")
    assert isinstance(ranking, select.Ranking)
    assert ranking.paths == (f"{tmp_path}/out/selection.json", f"{tmp_path}/out/matrix.png")
    assert json.loads(Path(ranking.paths[0]).read_text()) == ranking.content
    best, other = ranking.content["models"]
    assert ranking.selected == ranking.workdir == best["name"] and ranking.step == 8
    assert runs.load_run(ranking.workdir, ranking.step).workdir == best["workdir"]
    assert ranking.scores["centrality"] == {best["name"]: best["centrality"], other["name"]: other["centrality"]}
    assert list(ranking.scores) == ["centrality", "udr_lasso", "udr_spearman"]
    assert ranking.matrix.size[0] > 300
    lines = repr(ranking).splitlines()
    assert lines[0].split() == "model ModelCentrality UDR Lasso UDR Spearman MIG DCI".split()
    assert lines[1].startswith(f"1  {Path(best['name']).name} ") and f"Medoid of the pool: {best['name']}" in lines[-1]


WRONG = [
    ({"method": "udr_laso"}, "method: expected one of .* Did you mean 'udr_lasso'"),
    ({"method": "udr_lasso"}, "data_dir: expected a folder, since udr_lasso needs real images"),
    ({"groups": 0}, "groups: expected 1 or more. Received: 0"),
    ({"group": 1}, "group: expected 2 or more. Received: 1"),
    ({"deviation_images": 1}, "deviation_images: expected 0 for none, or 2"),
    ({"udr_images": 9}, "udr_images: expected 10 or more"),
    ({"processes": 0}, "processes: expected 1 or more"),
    ({"seed": -1}, "seed: expected 0 or more"),
    ({"checkpoints_of": "runs/a"}, "workdirs: expected either workdirs or checkpoints_of. Received: both"),
    ({"workdirs": None}, "workdirs: expected either workdirs or checkpoints_of. Received: none"),
    ({}, "workdirs: expected folders of runs. Received: no folder at '/nowhere"),
]


@pytest.mark.parametrize(("changes", "message"), WRONG)
def test_an_argument_at_fault_is_named_and_nothing_is_written(tmp_path, changes, message):
    with pytest.raises((ValueError, OSError), match=f"^{message}"):
        select.run(**{"workdirs": "/nowhere/*", "out": f"{tmp_path}/out", **changes})
    assert not list(tmp_path.iterdir())


def test_other_names_are_missing():
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        select.no_such_name  # noqa: B018
