"""ssgan label in a headless browser: keys, slider, grid, undo, and a table that has every answer."""

from playwright.sync_api import expect

from ssgan_tf.label.table import Table
from tests.support.labelling import FACTORS, Labeller, chromium, draw_folder, labelling
from tests.support.visiting import find_chromium, until


def test_a_folder_is_labelled_by_keyboard(tmp_path):
    find_chromium()
    truth = draw_folder(tmp_path / "photos", 40)
    path = str(tmp_path / "photos/labels.csv")
    with chromium() as browser, labelling(tmp_path, FACTORS) as (address, process):
        person = Labeller(browser.new_page(), address)

        # One image: a choice, a slider, a choice.
        first = person.image()
        for name in ("shape", "size", "dark"):
            assert person.question() == name
            person.answer(truth[first])
            assert Table(path).cell(first, name) == truth[first][name]  # on disk before the next key
        second = person.image()
        assert second != first and person.count("shape") == "shape: 1 of 40"

        # Undo, skips, an arrow, a click, keys that mean nothing.
        person.press("u")
        assert person.image() == first and person.question() == "dark" and Table(path).cell(first, "dark") == ""
        person.answer(truth[first])
        person.page.keyboard.press("9")
        person.page.keyboard.press("x")
        person.page.get_by_role("button", name="ball").click()
        until(lambda: Table(path).cell(second, "shape") == "ball")
        person.page.wait_for_selector("fieldset.now[data-factor=size]")
        person.page.keyboard.press("Enter")
        expect(person.page.locator(".said")).to_contain_text("Move the slider first")
        person.press("5", "ArrowRight", "Shift+ArrowLeft", "Enter")
        assert Table(path).cell(second, "size") == "0.41"
        person.press("s")
        third = person.image()
        assert third not in (first, second)
        person.press("n")
        assert person.image() != third and third not in Table(path).rows

        # The grid of one factor.
        person.press("g")
        expect(person.page.locator(".label figure")).to_have_count(24)
        shown = [figure.get_attribute("title") or "" for figure in person.page.locator(".label figure").all()]
        for image in shown[:3]:
            person.press(str(["cube", "ball", "cone"].index(truth[image]["shape"]) + 1))
        person.press("u")
        person.press("s")
        assert [Table(path).cell(image, "shape") for image in shown[:3]] == [
            *(truth[image]["shape"] for image in shown[:2]),
            "",
        ]
        assert person.errors == [] and (tmp_path / "served/asked").read_text() == ""
        process.terminate()
        assert process.wait(30) == 0
    log = (tmp_path / "served/log").read_text()
    assert "of 40 images are labelled in photos/labels.csv. " in log and "Traceback" not in log
    assert (
        '"categories": {"shape": ["cube", "ball", "cone"], "dark": ["no", "yes"]}, "ranges": {"size": [0.0, 1.0]}'
        in log
    )
    assert not (tmp_path / "photos/labels.csv.lock").exists()
