"""Choosing among models without labels: toys through the columns, what is kept, processes, and the whole program."""

import dataclasses
import json
import re
import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from ssgan_tf import models, runs
from ssgan_tf.config import Phase
from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.models import EncoderOnlyOptions
from ssgan_tf.runs import Workdir
from ssgan_tf.runs.checkpoints import Checkpoints
from ssgan_tf.select import matrix_of, model_centrality, pairs, report, tell, workers, write
from ssgan_tf.select.cache import Kept, name_of
from ssgan_tf.select.groups import Settings, draw
from ssgan_tf.select.pool import Pool
from ssgan_tf.utils.progress_bar import make_bar
from tests.select.test_model_centrality import slow_score, slow_votes
from tests.support import fakes, tiny_run
from tests.support.toy_models import ToyMember

SETTINGS = Settings(groups=60, size=20)
GOOD = [ToyMember("a"), ToyMember("b", permutation=(3, -1, 4, 2)), ToyMember("c", permutation=(-4, -3, -2, -1))]
MIXED = ToyMember("mixed", turned=1)


def bar(total: int = 1):
    return make_bar(total, "img", quiet=True)


def matrix(members, folder: Path, settings: Settings = SETTINGS, do=workers.do_here) -> np.ndarray:
    kept = Kept(str(folder), settings)
    do(workers.missing_columns(members, kept), bar())
    return matrix_of(members, kept)[0]


def test_models_that_see_the_same_codes_agree_whatever_their_order_and_a_mixed_one_is_last(tmp_path):
    a = matrix([MIXED, *GOOD], tmp_path)
    assert np.array_equal(a[1:, 1:], np.ones((3, 3)))
    assert a[0, 0] == 1.0  # it reads its own mixtures, which does not count
    assert a[0, 1:].max() < 0.8 and a[1:, 0].max() < 0.8
    s = model_centrality.centrality(a)
    assert report.order(s) == [1, 2, 3, 0] and s[0] < 0.7 and s[1:].min() > 0.75


def test_a_row_of_selection_json_is_an_encoder_and_the_best_come_first(tmp_path, monkeypatch):
    """An encoder that looks at two codes of four is the first given, and the last written; all generators are alike."""
    monkeypatch.setattr("ssgan_tf.select._METHOD", SimpleNamespace(value="centrality"))
    members = [ToyMember("half", permutation=(1, 2)), *GOOD[:2]]
    a = matrix(members, tmp_path)
    entries = [report.Entry(member.name, {}, {}, ()) for member in members]
    path, _ = write(str(tmp_path), {"centrality": model_centrality.centrality(a)}, a, entries, Pool(()), {})
    found = json.loads(Path(path).read_text())
    assert [model["name"] for model in found["models"]] == ["a", "b", "half"]
    assert np.array_equal(found["A"][:2], np.ones((2, 3)))
    assert max(found["A"][2]) < 0.8


def test_nothing_is_chosen_where_every_score_is_0(monkeypatch):
    monkeypatch.setattr("ssgan_tf.select._METHOD", SimpleNamespace(value="centrality"))
    entries = [report.Entry(name, {"codes": 4}, {}, ()) for name in "ab"]
    scores = {"centrality": np.zeros(2)}
    assert report.result(scores, {}, entries, "centrality")["selected"] is None
    assert tell(scores, entries, "").endswith("None is chosen: ModelCentrality is 0 for all of them, so none agrees "
                                              "with any other in anything.")  # fmt: skip
    scores = {"centrality": np.array([0.0, 0.1])}
    assert report.result(scores, {}, entries, "centrality")["selected"] == "b"
    assert tell(scores, entries, "").endswith("Medoid of the pool: b, ModelCentrality 0.1000")


@pytest.mark.parametrize("more", [0, 300])
def test_a_pair_is_what_the_slow_twin_makes_of_the_same_images(tmp_path, more):
    settings = Settings(groups=30, size=20, deviation_images=more, seed=4)
    maker, reader = ToyMember("maker", turned=5), ToyMember("reader", permutation=(2, 2, -1, 3, 4))
    a = matrix([maker, reader], tmp_path, settings)
    generator, encoder = maker.load(), reader.load()
    noise, codes = draw(generator.prior, generator.noise_size, settings)
    images = np.round((generator.generate(noise, codes).numpy() + 1) * 127.5)
    read = encoder.encode((images / 127.5 - 1).astype(np.float32)).numpy().tolist()
    groups = [read[20 * m : 20 * (m + 1)] for m in range(30)]
    votes = slow_votes(groups, read[600:] if more else read, 4)
    assert pairs.expect(Kept(str(tmp_path), settings).pair(maker, reader)).votes == tuple(map(tuple, votes))
    assert a[1, 0] == pytest.approx(slow_score(votes), abs=1e-12) and a[1, 0] < 1


