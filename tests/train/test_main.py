"""The training program as a person meets it: what it leaves behind, how it goes on, and what it refuses.

Every run is a process of its own on the tiny data set of tests/support/fakes.py; the first is started as from a shell.
"""

import contextlib
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from ssgan_tf import config as configs
from ssgan_tf import data, runs
from ssgan_tf.data import labeled_subset
from ssgan_tf.runs import Workdir
from tests.support import fakes

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    """A folder with data/ and tiny.py."""
    folder = tmp_path_factory.mktemp("inputs")
    fakes.prepare(folder / "data")
    (folder / "tiny.py").write_text(fakes.CONFIG)
    return folder


def flags(inputs: Path, workdir: Path | str, *more: str) -> list[str]:
    return [f"--config={inputs}/tiny.py", f"--data_dir={inputs}/data", f"--workdir={workdir}", *more]


def shell(*arguments: str) -> fakes.Result:
    """`python -m ssgan_tf.train` itself, with nothing set that quiets TensorFlow."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    command = [sys.executable, "-m", "ssgan_tf.train", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True)
    return fakes.Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def train(inputs: Path, workdir: Path | str, *more: str, before=None) -> fakes.Result:
    return fakes.run("ssgan_tf.train", *flags(inputs, workdir, *more), before=before)


def files(folder: Path) -> dict[str, bytes]:
    """Content of every file but the lock, which says who was there last."""
    paths = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "lock"]
    return {str(p.relative_to(folder)): p.read_bytes() for p in paths}


def steps(workdir: Path) -> list[int]:
    return sorted(int(p.name[len("step-") :]) for p in (workdir / "checkpoints").glob("step-*"))


def logged_steps(workdir: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def saved(workdir: Path, step: int) -> dict[str, np.ndarray]:
    """Every variable of a checkpoint."""
    reader = tf.train.load_checkpoint(str(workdir / "checkpoints" / f"step-{step:09d}" / "ckpt"))
    names = [name for name in reader.get_variable_to_shape_map() if name != "_CHECKPOINTABLE_OBJECT_GRAPH"]
    return {name: reader.get_tensor(name) for name in names}


@pytest.fixture(scope="module")
def finished(inputs, tmp_path_factory) -> tuple[Path, fakes.Result]:
    """A run of 16 steps that nothing disturbed, and what it said."""
    workdir = tmp_path_factory.mktemp("runs") / "new" / "finished"
    result = shell(*flags(inputs, workdir))
    assert result.code == 0, result.err
    return workdir, result


# --- What a run says and leaves behind.


def test_it_says_what_it_is_going_to_do_and_did(finished):
    workdir, result = finished
    text, _, rest = result.out.partition("\n}\n")
    assert configs.Config.from_json(json.loads(text + "}")) == Workdir(str(workdir)).read_config()
    assert "fake/tiny, 60 images" in rest
    assert "angle 5, hue 3, shape 2" in rest
    assert "128 images, 16 steps" in rest
    assert "runs on      1 CPU" in rest
    assert rest.endswith(f"Trained to 128 images. Image grids: {workdir}/samples\n")
    parameters = int(re.search(r"parameters +([\d,]+)", rest)[1].replace(",", ""))
    trained = r"(generator|discriminator)/(?!w_average)"
    weights = [v for name, v in saved(workdir, 16).items() if re.match(trained, name)]
    assert parameters == sum(v.size for v in weights)


def test_stderr_is_the_progress_bar_alone(finished):
    _, result = finished
    assert re.fullmatch(r"(\r8x8: +\d+%\|[^\r\n]*)+\n", result.err), result.err
    assert "128/128" in result.err and "img/s" in result.err


def test_every_file_is_there(finished):
    workdir, _ = finished
    names = {name for name in files(workdir) if not name.startswith("tensorboard/")}
    checkpoint = {"ckpt.index", "ckpt.data-00000-of-00001", "checksums.json"}
    assert names == {
        "config.json",
        "factors.json",
        "data.json",
        "labeled_subset.npy",
        "metrics.jsonl",
        "replicas.json",
        "samples/data.png",
        *(f"samples/{name}-{images:09d}.png" for name in ("samples", "traversal") for images in (64, 128)),
        *(f"checkpoints/step-{step:09d}/{name}" for step in (12, 14, 16) for name in checkpoint),
    }


def test_the_labeled_subset_and_the_factors_are_those_of_the_data(finished, inputs):
    workdir, _ = finished
    table = data.load(fakes.DATASET, str(inputs / "data"))
    rows = np.load(workdir / "labeled_subset.npy")
    assert np.array_equal(rows, labeled_subset.choose_labeled(table.factors, 0.25, 0))
    assert len(rows) == 15
    assert Workdir(str(workdir)).read_factors() == table.spec


def test_metrics_are_lines_of_numbers(finished):
    workdir, _ = finished
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    assert [(line["step"], line["images"]) for line in lines] == [(n, 8 * n) for n in range(2, 17, 2)]
    terms = {"adversarial", "unsupervised", "smoothness"}
    expected = {f"generator/{t}" for t in terms} | {f"discriminator/{t}" for t in terms | {"r1", "supervised"}}
    expected.remove("discriminator/unsupervised")  # gamma_e is 0
    expected |= {"generator/gradient_norm", "discriminator/gradient_norm"}
    for line in lines:
        assert set(line) == {"step", "images", "images_per_second", *expected}
        assert np.isfinite(list(line.values())).all()


def test_tensorboard_shows_scalars_and_pictures(finished):
    workdir, _ = finished
    scalars: dict[str, list] = {}
    pictures = {}
    for path in sorted((workdir / "tensorboard").iterdir()):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                content = tf.make_ndarray(value.tensor)
                if content.ndim == 0:
                    scalars.setdefault(value.tag, []).append((event.step, float(content)))
                else:
                    pictures[f"{value.tag}-{event.step:09d}.png"] = Image.open(io.BytesIO(content[2]))
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    for name in set(lines[0]) - {"step", "images", "images_per_second"}:
        assert np.allclose(scalars[name], [(line["images"], line[name]) for line in lines])
    assert len(pictures) == 4
    for name, picture in pictures.items():
        assert np.array_equal(np.asarray(picture), np.asarray(Image.open(workdir / "samples" / name)))


def test_the_pictures_show_samples_and_a_row_per_factor(finished):
    workdir, _ = finished
    side = 8 * 64 + 7  # 8 x 8 images, enlarged to 64 pixels, 1 between them
    assert Image.open(workdir / "samples" / "samples-000000128.png").size == (side, side)
    width, height = Image.open(workdir / "samples" / "traversal-000000128.png").size
    assert width > 9 * 64 + 8 and height > 3 * 64 + 2
    first = np.asarray(Image.open(workdir / "samples" / "samples-000000064.png"))
    assert (first != np.asarray(Image.open(workdir / "samples" / "samples-000000128.png"))).any()


def test_the_run_loads_with_the_weights_of_its_last_checkpoint(finished):
    workdir, _ = finished
    run = runs.load_run(str(workdir))
    assert (run.step, run.images) == (16, 128)
    weights = [v for name, v in saved(workdir, 16).items() if name.startswith("ema_generator/")]
    loaded = [v.numpy() for v in run.model.ema_generator.variables]
    assert sorted(v.tobytes() for v in weights) == sorted(v.tobytes() for v in loaded)


def test_checkpoints_hold_everything(finished):
    workdir, _ = finished
    last, before = saved(workdir, 16), saved(workdir, 14)

    def changed(prefix):
        return [not np.array_equal(last[name], before[name]) for name in last if name.startswith(prefix)]

    for part in ("generator/", "ema_generator/", "discriminator/"):
        assert any(changed(part)), f"{part} is not trained"
    for part in ("generator_optimizer/", "discriminator_optimizer/"):
        assert sum(changed(part)) > 10, f"the slots of {part} are missing"
    assert last["step/.ATTRIBUTES/VARIABLE_VALUE"] == 16


def test_the_same_command_again_says_that_it_is_done(finished, inputs):
    workdir, _ = finished
    before = files(workdir)
    result = train(inputs, workdir)
    assert result.code == 0
    assert result.out.endswith("Already trained to 128 images; raise train.images to go on.\n")
    assert result.err == ""
    assert files(workdir) == before


# --- Resuming.


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


@pytest.mark.parametrize("growing", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_run_stopped_in_every_way_ends_with_the_same_bits(growing, finished, inputs, tmp_path, request):
    """Stopped by length, killed in the middle of a save, ctrl-C, --minutes, a damaged checkpoint; and the last part
    under another strategy, which on one device is the same computation.

    The growing run has 8x8 up to step 4, where it is stopped too, 16x16 fading in up to step 8, and 16x16.
    """
    straight, _ = finished
    workdir = tmp_path / "resumed"
    if growing:
        inputs, straight = tmp_path, tmp_path / "straight"
        fakes.Fake.resolution = 16
        request.addfinalizer(lambda: setattr(fakes.Fake, "resolution", 8))
        fakes.prepare(inputs / "data")
        (inputs / "tiny.py").write_text(fakes.GROWING_CONFIG)
        assert train(inputs, straight).code == 0
    every_step = ["--set=train.log_every=8"]

    result = train(inputs, workdir, *every_step, "--set=train.images=24")
    assert (result.code, steps(workdir)) == (0, [2, 3]), result.err
    if growing:
        result = train(inputs, workdir, *every_step, "--set=train.images=32")
        assert (result.code, steps(workdir)) == (0, [2, 3, 4]), result.err

    result = train(inputs, workdir, *every_step, before=fakes.KillWhileSaving(8))
    assert (result.code, steps(workdir)) == (-signal.SIGKILL, [3, 4, 6])
    assert (workdir / "checkpoints" / "partial-000000008").is_dir()
    assert logged_steps(workdir) == [*range(1, 8)]  # 7 is newer than the checkpoint

    result = train(inputs, workdir, *every_step, before=fakes.SignalAt(9, signal.SIGINT))
    assert (result.code, steps(workdir)) == (130, [6, 8, 9])
    assert "Resuming from step 6 (48 images)" in result.out
    assert result.out.endswith("Stopped at 72 images with everything saved. The same command resumes from there.\n")
    assert "Traceback" not in result.err
    assert logged_steps(workdir) == [*range(1, 10)]

    result = train(inputs, workdir, *every_step, "--minutes=0.00001")
    assert (result.code, steps(workdir)) == (0, [8, 9, 10])
    assert (workdir / "samples" / "samples-000000080.png").exists()

    cut(workdir / "checkpoints" / "step-000000010" / "ckpt.data-00000-of-00001")
    result = train(inputs, workdir, "--strategy=mirrored")
    assert (result.code, steps(workdir)) == (0, [12, 14, 16])
    assert "step-000000010 is damaged (ckpt.data-00000-of-00001 is not what was written)" in result.err
    assert "Resuming from step 9" in result.out

    assert logged_steps(workdir) == [*range(1, 10), 10, 12, 14, 16]
    one, other = saved(straight, 16), saved(workdir, 16)
    assert one.keys() == other.keys()
    assert [name for name in one if one[name].tobytes() != other[name].tobytes()] == []
    name = "samples/samples-000000128.png"
    assert (straight / name).read_bytes() == (workdir / name).read_bytes()


def free_addresses(count: int) -> tuple[str, ...]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("localhost", 0))
        return tuple(f"localhost:{one.getsockname()[1]}" for one in sockets)


@pytest.mark.slow
def test_two_workers_do_what_two_devices_do(inputs, tmp_path):
    together = tmp_path / "devices"
    result = train(inputs, together, "--strategy=mirrored", "--set=train.images=48", before=fakes.Devices(2))
    assert result.code == 0, result.err

    workdir = tmp_path / "workers"

    def train_on_two(images: int) -> list[fakes.Result]:
        addresses = free_addresses(2)
        more = ["--strategy=multiworker", f"--set=train.images={images}"]
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda i: train(inputs, workdir, *more, before=fakes.Worker(addresses, i)), range(2)))

    for images in (32, 48):  # the second start goes on from the first worker's checkpoint on both
        assert [result.code for result in train_on_two(images)] == [0, 0]
    assert steps(workdir) == steps(together) == [2, 4, 6]
    assert logged_steps(workdir) == logged_steps(together) == [2, 4, 6]
    for name, value in saved(together, 6).items():
        assert np.allclose(saved(workdir, 6)[name], value, rtol=1e-4, atol=1e-6), name
    logs = [(folder / "metrics.jsonl").read_text().splitlines() for folder in (workdir, together)]
    for line, expected in zip(*logs, strict=True):
        a, b = ({k: v for k, v in json.loads(x).items() if k != "images_per_second"} for x in (line, expected))
        assert a == pytest.approx(b, rel=1e-4)


# --- A run that goes wrong.


def test_a_loss_that_is_no_number_stops_a_run_that_may_not_go_back(inputs, tmp_path):
    result = train(inputs, tmp_path, "--set=train.rollbacks=0", before=fakes.SpoilAt(5))
    assert result.code == 1
    last = result.err.splitlines()[-1]
    assert re.fullmatch(
        r"error: discriminator/adversarial, .*generator/\w+ became nan at step 6 \(48 images\)\. "
        r"Nothing was saved after the checkpoint of step 4\. .*",
        last,
    )
    assert "Traceback" not in result.err
    assert steps(tmp_path) == [2, 4]
    assert runs.load_run(str(tmp_path)).step == 4
    assert all(np.isfinite(v).all() for v in saved(tmp_path, 4).values() if v.dtype.kind == "f")


def test_a_run_goes_back_and_on_without_the_steps_that_went_wrong(inputs, tmp_path):
    """Two steps are spoilt; the run has the bits of one that was stopped before each and told to skip it."""
    result = train(inputs, tmp_path / "run", before=fakes.SpoilAlways(frozenset({5, 9})))
    assert result.code == 0, result.err
    for step, checkpoint, count in ((6, 4, 1), (10, 8, 2)):
        assert re.search(
            rf"generator/\w+ became nan at step {step} .* Rolling back to the checkpoint of step {checkpoint}, to continue "
            rf"without step {step} \(rollback {count} of 3\)",
            result.err,
        )
    assert json.loads((tmp_path / "run" / "skipped_steps.json").read_text()) == [5, 9]
    assert steps(tmp_path / "run")[-1] == 16
    told = tmp_path / "told"
    told.mkdir()
    (told / "skipped_steps.json").write_text("[5, 9]")
    assert train(inputs, told).code == 0
    expected = saved(told, 16)
    for name, value in saved(tmp_path / "run", 16).items():
        assert np.array_equal(value, expected[name]), name
    assert logged_steps(tmp_path / "run") == logged_steps(told)


def test_a_run_that_goes_wrong_too_often_stops_and_does_not_try_again(inputs, tmp_path):
    result = train(inputs, tmp_path, "--set=train.rollbacks=1", before=fakes.SpoilAlways(frozenset({5, 6})))
    assert result.code == 1
    message = r"at step 7 \(56 images\)\. It was rolled back 1 of 1 times before\. Nothing was saved after"
    assert re.search(message, result.err.splitlines()[-1])
    assert "Traceback" not in result.err
    again = train(inputs, tmp_path, "--set=train.rollbacks=1", before=fakes.SpoilAlways(frozenset({6})))
    assert again.code == 1 and "rolled back 1 of 1" in again.err
    assert train(inputs, tmp_path, "--set=train.rollbacks=2", before=fakes.SpoilAlways(frozenset({6}))).code == 0


@pytest.mark.slow
def test_an_absurd_learning_rate_stops_the_run(inputs, tmp_path):
    result = train(inputs, tmp_path, "--set=phases.learning_rate=1e30")
    assert result.code == 1
    assert re.search(r"\nerror: .*generator/\w+.* became (nan|inf) at step 1 \(8 images\)\. .* the start\.", result.err)
    assert not (tmp_path / "checkpoints").exists()


def test_a_disk_that_fills_up_while_training(inputs, small_disk):
    workdir = small_disk / "run"
    result = train(inputs, workdir, before=fakes.FillDiskAt(5, str(small_disk)))
    assert result.code == 2
    assert "Traceback" not in result.err
    last = result.err.splitlines()[-1]
    assert last.startswith(f"error: --workdir: {str(workdir)!r} cannot be written: ")
    assert "No space left on device" in last
    assert steps(workdir) == [2, 4]
    assert [p.name for p in (workdir / "checkpoints").glob("partial*")] == []
    assert runs.load_run(str(workdir)).step == 4


# --- Bad input: one line, exit code 2, and nothing is written.


def refused(result: fakes.Result, message: str) -> None:
    assert result.code == 2, result.err
    assert re.fullmatch(r"error: [^\n]+\n", result.err), result.err
    assert re.search(message, result.err), result.err


@pytest.fixture
def workdir(finished, tmp_path) -> Path:
    """A copy of the finished run."""
    return shutil.copytree(finished[0], tmp_path / "run")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--set=model.gama_g=3"], r"--set: expected one of .*Received: 'model.gama_g'. Did you mean 'gamma_g'\?"),
        (["--set=train.images"], "--set: expected name=value, .*Received: 'train.images'"),
        (["--set=data.labeled_fraction=1.5"], r"labeled_fraction: expected a number in \[0, 1\]. Received: 1.5"),
        (["--set=phases.labeled_batch=9"], "labeled_batch: expected 1 to batch=8 .*Received: 9"),
        (["--set=model.network.resolution=12"], "resolution: expected a power of two from 8 to 1024. Received: 12"),
        (["--set=train.seed=-1"], r"seed: expected a number from 0 to 2\*\*31 - 1. Received: -1"),
        (["--set=model.network.resolution=16"], "model.network.resolution: fake/tiny has images of 8x8. Received: 16"),
        (["--set=model.network.channels=1"], "model.network.channels: fake/tiny has 3. Received: 1"),
        (["--set=data.factors=hue,shap"], r"data.factors: expected names among .*'shap'. Did you mean 'shape'\?"),
        (["--set=data.factors=hue,hue"], r"more than once: \['hue'\]"),
        (["--set=phases.batch=64"], "phases.0.batch: expected at most the 60 images of fake/tiny. Received: 64"),
        (["--set=data.memory_gib=1e-9"], "data.memory_gib: fake/tiny needs .*Received: 1e-09"),
        (["--set=data.dataset=fake/other"], "not prepared .* tfds build tfds_builders/fake --config=other --data_dir="),
        (["--data_dir=/nowhere"], "'fake/tiny' is not prepared in '/nowhere' .*: tfds build .* --data_dir=/nowhere"),
        (["--config=/nowhere.py"], "--config: expected a Python file such as .*Received: '/nowhere.py'"),
        (["--strategy=multigpu"], "strategy=multigpu: value should be one of <default|mirrored|multiworker>"),
        (["--minutes=-1"], "minutes"),
        (["--wrkdir=x"], r"Unknown command line flag 'wrkdir'. Did you mean: workdir \?"),
        (["model.gamma_g=3"], "expected flags .*Received: 'model.gamma_g=3'"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(more, message, inputs, tmp_path):
    refused(train(inputs, tmp_path / "run", *more), message)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", ["config", "workdir"])
def test_a_flag_that_is_missing(missing, inputs, tmp_path):
    given = [flag for flag in flags(inputs, tmp_path) if not flag.startswith(f"--{missing}")]
    refused(fakes.run("ssgan_tf.train", *given), f"flag --{missing}=None: .*--help lists the flags")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", r"must define get_config\(\)"),
        ("def get_config(:", r"SyntaxError: .*\(bad.py, line 1\)"),
        ("def get_config():\n    return 1 / 0", "bad.py, line 2: ZeroDivisionError"),
    ],
)
def test_a_config_file_that_is_none(text, message, inputs, tmp_path):
    (tmp_path / "bad.py").write_text(text)
    refused(train(inputs, tmp_path / "run", f"--config={tmp_path}/bad.py"), "--config: .*" + message)
    assert not (tmp_path / "run").exists()


def test_batches_that_do_not_divide_among_the_devices(inputs, tmp_path):
    result = train(inputs, tmp_path / "run", "--strategy=mirrored", before=fakes.Devices(3))
    refused(result, "phases.0.batch: expected a multiple of the 3 replicas. Received: 8")
    assert not (tmp_path / "run").exists()


def test_a_workdir_of_another_config(inputs, workdir):
    before = files(workdir)
    result = train(inputs, workdir, "--set=model.gamma_g=3", "--set=train.seed=1")
    refused(result, r"contains a run of another config \(model.gamma_g: expected 10.0, received 3.0; train.seed: expec")
    assert files(workdir) == before


def test_a_workdir_on_other_factors(inputs, workdir):
    # The config names no factors: those of the data, which was built again with another one.
    codes = json.loads((workdir / "factors.json").read_text())
    codes[0]["size"] = 7
    (workdir / "factors.json").write_text(json.dumps(codes))
    before = files(workdir)
    refused(train(inputs, workdir), r"contains a run on other factors: expected .*'size': 7.*Received: .*'size': 5")
    assert files(workdir) == before


def test_a_workdir_without_its_config(inputs, workdir):
    (workdir / "config.json").unlink()
    before = files(workdir)
    refused(train(inputs, workdir), "holds checkpoints but no config.json")
    assert files(workdir) == before


def test_a_workdir_whose_config_is_damaged(inputs, workdir):
    (workdir / "config.json").write_text('{"data": {')
    before = files(workdir)
    refused(train(inputs, workdir), "config.json is not a config of this version")
    assert files(workdir) == before


def test_a_workdir_whose_checkpoints_are_all_damaged(inputs, workdir):
    for path in (workdir / "checkpoints").glob("*/ckpt.index"):
        cut(path)
    before = files(workdir)
    result = train(inputs, workdir)
    assert result.code == 2
    assert "None of the 3 checkpoints in" in result.err.splitlines()[-1]
    assert files(workdir) == before


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "labeled_subset.npy is damaged"), (None, "belongs to other data; expected the 15 rows of 60")],
)
def test_a_labeled_subset_that_is_not_the_run_s(content, message, inputs, workdir):
    path = workdir / "labeled_subset.npy"
    if content is None:
        np.save(path, np.arange(50, 65))
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    refused(train(inputs, workdir, "--set=train.images=256"), message)
    assert path.read_bytes() == before


def test_a_workdir_that_is_a_file(inputs, tmp_path):
    (tmp_path / "run").write_text("mine")
    for workdir in (tmp_path / "run", tmp_path / "run" / "inside"):
        refused(train(inputs, workdir), "--workdir: expected a folder. Received: .*run is a file")
    assert (tmp_path / "run").read_text() == "mine"


def test_a_workdir_that_cannot_be_written(inputs, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    refused(train(inputs, small_disk / "run"), "--workdir: expected a folder that can be written. Received: ")


def test_a_disk_too_small_for_the_checkpoints(inputs, tmp_path):
    # 4 bytes x (weight, average, two moments) x (3 kept and 1 being written)
    result = train(inputs, tmp_path / "run", "--dry_run")
    parameters = int(re.search(r"parameters +([\d,]+)", result.out)[1].replace(",", ""))
    needed = 4 * 4 * parameters * 4
    result = train(inputs, tmp_path / "run", before=fakes.DiskWith(needed - 1))
    refused(result, "--workdir: .* needs 0.1 MiB for checkpoints. Received: a disk with 0.1 MiB free.")
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_has_its_checkpoints_needs_less_room(inputs, workdir):
    assert train(inputs, workdir, before=fakes.DiskWith(0)).code == 0


# --- Other ways to start.


def test_dry_run_checks_everything_and_writes_nothing(inputs, tmp_path):
    before = files(inputs)
    result = train(inputs, tmp_path / "run", "--dry_run")
    assert (result.code, result.err) == (0, "")
    assert "128 images, 16 steps" in result.out
    assert list(tmp_path.iterdir()) == []
    assert files(inputs) == before
    refused(train(inputs, tmp_path / "run", "--dry_run", "--set=phases.batch=64"), "phases.0.batch")


def test_ctrl_c_before_the_first_step(inputs, tmp_path):
    result = train(inputs, tmp_path / "run", before=InterruptWhileReading())
    assert result.code == 130
    assert result.err == "error: interrupted.\n"
    assert not (tmp_path / "run").exists()


class InterruptWhileReading:
    def __call__(self):
        original = data.load
        # A shell starts background jobs with Ctrl-C ignored, and the tests may be one.
        signal.signal(signal.SIGINT, signal.default_int_handler)

        def interrupt(*args):
            os.kill(os.getpid(), signal.SIGINT)
            return original(*args)

        data.load = interrupt


def test_help_lists_the_flags_of_this_program_alone():
    result = shell("--help")
    for name in ("config", "workdir", "set", "data_dir", "strategy", "minutes", "[no]dry_run"):
        assert f"\n  --{name}: " in result.out
    assert len(result.out.splitlines()) < 40, "TensorFlow's own flags are not listed"
    assert result.err == ""
