"""Images in: used unchanged, converted with a note, or refused with a reason."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssgan_tf.editing import Editor, ImageNotice, images_in, to_uint8

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, [8, 8, 3], np.uint8)
GREY = RNG.integers(0, 256, [8, 8], np.uint8)


def load(source, resolution: int = 8, channels: int = 3, **options) -> tuple[np.ndarray, list[str]]:
    """Returns uint8 [B,R,R,C] and the notes, after checks that hold for every result."""
    images, notes = images_in.load_images(source, resolution, channels, **options)
    assert images.dtype == np.float32 and images.shape[1:] == (resolution, resolution, channels)
    return to_uint8(images), notes


def floats(image: np.ndarray) -> np.ndarray:
    return image / 127.5 - 1.0


@pytest.mark.parametrize(
    "source",
    [COLOURS, COLOURS[None], floats(COLOURS), floats(COLOURS).astype(np.float32), Image.fromarray(COLOURS), [COLOURS]],
    ids=["bytes", "batch", "float64", "float32", "pillow", "list"],
)
def test_images_that_fit_are_used_unchanged(source) -> None:
    images, notes = load(source)
    np.testing.assert_array_equal(images, COLOURS[None])
    assert notes == []


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "webp", "gif"])
def test_files_of_every_kind_are_read(ending: str, tmp_path: Path) -> None:
    image = Image.fromarray(COLOURS)
    palette = image.quantize(64, dither=Image.Dither.NONE) if ending == "gif" else image
    palette.save(tmp_path / f"a.{ending}", lossless=True)  # only WebP uses the flag
    images, notes = load(tmp_path / f"a.{ending}")
    assert notes == []
    if ending != "gif":  # a GIF has too few colours
        np.testing.assert_array_equal(images[0], COLOURS)


def test_a_list_may_hold_anything(tmp_path: Path) -> None:
    Image.fromarray(COLOURS).save(tmp_path / "a.png")
    images, notes = load([str(tmp_path / "a.png"), COLOURS[::-1], Image.fromarray(GREY)])
    np.testing.assert_array_equal(images, [COLOURS, COLOURS[::-1], np.repeat(GREY[..., None], 3, axis=-1)])
    assert len(notes) == 1 and notes[0].startswith("images[2]: is grey")


def test_images_are_cropped_and_resized(tmp_path: Path) -> None:
    wide = RNG.integers(0, 256, [24, 40, 3], np.uint8)
    images, notes = load(wide)
    square = wide[:, 8:32].reshape(8, 3, 8, 3, 3).mean(axis=(1, 3))  # areas averaged, as in training
    assert np.abs(images[0] - square).max() <= 1
    assert notes == ["image: 40x24 pixels, cropped to the central 24x24, resized to the model's 8x8."]
    images, notes = load(np.full([3, 2, 3], 77, np.uint8))
    assert (images == 77).all()
    assert notes == ["image: 2x3 pixels, cropped to the central 2x2, resized to the model's 8x8."]
    images, notes = load(wide[:8, :10])
    np.testing.assert_array_equal(images[0], wide[:8, 1:9])
    assert notes == ["image: 10x8 pixels, cropped to the central 8x8."]


def test_channels_are_converted() -> None:
    images, notes = load(GREY)
    np.testing.assert_array_equal(images[0], np.repeat(GREY[..., None], 3, axis=-1))
    assert len(notes) == 1 and "is grey" in notes[0]
    images, notes = load(COLOURS, channels=1)
    luma = COLOURS @ [0.299, 0.587, 0.114]
    assert np.abs(images[0, ..., 0] - luma).max() <= 0.51 and "converted to grey" in notes[0]
    assert load(GREY, channels=1)[1] == []


@pytest.mark.parametrize("kind", ["array", "RGBA", "LA", "palette"])
def test_transparent_pixels_become_white(kind: str, tmp_path: Path) -> None:
    alpha = np.full([8, 8, 1], 255, np.uint8)
    alpha[:4] = 0
    array = np.concatenate([COLOURS, alpha], axis=-1)
    expected = np.where(alpha == 0, 255, COLOURS)
    if kind == "LA":
        Image.fromarray(np.concatenate([GREY[..., None], alpha], axis=-1), "LA").save(tmp_path / "a.png")
        expected = np.repeat(np.where(alpha == 0, 255, GREY[..., None]), 3, axis=-1)
    elif kind == "palette":
        index = np.repeat(np.arange(8, dtype=np.uint8)[:, None], 8, axis=1)
        image = Image.fromarray(index, "P")
        image.putpalette([value for i in range(8) for value in (30 * i, 10, 20)])
        image.save(tmp_path / "a.png", transparency=3)
        expected = np.stack([30 * index, np.full_like(index, 10), np.full_like(index, 20)], axis=-1)
        expected[3] = 255
    else:
        Image.fromarray(array).save(tmp_path / "a.png")
    images, notes = load(array if kind == "array" else tmp_path / "a.png")
    np.testing.assert_array_equal(images[0], expected)
    assert "transparent" in notes[0]
    opaque = np.concatenate([COLOURS, np.full_like(alpha, 255)], axis=-1)
    images, notes = load(opaque)
    np.testing.assert_array_equal(images[0], COLOURS)
    assert notes == []


def test_16_bit_rotated_animated_and_cmyk_files(tmp_path: Path) -> None:
    deep = (GREY.astype(np.uint16) * 257).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(load(tmp_path / "deep.png", channels=1)[0][0, ..., 0], GREY)
    exif = Image.Exif()
    exif[274] = 6  # a camera held upright: the file is stored on its side
    Image.fromarray(COLOURS).save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(load(tmp_path / "turned.png")[0][0], np.rot90(COLOURS, -1))
    first, second = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")
    first.save(tmp_path / "moving.gif", save_all=True, append_images=[second])
    images, notes = load(tmp_path / "moving.gif")
    assert (images == [255, 0, 0]).all() and "several frames; the first one is used" in notes[0]
    Image.new("CMYK", (8, 8)).save(tmp_path / "print.tif")
    images, notes = load(tmp_path / "print.tif")
    assert (images == 255).all() and "CMYK" in notes[0]


def test_a_note_warns_of_floats_in_0_to_1() -> None:
    _, notes = load(COLOURS / 255.0)
    assert len(notes) == 1 and "pass 2 * image - 1" in notes[0]
    assert load(np.zeros([8, 8, 3]))[1] == []


def broken_png(path: Path) -> Path:
    Image.fromarray(RNG.integers(0, 256, [64, 64, 3], np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    return path


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (np.zeros([8, 8, 3], np.int64), ["uint8 in 0..255 or float in [-1, 1]", "int64"]),
        (np.zeros([8, 8, 3], bool), ["uint8", "bool"]),
        (np.array(["a"]), ["uint8", "U1"]),
        (np.full([8, 8, 3], 255.0), ["float in [-1, 1]", "255 to 255"]),
        (np.full([8, 8, 3], np.nan), ["float in [-1, 1]", "nan"]),
        (np.zeros([8, 8, 5], np.uint8), ["[H,W,C]", "1 to 4 channels", "[8, 8, 5]"]),
        (np.zeros([8], np.uint8), ["[H,W]", "[8]"]),
        (np.zeros([0, 8, 8, 3], np.uint8), ["[B,H,W,C]", "[0, 8, 8, 3]"]),
        (np.zeros([1, 2, 8, 8, 3], np.uint8), ["[B,H,W,C]", "[1, 2, 8, 8, 3]"]),
        (np.zeros([8, 8, 4]), ["uint8 for an image with an alpha channel"]),
        ([], ["[H,W]", "[0]"]),
        (Image.fromarray(np.zeros([8, 8], np.float32)), ["8 or 16 bits", "floats"]),
        ("nowhere.png", ["nowhere.png", "does not exist"]),
        (".", ["a folder"]),
        ("text.png", ["text.png", "PNG, JPEG", "begins with b'hello'"]),
        ("empty.png", ["empty.png", "an empty file"]),
        ("broken.png", ["broken.png", "cannot be read"]),
    ],
)  # fmt: skip
def test_inputs_that_are_not_images_are_refused(source, words, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.png").write_text("hello")
    Path("empty.png").touch()
    broken_png(Path("broken.png"))
    with pytest.raises((ValueError, FileNotFoundError)) as caught:
        images_in.load_images(source, 8, 3)
    assert [word for word in words if word not in str(caught.value)] == []
    assert "\n" not in str(caught.value)


def test_an_image_with_too_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path, monkeypatch) -> None:
    Image.new("1", (10_000, 5_000)).save(tmp_path / "huge.png")
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(ValueError, match="huge.png: .*at most 40,000,000 pixels. Received: 10000x5000"):
        images_in.load_images(tmp_path / "huge.png", 8, 3, max_pixels=40_000_000)


def test_a_message_names_the_file_once(tmp_path: Path) -> None:
    Image.fromarray(np.zeros([8, 8], np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(ValueError) as caught:
        images_in.load_images(tmp_path / "a.tif", 8, 3)
    assert str(caught.value).startswith(f"{tmp_path}/a.tif: expected an image of 8 or 16 bits.")
    Image.new("1", (20_000, 12_000)).save(tmp_path / "huge.png")
    with pytest.raises(ValueError, match="^/[^:]*huge.png: expected at most [0-9,]+ pixels. Received: "):
        images_in.load_images(tmp_path / "huge.png", 8, 3)


def test_a_damaged_pillow_image_is_refused(tmp_path: Path) -> None:
    with Image.open(broken_png(tmp_path / "broken.png")) as image:
        with pytest.raises(ValueError, match="image: the image cannot be read: .*truncated"):
            images_in.load_images(image, 8, 3)


def test_the_editor_warns_of_changes(editor: Editor) -> None:
    words = "12x9 pixels, cropped to the central 9x9, resized to the model's 4x4"
    with pytest.warns(ImageNotice, match=words) as caught:
        images = editor.read(np.zeros([9, 12], np.uint8))
    assert images.shape == (1, 4, 4, 1)
    assert caught[0].filename == __file__  # the caller's line, not one of the library


def test_without_pillow_only_files_and_other_sizes_are_refused() -> None:
    script = """
import sys
sys.modules["PIL"] = None
import numpy as np
from ssgan_tf.editing import images_in
assert images_in.load_images(np.zeros([8, 8, 3], np.uint8), 8, 3)[0].shape == (1, 8, 8, 3)
for source in (np.zeros([9, 9, 3], np.uint8), sys.argv[1]):
    try:
        images_in.load_images(source, 8, 3)
    except ValueError as error:
        print(error)
"""
    process = subprocess.run([sys.executable, "-c", script, __file__], capture_output=True, text=True, check=True)
    assert process.stdout.count("pip install pillow") == 2