def test_what_was_read_once_is_not_read_again(tmp_path):
    kept = Kept(str(tmp_path), SETTINGS)
    loaded = workers.Loaded()
    for task in workers.missing_columns(GOOD, kept):
        task.do(loaded, lambda readings: None)
    batches = -(-SETTINGS.images // 256)
    assert [model.calls for model in loaded.models.values()] == [{"generate": batches, "encode": 3 * batches}] * 3
    assert workers.missing_columns(GOOD, kept) == []
    grown = workers.missing_columns([*GOOD, MIXED], kept)
    assert [(c.maker.name, [e.name for e in c.encoders]) for c in grown] == [
        ("a", ["mixed"]),
        ("b", ["mixed"]),
        ("c", ["mixed"]),
        ("mixed", ["a", "b", "c", "mixed"]),
    ]
    for other in ({"groups": 61}, {"size": 21}, {"seed": 1}, {"deviation_images": 5}):
        assert len(workers.missing_columns(GOOD, Kept(str(tmp_path), dataclasses.replace(SETTINGS, **other)))) == 3
    changed = [dataclasses.replace(GOOD[0], name="other weights"), *GOOD[1:]]
    assert sum(len(c.encoders) for c in workers.missing_columns(changed, kept)) == 5


def test_a_damaged_file_is_computed_again(tmp_path):
    first, kept = matrix(GOOD[:2], tmp_path), Kept(str(tmp_path), SETTINGS)
    for text in ("{", "{}", '{"votes": 3, "live": 1, "constant": false}'):
        Path(kept.path(GOOD[0], GOOD[1])).write_text(text)
        (column,) = workers.missing_columns(GOOD[:2], kept)
        assert (column.maker, column.encoders) == (GOOD[0], (GOOD[1],))
        assert np.array_equal(matrix(GOOD[:2], tmp_path), first)


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_processes_compute_the_same_bits_and_go_on_after_one_was_killed(tmp_path):
    members = [*GOOD, MIXED, ToyMember("other", turned=7)]
    images = np.random.default_rng(0).integers(0, 256, (300, 2, 4, 1), np.uint8)
    np.save(tmp_path / "images.npy", images)

    def tasks(folder: str, pool) -> list:
        kept = Kept(str(tmp_path / folder), SETTINGS)
        codes = workers.missing_readings(pool, str(tmp_path / "images.npy"), 300, name_of(images), kept)
        return [*workers.missing_columns(pool, kept), *codes]

    with make_bar(31_500, "img") as progress:
        workers.do(tasks("one", members), 1, progress)
    assert progress.n == 5 * (5 * 1200 + 300)
    killing = [dataclasses.replace(m, kills=str(tmp_path / "killed")) if m.name == "other" else m for m in members]
    with pytest.raises(ChildProcessError, match="The same command goes on"):
        workers.do(tasks("two", killing), 2, bar())
    assert len(files_in(tmp_path / "two")) < 30
    workers.do(tasks("two", killing), 2, bar())
    assert files_in(tmp_path / "two") == files_in(tmp_path / "one") and len(files_in(tmp_path / "one")) == 30


def test_constant_generators_and_dead_encoders_score_zero_and_are_named(tmp_path):
    still, dead = ToyMember("still", broken="constant"), ToyMember("dead", broken="dead")
    members = [still, *GOOD, dead]
    a = matrix(members, tmp_path)
    assert np.isfinite(a).all()
    assert not a[:, 0].any() and not a[4].any()
    assert (a[1:4, 1:] == 1).all() and (a[0, 1:] == 1).all()
    notes = matrix_of(members, Kept(str(tmp_path), SETTINGS))[1]
    assert notes[0] == ("its images are all alike, so every score on them is 0",)
    assert notes[1:4] == [()] * 3
    assert notes[4] == ("all its codes are dead on images of 4 of 4 models, so these scores are 0",)
    assert np.isfinite(model_centrality.centrality(a)).all()


def test_images_that_are_all_alike_score_zero_even_if_an_encoder_jitters():
    still, rng = ToyMember("still", broken="constant"), np.random.default_rng(0)
    (pair,) = pairs.read_column(
        still, still.load(), {"jitters": lambda images: rng.normal(size=(len(images), 4))}, SETTINGS
    ).values()
    assert pair.constant and pair.score == 0.0 and not np.array(pair.votes).any()


@pytest.mark.parametrize(("broken", "message"), [("nan", "bad: .*images must be finite"), ("nan codes", "bad: codes")])
def test_diverged_models_are_named(tmp_path, broken, message):
    with pytest.raises(ValueError, match=message):
        matrix([GOOD[0], ToyMember("bad", broken=broken)], tmp_path)


def entry(name: str, **known: float) -> report.Entry:
    return report.Entry(name, {"codes": 4}, known, ())


def test_rank_correlation_is_over_the_models_that_have_the_score():
    entries = [entry("a", mig=0.1, dci=0.5), entry("b", mig=0.2, dci=0.5), entry("c", dci=0.5), entry("d", mig=0.05)]
    found = report.correlations({"centrality": np.array([0.2, 0.9, 0.3, 0.4])}, entries)["centrality"]
    assert found["mig"] == {"spearman": pytest.approx(0.5), "models": 3}
    assert found["dci"] == {"spearman": None, "models": 3}
    assert found["factor_vae"] == {"spearman": None, "models": 0}
    text = report.correlation_table({"centrality": found})
    assert "MIG (3 models)" in text and "0.500" in text and "fewer than 3" in text


def test_scores_of_other_weights_do_not_count(tmp_path):
    scores = {"settings": {"checkpoint": "abc"}, "encoder": {"mig": 0.5, "dci": float("nan"), "l2": 0.1}}
    (tmp_path / "metrics.json").write_text(json.dumps(scores))
    assert report.read_known(str(tmp_path), "abc") == {"mig": 0.5}
    assert report.read_known(str(tmp_path), "abd") == {}
    (tmp_path / "metrics.json").write_text(
        json.dumps({"encoder": {"mig": 0.5}, "settings": {"checkpoint": "abc", "samples_encoder": 300}})
    )
    assert report.read_known(str(tmp_path), "abc") == {"mig": 0.5, "samples": 300}
    alike = [report.Entry(name, {}, {"mig": 0.1, "samples": 300}, ()) for name in "ab"]
    other = report.Entry("c", {}, {"mig": 0.1, "samples": 1000}, ())
    assert report.unlike(alike) == "" and "on 300 and 1,000 images: evaluate" in report.unlike([*alike, other])
    (tmp_path / "metrics.json").write_text("{")
    assert report.read_known(str(tmp_path), "abc") == {}


# The program, on runs as training writes them.

QUICK = ["--groups=6", "--group=4", "--processes=2"]
THREE = CodeSpec((*tiny_run.SPEC.factors, FactorSpec("angle", 5)))


def write_run(workdir: Path, seed: int, steps=(tiny_run.STEP,), spec=tiny_run.SPEC, options=tiny_run.OPTIONS, **config):
    """A run that nobody trained, with weights of its own at each of `steps`."""
    tf.keras.utils.set_random_seed(seed)
    model = models.make_model(options, spec, seed)
    workdir.mkdir(parents=True)
    Workdir(str(workdir)).write_config(dataclasses.replace(tiny_run.CONFIG, model=options, **config))
    Workdir(str(workdir)).write_factors(spec)
    checkpoints = Checkpoints(str(workdir / "checkpoints"), model.checkpoint_items())
    for step in steps:
        for variable in model.trainable_variables:
            variable.assign_add(0.1 * tf.random.normal(variable.shape))
        checkpoints.save(step)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Three runs on fake data with scores of their own, and a folder without a run."""
    place = tmp_path_factory.mktemp("select")
    fakes.prepare(place / "data")
    for name, seed in (("a", 1), ("b", 2), ("c$", 3)):
        write_run(place / "runs" / name, seed, (4, 6, 8))
        run = runs.load_run(f"{place}/runs/{name}")
        scores = {"settings": {"checkpoint": runs.fingerprint(run)}, "encoder": {"mig": seed / 10, "dci": 1 / seed}}
        (place / "runs" / name / "metrics.json").write_text(json.dumps(scores))
    (place / "runs/notes").mkdir()
    return place


def select(*words: str, before=None) -> fakes.Result:
    return fakes.run("ssgan_tf.select", *words, *QUICK, before=before)


@pytest.mark.slow
def test_the_program_ranks_writes_and_reads_nothing_twice(folder):
    words = [f"--workdirs={folder}/runs/*", f"--out={folder}/out", f"--data_dir={folder}/data", "--udr_images=40"]
    done = select(*words)
    assert done.code == 0, done.err
    assert "3 models, 9 pairs of encoder and generator, 0 of them kept from before" in done.out
    assert "72 images made, 216 readings; processes: 2." in done.out
    found = json.loads((folder / "out/selection.json").read_text())
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
    assert Image.open(folder / "out/matrix.png").size[0] > 300
    again = select(*words)
    assert "9 of them kept from before" in again.out and "nothing to read" in again.out
    assert again.out.partition("\n\n")[2] == done.out.partition("\n\n")[2]
    by_udr = select(*words, "--method=udr_spearman")
    assert json.loads((folder / "out/selection.json").read_text())["method"] == "udr_spearman"
    assert "First: " in by_udr.out and "nothing to read" in by_udr.out


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
def test_a_killed_program_leaves_no_process_and_goes_on(folder, tmp_path):
    words = [f"--workdirs={folder}/runs/*", f"--out={tmp_path}/out"]
    done = select(*words, before=fakes.KillWhenOneIsKept(f"{tmp_path}/pids"))
    assert done.code == -9
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    end = time.monotonic() + 20
    while any(map(is_alive, pids)) and time.monotonic() < end:
        time.sleep(0.1)
    assert len(pids) == 2 and not any(map(is_alive, pids))
    kept = files_in(tmp_path / "out/pairs")
    assert 3 <= sum(name.endswith(".json") for name in kept) < 9
    again = select(*words)
    assert again.code == 0 and "0 of them kept" not in again.out and "nothing to read" not in again.out, again.err
    assert kept.items() <= files_in(tmp_path / "out/pairs").items()


@pytest.mark.slow
def test_checkpoints_of_one_run_without_data_and_a_damaged_one(folder):
    shutil.copytree(folder / "runs/a", folder / "damaged")
    newest = folder / "damaged/checkpoints/step-000000008/ckpt.index"
    newest.write_bytes(newest.read_bytes()[:-1])
    done = select(f"--checkpoints_of={folder}/damaged", f"--out={folder}/of_one")
    assert done.code == 0, done.err
    assert "Left out: step 8 is damaged" in done.out and "UDR is left out: it needs real images" in done.out
    found = json.loads((folder / "of_one/selection.json").read_text())
    assert {model["name"] for model in found["models"]} == {"step 4", "step 6"}
    assert len(found["left_out"]) == 1 and "udr_lasso" not in found["models"][0]
    assert [model["known"] for model in found["models"]] == [{}, {}]  # they are of step 8


@pytest.mark.slow
def test_different_numbers_of_codes_are_compared_when_that_is_asked_for(folder, tmp_path):
    write_run(tmp_path / "three", 9, spec=THREE)
    done = select(f"--workdirs={folder}/runs/*,{tmp_path}/three", f"--out={tmp_path}/out", "--mixed_codes")
    assert done.code == 0 and "The models have 2 and 3 codes: by chance" in done.out, done.err
    found = json.loads((tmp_path / "out/selection.json").read_text())
    assert np.array(found["A"]).shape == (4, 4) and np.isfinite(found["A"]).all()
    assert sorted(model["codes"] for model in found["models"]) == [2, 2, 2, 3]


@pytest.mark.slow
def test_bad_input_is_answered_in_one_line(folder, tmp_path):
    write_run(tmp_path / "other", 4, spec=THREE)
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
        "expected one of --workdirs": [],
        "expected one of --workdirs='runs": [f"--workdirs={a}", f"--checkpoints_of={a}"],
        "--workdirs: expected folders of runs. Received: no folder at": ["--workdirs=/nowhere/*"],
        "Received: 1 folders without a config.json at": [f"--workdirs={a},{folder}/runs/notes"],
        f"expected two models or more to compare. Received: 1 ({a})": [f"--workdirs={a},{folder}/runs/../runs/a"],
        f"--workdirs: '{tmp_path}/empty' does not contain a checkpoint yet": [f"--workdirs={a},{tmp_path}/empty"],
        f"{a}: 2; {tmp_path}/other: 3. --mixed_codes": [f"--workdirs={a},{tmp_path}/other"],
        f"{a}: 8x8x3; {tmp_path}/grey: 8x8x1": [f"--workdirs={a},{tmp_path}/grey"],
        f"{a}; {tmp_path}/reader makes no images": [f"--workdirs={a},{tmp_path}/reader"],
        "is still growing": [f"--workdirs={a},{tmp_path}/growing"],
        "--checkpoints_of: '/nowhere' does not contain a run": ["--checkpoints_of=/nowhere"],
        "--out: expected a folder that can be written": [f"--workdirs={a},{b}", f"--out={tmp_path}/file"],
        "--method=udr_lasso: expected --data_dir beside it": [f"--workdirs={a},{b}", "--method=udr_lasso"],
        "is not prepared in": [f"--workdirs={a},{b}", f"--data_dir={tmp_path}"],
    }
    for message, words in wrong.items():
        out = [] if any("--out" in word for word in words) else [f"--out={tmp_path}/out"]
        done = select(*words, *out)
        lines = [line for line in done.err.splitlines() if line.startswith("error: ")]
        assert done.code == 2 and len(lines) == 1 and message in lines[0], (message, done.err)


def test_names_are_shown_without_the_folder_that_all_are_in():
    assert report.shorten(["runs/a", "runs/b"]) == ["a", "b"]
    assert report.shorten(["/x/y/a", "/x/z/a"]) == ["y/a", "z/a"]
    assert report.shorten(["step 1", "step 2"]) == ["step 1", "step 2"]
    assert report.shorten(["/x/a", "b/c"]) == ["/x/a", "b/c"]
