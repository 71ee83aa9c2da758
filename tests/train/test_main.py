"""Training program: what it prints, the files it writes, and ways to start it.

Every run is a process on the fake data set; that of the fixture `finished` is started as from a shell.
"""

import io
import json
import os
import re
import signal

import numpy as np
import pytest
from PIL import Image

from ssgan_tf import config as configs
from ssgan_tf import data, runs
from ssgan_tf.data import labeled_subset
from ssgan_tf.runs import Workdir
from ssgan_tf.train import setup
from tests.support import fakes
from tests.support.run_files import files_in, read_checkpoint, read_events, read_log
from tests.support.training import train

# --- A finished run.


def test_it_prints_what_it_will_train_and_what_it_trained(finished):
    workdir, result = finished
    text, _, rest = result.out.partition("\n}\n")
    assert configs.Config.from_json(json.loads(text + "}")) == Workdir(str(workdir)).read_config()
    assert "fake/tiny, 60 images" in rest
    assert "angle 5, hue 3, shape 2" in rest
    assert "128 images, 16 steps" in rest
    assert "runs on      1 CPU" in rest
    assert "\nlabels used  15 of 60 images (25 %), " in rest
    assert rest.endswith(f"Trained to 128 images. Image grids: {workdir}/samples\n")
    parameters = int(re.search(r"parameters +([\d,]+)", rest)[1].replace(",", ""))
    trained = r"(generator|discriminator)/(?!w_average)"
    weights = [v for name, v in read_checkpoint(workdir, 16).items() if re.match(trained, name)]
    assert parameters == sum(v.size for v in weights)


def test_stderr_contains_only_the_progress_bar(finished):
    _, result = finished
    assert re.fullmatch(r"(\r8x8: +\d+%\|[^\r\n]*)+\n", result.err), result.err
    assert "128/128" in result.err and "img/s" in result.err


def test_it_writes_these_files(finished):
    workdir, _ = finished
    names = {name for name in files_in(workdir) if not name.startswith("tensorboard/")}
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


def test_the_labelled_subset_and_the_factors_come_from_the_data(finished, inputs):
    workdir, _ = finished
    dataset = data.load(fakes.DATASET, str(inputs / "data"))
    rows = np.load(workdir / "labeled_subset.npy")
    assert np.array_equal(rows, labeled_subset.choose_labeled(dataset.factors, 0.25, 0))
    assert len(rows) == 15
    assert Workdir(str(workdir)).read_factors() == dataset.spec


def test_metrics_are_lines_of_numbers(finished):
    workdir, _ = finished
    lines = read_log(workdir)
    assert [(line["step"], line["images"]) for line in lines] == [(n, 8 * n) for n in range(2, 17, 2)]
    terms = {"adversarial", "unsupervised", "smoothness"}
    expected = {f"generator/{t}" for t in terms} | {f"discriminator/{t}" for t in terms | {"r1", "supervised"}}
    expected.remove("discriminator/unsupervised")  # gamma_e is 0
    expected |= {"generator/gradient_norm", "discriminator/gradient_norm"}
    for line in lines:
        assert set(line) == {"step", "images", "images_per_second", *expected}
        assert np.isfinite(list(line.values())).all()


def test_tensorboard_shows_scalars_and_images(finished):
    workdir, _ = finished
    scalars: dict[str, list] = {}
    images = {}
    for tag, step, content in read_events(workdir):
        if content.ndim == 0:
            scalars.setdefault(tag, []).append((step, float(content)))
        else:
            images[f"{tag}-{step:09d}.png"] = Image.open(io.BytesIO(content[2]))
    lines = read_log(workdir)
    for name in set(lines[0]) - {"step", "images", "images_per_second"}:
        assert np.allclose(scalars[name], [(line["images"], line[name]) for line in lines])
    assert len(images) == 4
    for name, image in images.items():
        assert np.array_equal(np.asarray(image), np.asarray(Image.open(workdir / "samples" / name)))


