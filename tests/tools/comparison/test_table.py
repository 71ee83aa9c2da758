"""Results of tools/compare_methods.py: reasons for missing scores."""

import json
from pathlib import Path

from ssgan_tf.runs import Workdir
from tools.comparison import table


def test_all_columns_of_a_refused_metric_have_its_reason(tmp_path: Path) -> None:
    refused = {"encoder": {"dci": "too slow"}, "generator": {}, "images": {"precision_recall": "too few"}}
    workdir = Workdir(str(tmp_path))
    Path(workdir.scores).write_text(json.dumps({"refused": refused}))
    found = table.read_run("one", 0, workdir, {}).refused
    dci = dict.fromkeys(("dci", "dci/completeness", "dci/informativeness"), "too slow")
    assert found == {**dci, "precision": "too few", "recall": "too few"}
