"""The program: output, exit codes, caching across starts, and input at fault."""

import dataclasses
import json
import re
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssgan_tf.config import Phase
from ssgan_tf.models import EncoderOnlyOptions
from tests.support import faults, programs, tiny_run
from tests.support.run_files import files_in
from tests.support.untrained_runs import THREE_FACTORS, write_run

QUICK = ["--groups=6", "--group=4", "--processes=2"]


def select(*words: str, before=None) -> programs.Result:
    return programs.run("ssgan_tf.select", *words, *QUICK, before=before)


@pytest.mark.slow
def test_the_program_ranks_writes_and_encodes_nothing_twice(folder, tmp_path):
    out = tmp_path / "out"
    words = [f"--workdirs={folder}/runs/*", f"--out={out}", f"--data_dir={folder}/data", "--udr_images=40"]
    done = select(*words)
    assert done.code == 0, done.err
    assert "3 models, 9 pairs of encoder and generator, 0 of them cached." in done.out
    assert "72 images to generate, 216 to encode; processes: 2." in done.out
    found = json.loads((out / "selection.json").read_text())
    assert re.search(rf"^Medoid of the pool: {re.escape(found['selected'])}, ModelCentrality ", done.out, re.M)
    a, b = np.array(found["A"]), np.array(found["B"])
    assert np.array_equal(b, (a + a.T) / 2)
    s = [model["centrality"] for model in found["models"]]
    assert s == pytest.approx([(b[i].sum() - b[i, i]) / 2 for i in range(3)]) and s == sorted(s, reverse=True)
    assert {model["name"] for model in found["models"]} == {f"{folder}/runs/{n}" for n in ("a", "b", "c$")}
    assert all(set(model["known"]) == {"mig", "dci"} and 0 <= model["udr_lasso"] <= 1 for model in found["models"])
    assert found["correlations"]["udr_spearman"]["mig"]["models"] == 3
    assert (found["settings"]["groups"], found["settings"]["udr_images"]) == (6, 40)
    assert "MIG (3 models)" in done.out and "UDR Lasso" in done.out
    assert Image.open(out / "matrix.png").size[0] > 300
    again = select(*words)
    assert "9 of them cached." in again.out and "nothing to compute" in again.out
    assert again.out.partition("\n\n")[2] == done.out.partition("\n\n")[2]
    by_udr = select(*words, "--method=udr_spearman")
    assert json.loads((out / "selection.json").read_text())["method"] == "udr_spearman"
    assert "Best model: " in by_udr.out and "nothing to compute" in by_udr.out


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
def test_a_killed_program_leaves_no_process_and_continues_when_started_again(folder, tmp_path):
    words = [f"--workdirs={folder}/runs/*", f"--out={tmp_path}/out"]
    done = select(*words, before=faults.KillAfterFirstTask(f"{tmp_path}/pids"))
    assert done.code == -9
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    end = time.monotonic() + 20
    while any(map(is_alive, pids)) and time.monotonic() < end:
        time.sleep(0.1)
    assert len(pids) == 2 and not any(map(is_alive, pids))
    saved = files_in(tmp_path / "out/pairs")
    assert 3 <= sum(name.endswith(".json") for name in saved) < 9
    again = select(*words)
    assert again.code == 0 and " 0 of them cached" not in again.out and "nothing to compute" not in again.out, again.err
    assert saved.items() <= files_in(tmp_path / "out/pairs").items()


@pytest.mark.slow
def test_checkpoints_of_one_run_without_data_and_a_damaged_one(folder, tmp_path):
    shutil.copytree(folder / "runs/a", tmp_path / "damaged")
    newest = tmp_path / "damaged/checkpoints/step-000000008/ckpt.index"
    newest.write_bytes(newest.read_bytes()[:-1])
    done = select(f"--checkpoints_of={tmp_path}/damaged", f"--out={tmp_path}/out")
    assert done.code == 0, done.err
    assert "Left out: step 8 is damaged" in done.out and "UDR is left out: it needs real images" in done.out
    found = json.loads((tmp_path / "out/selection.json").read_text())
    assert {model["name"] for model in found["models"]} == {"step 4", "step 6"}
    assert len(found["left_out"]) == 1 and "udr_lasso" not in found["models"][0]
    assert [model["known"] for model in found["models"]] == [{}, {}]  # they belong to step 8


