"""ssgan label for longer: 100 images by keyboard, kills in the middle of it, and the guesses of two exports."""

import signal
import statistics
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from ssgan_tf import editing, runs
from ssgan_tf.export import saved_model
from ssgan_tf.label.factors import Factor
from ssgan_tf.label.guesses import Guesser
from ssgan_tf.label.table import Table
from tests.label.test_answers import check_answers, kill_while_answering
from tests.support import tiny_run
from tests.support.labelling import FACTORS, Labeller, chromium, draw_folder, labelling
from tests.support.visiting import find_chromium

pytestmark = pytest.mark.slow
KILLS = 60


def test_a_hundred_images_by_keyboard(tmp_path):
    truth = draw_folder(tmp_path / "photos", 1000, 128)
    with chromium() as browser, labelling(tmp_path, FACTORS) as (address, _):
        person, seconds, changes = Labeller(browser.new_page(), address), [], []
        begin = time.monotonic()
        for _ in range(100):
            image = person.image()
            for i in range(3):
                (changes if i == 2 else seconds).append(person.answer(truth[image]))
        total = time.monotonic() - begin
        assert person.errors == []
    table = Table(str(tmp_path / "photos/labels.csv"))
    assert len(table.rows) == 100
    assert all(table.cell(image, name) == truth[image][name] for image in table.rows for name in truth[image])
    cones = sum(table.cell(image, "shape") == "cone" for image in table.rows)
    print(f"\n300 answers about 100 images in {total:.1f} s; from key to next question, median (largest): "
          f"{1e3 * statistics.median(seconds):.0f} ms ({1e3 * max(seconds):.0f} ms), to the next image "
          f"{1e3 * statistics.median(changes):.0f} ms ({1e3 * max(changes):.0f} ms); {cones} cones, "
          f"{sum(cells['shape'] == 'cone' for cells in truth.values())} of 1,000 in the folder")  # fmt: skip
    assert total < 60 and statistics.median(seconds) < 0.2


def test_the_program_is_killed_in_the_middle(tmp_path):
    find_chromium()
    truth, given = draw_folder(tmp_path / "photos", 60), {}
    path = str(tmp_path / "photos/labels.csv")
    with chromium() as browser:
        for turn in range(3):
            with labelling(tmp_path, FACTORS, served=f"served{turn}") as (address, process):
                person = Labeller(browser.new_page(), address)
                for _ in range(7):
                    image, name = person.image(), person.question()
                    person.answer(truth[image])
                    given[image, name] = truth[image][name]
                process.send_signal(signal.SIGKILL)
                process.wait()
                person.page.keyboard.press("1")
                person.page.keyboard.press("Enter")  # if the question was a slider
                expect(person.page.locator(".said")).to_contain_text("The program does not answer")
            table = Table(path)
            found = {(i, name): cell for i in table.rows for name in truth[i] if (cell := table.cell(i, name))}
            assert found == given
    print(f"\n3 kills, {len(given)} answers, none lost")


def test_many_kills_while_it_writes(tmp_path, repository):
    path, total = tmp_path / "labels.csv", 0
    for i in range(KILLS):
        acknowledged = kill_while_answering(path, repository, 0.003 * (i % 40))
        check_answers(path, acknowledged)
        total = acknowledged
    print(f"\n{KILLS} kills, {total} answers, none lost")


def test_two_exports_guess_and_disagree(tmp_path, monkeypatch):
    truth, exports = draw_folder(tmp_path / "photos", 30), []
    make_model, shifts = tiny_run.make_model, iter((0.9, 1.0))

    def shifted(*arguments):
        """Returns a model whose codes are larger, since untrained ones leave [0, 1]."""
        model, shift = make_model(*arguments), next(shifts)
        (bias,) = [v for v in model.discriminator.variables if v.shape == [2]]
        bias.assign_add([shift, shift])
        return model

    monkeypatch.setattr(tiny_run, "make_model", shifted)
    for name in "ab":
        workdir = tiny_run.write_run(tmp_path / f"run_{name}")
        exports.append(str(tmp_path / f"export_{name}"))
        Path(exports[-1]).mkdir()
        saved_model.write(runs.load_run(str(workdir)), exports[-1] + "/1")
    factor = editing.Editor.load(exports[0]).factors[0]
    values = tuple(map(str, range(factor.size)))
    guesser = Guesser(str(tmp_path / "photos"), exports, {factor.name: Factor(factor.name, values)})
    guess = guesser.guess(next(iter(truth)))
    assert guess.cells[factor.name] in values and guess.disagreement[factor.name] > 0

    # In the browser, Enter confirms the guess.
    words = f"--factors={factor.name}={','.join(values)}", f"--model={','.join(exports)}"
    with chromium() as browser, labelling(tmp_path, *words) as (address, _):
        person = Labeller(browser.new_page(), address)
        for _ in range(5):
            image = person.image()
            person.page.wait_for_selector("button.guess", timeout=60_000)
            person.press("Enter")
            cell = Table(str(tmp_path / "photos/labels.csv")).cell(image, factor.name)
            assert cell == guesser.guess(image).cells[factor.name]
        assert person.errors == []