def test_the_grids_show_samples_and_one_row_per_factor(finished):
    workdir, _ = finished
    side = 8 * 64 + 7  # 8 x 8 images, enlarged to 64 pixels, with gaps of 1 pixel
    assert Image.open(workdir / "samples" / "samples-000000128.png").size == (side, side)
    width, height = Image.open(workdir / "samples" / "traversal-000000128.png").size
    assert width > 9 * 64 + 8 and height > 3 * 64 + 2
    first = np.asarray(Image.open(workdir / "samples" / "samples-000000064.png"))
    assert (first != np.asarray(Image.open(workdir / "samples" / "samples-000000128.png"))).any()


def test_the_run_is_loaded_with_the_weights_of_its_last_checkpoint(finished):
    workdir, _ = finished
    run = runs.load_run(str(workdir))
    assert (run.step, run.images) == (16, 128)
    weights = [v for name, v in read_checkpoint(workdir, 16).items() if name.startswith("ema_generator/")]
    loaded = [v.numpy() for v in run.model.ema_generator.variables]
    assert sorted(v.tobytes() for v in weights) == sorted(v.tobytes() for v in loaded)


def test_checkpoints_contain_networks_and_optimizers(finished):
    workdir, _ = finished
    last, before = read_checkpoint(workdir, 16), read_checkpoint(workdir, 14)

    def changed(prefix):
        return [not np.array_equal(last[name], before[name]) for name in last if name.startswith(prefix)]

    for part in ("generator/", "ema_generator/", "discriminator/"):
        assert any(changed(part)), f"{part} is not trained"
    for part in ("generator_optimizer/", "discriminator_optimizer/"):
        assert sum(changed(part)) > 10, f"the slots of {part} are missing"
    assert last["step/.ATTRIBUTES/VARIABLE_VALUE"] == 16


def test_the_same_command_again_changes_nothing(finished, inputs):
    workdir, _ = finished
    before = files_in(workdir)
    result = train(inputs, workdir)
    assert result.code == 0
    assert result.out.endswith("Already trained to 128 images; raise train.images to continue.\n")
    assert result.err == ""
    assert files_in(workdir) == before


# --- Other ways to start.


def test_dry_run_checks_everything_and_writes_nothing(inputs, tmp_path):
    before = files_in(inputs)
    result = train(inputs, tmp_path / "run", "--dry_run")
    assert (result.code, result.err) == (0, "")
    assert "128 images, 16 steps" in result.out
    use = re.search(
        r"\nlabels used  15 of 60 images \(25 %\), (\d+) of them with all labels; [\d.]+ % of their", result.out
    )
    assert use and int(use[1]) < 15
    held_out = train(inputs, tmp_path / "run", "--dry_run", "--set=data.held_out_labels=0.2")
    assert re.search(r"their labels are known; \d+ held out for scores\n$", held_out.out)
    assert list(tmp_path.iterdir()) == []
    assert files_in(inputs) == before
    refused = train(inputs, tmp_path / "run", "--dry_run", "--set=phases.batch=64")
    assert refused.code == 2 and re.fullmatch(r"error: [^\n]*phases\.0\.batch[^\n]+\n", refused.err), refused.err


def test_ctrl_c_before_the_first_step(inputs, tmp_path):
    result = train(inputs, tmp_path / "run", before=interrupt_while_loading_data)
    assert result.code == 130
    assert result.err == "error: interrupted.\n"
    assert not (tmp_path / "run").exists()


def interrupt_while_loading_data() -> None:
    original = setup.load_for
    # A shell starts background jobs with Ctrl-C ignored, and the tests may be one.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupt(*arguments):
        os.kill(os.getpid(), signal.SIGINT)
        return original(*arguments)

    setup.load_for = interrupt


@pytest.mark.parametrize("name", ["config", "workdir", "set", "data_dir", "strategy", "minutes", "[no]dry_run"])
def test_help_lists_the_flag(name, help_text):
    assert f"\n  --{name}: " in help_text


def test_help_lists_no_flags_of_tensorflow(help_text):
    assert len(help_text.splitlines()) < 40


@pytest.fixture(scope="module")
def help_text(shell) -> str:
    result = shell("--help")
    assert result.err == ""
    return result.out