@pytest.mark.slow
def test_different_numbers_of_codes_are_compared_when_that_is_asked_for(folder, tmp_path):
    write_run(tmp_path / "three", 9, spec=THREE_FACTORS)
    done = select(f"--workdirs={folder}/runs/*,{tmp_path}/three", f"--out={tmp_path}/out", "--mixed_codes")
    assert done.code == 0 and "The models have 2 and 3 codes. The chance level" in done.out, done.err
    found = json.loads((tmp_path / "out/selection.json").read_text())
    assert np.array(found["A"]).shape == (4, 4) and np.isfinite(found["A"]).all()
    assert sorted(model["codes"] for model in found["models"]) == [2, 2, 2, 3]


@pytest.mark.slow
def test_bad_input_is_answered_in_one_line(folder, tmp_path):
    write_run(tmp_path / "other", 4, spec=THREE_FACTORS)
    network = dataclasses.replace(tiny_run.NETWORK, channels=1)
    write_run(tmp_path / "grey", 5, options=dataclasses.replace(tiny_run.OPTIONS, network=network))
    write_run(tmp_path / "reader", 6, options=EncoderOnlyOptions(network=tiny_run.NETWORK))
    phases = (Phase(8, images=1000, batch=10, labeled_batch=2), Phase(16, batch=10, labeled_batch=2))
    large = dataclasses.replace(tiny_run.OPTIONS, network=dataclasses.replace(tiny_run.NETWORK, resolution=16))
    write_run(tmp_path / "growing", 7, options=large, phases=phases)
    shutil.copytree(folder / "runs/a", tmp_path / "empty")
    shutil.rmtree(tmp_path / "empty/checkpoints")
    a, b = f"{folder}/runs/a", f"{folder}/runs/b"
    (tmp_path / "file").write_text("")
    shutil.copytree(folder / "runs/a", tmp_path / "copy")
    wrong = {
        f"{a}; {tmp_path}/copy has the weights of {a}, so it counts once)": [f"--workdirs={a},{tmp_path}/copy"],
        "--workdirs: expected either workdirs or checkpoints_of. Received: none": [],
        "--workdirs: expected either workdirs or checkpoints_of. Received: both": [
            f"--workdirs={a}",
            f"--checkpoints_of={a}",
        ],
        "--workdirs: expected folders of runs. Received: no folder at": ["--workdirs=/nowhere/*"],
        "Received: 1 folders without a config.json at": [f"--workdirs={a},{folder}/runs/notes"],
        f"expected two models or more to compare. Received: 1 ({a})": [f"--workdirs={a},{folder}/runs/../runs/a"],
        f"--workdirs: '{tmp_path}/empty' does not contain a checkpoint yet": [f"--workdirs={a},{tmp_path}/empty"],
        f"{a}: 2; {tmp_path}/other: 3. Set mixed_codes": [f"--workdirs={a},{tmp_path}/other"],
        f"{a}: 8x8x3; {tmp_path}/grey: 8x8x1": [f"--workdirs={a},{tmp_path}/grey"],
        f"{a}; {tmp_path}/reader generates no images": [f"--workdirs={a},{tmp_path}/reader"],
        "is still growing": [f"--workdirs={a},{tmp_path}/growing"],
        "--checkpoints_of: '/nowhere' does not contain a run": ["--checkpoints_of=/nowhere"],
        "--out: expected a writable folder": [f"--workdirs={a},{b}", f"--out={tmp_path}/file"],
        "--data_dir: expected a folder, since udr_lasso needs": [f"--workdirs={a},{b}", "--method=udr_lasso"],
        "is not prepared in": [f"--workdirs={a},{b}", f"--data_dir={tmp_path}"],
    }
    for message, words in wrong.items():
        out = [] if any("--out" in word for word in words) else [f"--out={tmp_path}/out"]
        done = select(*words, *out)
        lines = [line for line in done.err.splitlines() if line.startswith("error: ")]
        assert done.code == 2 and len(lines) == 1 and message in lines[0], (message, done.err)
