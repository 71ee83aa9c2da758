"""Fonts for image grids: umlauts in a font that has them, escapes for what no font has, and no boxes."""

import matplotlib
import numpy as np
import pytest
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

from ssgan_tf import visualize
from ssgan_tf.utils import fonts


def drawn(font: fonts.Font, text: str) -> np.ndarray:
    image = Image.new("L", (100, 30))
    ImageDraw.Draw(image).text((5, 5), text, 255, font)
    return np.asarray(image)


@pytest.fixture
def no_system_fonts(monkeypatch):
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    fonts._choose.cache_clear()
    yield
    fonts._choose.cache_clear()


def test_plain_text_is_written_in_pillows_own_font():
    font, texts = fonts.fit_font(["azimuth", "0.25"], 13)
    assert texts == ["azimuth", "0.25"] and font.getname() == ImageFont.load_default(13).getname()


@pytest.mark.parametrize("text", ["Größe", "Gro\u0308ße", "Łódź", "размер"])
def test_letters_that_pillows_font_lacks_are_written_in_another(text, no_system_fonts):
    font, (written,) = fonts.fit_font([text], 13)
    assert written == ("Größe" if text.startswith("G") else text)
    assert not fonts.escaped_characters([text])
    pictures = [drawn(font, letter) for letter in {*written, "\U0010ffff"}]
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)  # no two are the same box


def test_characters_that_no_font_has_are_escaped_and_named(no_system_fonts):
    assert fonts.fit_font(["颜色 ü", "ok"], 13)[1] == ["\\u989c\\u8272 ü", "ok"]
    assert fonts.escaped_characters(["颜色 ü", "ok"]) == "色颜"


def test_a_system_font_is_used_if_it_has_what_the_others_lack(monkeypatch, tmp_path):
    (tmp_path / "a.ttf").write_bytes(b"no font")
    installed = font_manager.findfont("DejaVu Sans")
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [installed, str(tmp_path / "a.ttf")])
    monkeypatch.setattr(matplotlib, "get_data_path", lambda: str(tmp_path))
    fonts._choose.cache_clear()
    font, texts = fonts.fit_font(["Größe"], 13)
    fonts._choose.cache_clear()
    assert texts == ["Größe"] and font.getname()[0] == "DejaVu Sans"


def test_grids_have_room_for_escapes(no_system_fonts):
    grid = np.zeros([20, 20, 3], np.uint8)
    assert visualize.label_rows(grid, ["颜色"]).shape[1] > visualize.label_rows(grid, ["xx"]).shape[1] + 40
    assert np.array_equal(visualize.label_rows(grid, ["颜色"]), visualize.label_rows(grid, ["\\u989c\\u8272"]))
