"""Common code of the builders of published grids: indices, names, labels, archives, PNG files, threads."""

import io
import os
import stat
import struct
import tarfile
import threading
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.grid_files import label_table, numbered_image, png
from tfds_builders.shared import images, sources
from tfds_builders.shared.grids import Grid, check_labels, check_names

GRID = Grid({"shape": 3, "hue": 2, "azimuth": 4})


def test_index_and_values_are_inverse() -> None:
    assert (GRID.size, GRID.sizes, GRID.bases) == (24, (3, 2, 4), {"shape": 8, "hue": 4, "azimuth": 1})
    expected = [dict(zip(GRID.names, map(int, at), strict=True)) for at in np.ndindex(3, 2, 4)]
    assert [GRID.values_of(index) for index in range(24)] == expected
    assert [GRID.index_of(values) for values in expected] == list(range(24))


def test_the_first_values_keep_their_indices_in_the_whole_grid() -> None:
    assert GRID.indices().tolist() == list(range(24))
    assert GRID.indices({"shape": 2, "azimuth": 1}).tolist() == [0, 4, 8, 12]
    assert GRID.part({"hue": 1}).factors == {"shape": 3, "hue": 1, "azimuth": 4}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Grid({}), "factors: expected names with at least 1 value"),
        (lambda: GRID.index_of({"shape": 0}), "values: expected one of each of ['shape', 'hue', 'azimuth']"),
        (lambda: GRID.index_of({"shape": 3, "hue": 0, "azimuth": 0}), "shape: expected a value from 0 to 2. Received"),
        (lambda: GRID.values_of(24), "index: expected 0 to 23. Received: 24."),
        (lambda: GRID.part({"shap": 1}), "first: expected names among ['shape', 'hue', 'azimuth']. Received: 'shap'."),
        (lambda: GRID.part({"hue": 3}), "first['hue']: expected 1 to 2. Received: 3."),
        (lambda: GRID.part({"hue": 0}), "first['hue']: expected 1 to 2. Received: 0."),
        (lambda: GRID.part({"hue": "1"}), "first['hue']: expected 1 to 2. Received: '1'."),  # type: ignore[dict-item]
    ],
)
def test_values_out_of_range_are_named(call, message: str) -> None:
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)


def test_missing_and_unexpected_files_are_named() -> None:
    expected = ["0.png", "1.png", "2.png"]
    check_names(["2.png", "0.png", "1.png", "3.png"], expected, [*expected, "3.png"], "here")
    with pytest.raises(ValueError) as error:
        check_names(["0.png", "b.png", "a.png"], expected, expected, "here")
    message = "here: expected 3 files, '0.png' to '2.png'. Received: 2 missing, the first '1.png'; 2 unexpected, the"
    assert str(error.value).startswith(f"{message} first 'a.png'.")


def test_labels_may_have_any_scale_but_no_other_order() -> None:
    table = label_table(GRID)
    check_labels(table, GRID, "here")
    check_labels((table * 100).astype(np.int32), GRID, "here")
    shifted = np.roll(table, 1, axis=0)
    with pytest.raises(ValueError, match=r"here, column 0 \(shape\): expected values that rise in the rows 0, 8, "):
        check_labels(shifted, GRID, "here")
    swapped = table.copy()
    swapped[[11, 12]] = table[[12, 11]]
    with pytest.raises(ValueError, match=r"here, column 1 \(hue\): expected 0.0 in row 11 .* Received: 1.0\. "):
        check_labels(swapped, GRID, "here")
    with pytest.raises(ValueError, match=r"here, column 0 \(shape\): expected values .* Received: \[0.0, 0.0,"):
        check_labels(table[:, ::-1], GRID, "here")
    with pytest.raises(ValueError, match=r"here: expected numbers \[24, 3\]. Received: float64 \[23, 3\]\."):
        check_labels(table[1:], GRID, "here")
    with pytest.raises(ValueError, match="Received: <U32"):
        check_labels(table.astype(str), GRID, "here")


FILES = {"set/images/0.png": b"zero", "set/images/1.png": b"one" * 9999, "set/labels.npy": b"table", "set/._x": b"x"}


def zipped(path: Path, files: dict[str, bytes], link: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("set/", b"")
        for name, content in files.items():
            archive.writestr(name, content)
        if link:
            member = zipfile.ZipInfo(link)
            member.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(member, "/etc/passwd")
    return path


def tarred(path: Path, files: dict[str, bytes], link: str = "", kind: bytes = tarfile.SYMTYPE) -> Path:
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        folder = tarfile.TarInfo("./set")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        if link:
            member = tarfile.TarInfo(link)
            member.type, member.linkname = kind, "set/labels.npy"
            archive.addfile(member)
    return path


def unpacked(path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


@pytest.mark.parametrize("kind", ["folder", ".zip", ".tar", ".tar.gz", ".tgz"])
def test_folders_and_archives_give_the_same_files(kind: str, tmp_path: Path) -> None:
    if kind == "folder":
        unpacked(tmp_path, FILES)
    else:
        # `tar c .` names its members with "./" in front.
        (zipped if kind == ".zip" else tarred)(tmp_path / f"other{kind}", {f"./{k}": v for k, v in FILES.items()})
    source = sources.find(tmp_path, "set", ["set", "other"])
    assert source is not None
    assert sorted(source.names()) == sorted(set(FILES) - {"set/._x"})
    wanted = ["set/labels.npy", "set/images/1.png"]
    assert dict(source.read(wanted)) == {name: FILES[name] for name in wanted}


def test_a_folder_is_preferred_and_find_returns_none_if_there_is_no_source(tmp_path: Path) -> None:
    assert sources.find(tmp_path, "set", ["set"]) is None
    zipped(tmp_path / "set.zip", FILES)
    assert isinstance(sources.find(tmp_path, "set", ["set"]), sources.Zip)
    unpacked(tmp_path, FILES)
    assert isinstance(sources.find(tmp_path, "set", ["set"]), sources.Folder)


@pytest.mark.parametrize("make", [zipped, tarred], ids=["zip", "tar"])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../evil.png", "leads out of the archive's folder"),
        ("set/images/../../../evil.png", "leads out of the archive's folder"),
        ("set\\..\\..\\evil.png", "leads out of the archive's folder"),
        ("/etc/evil.png", "has an absolute path"),
        ("C:/evil.png", "has an absolute path"),
    ],
)
def test_a_member_that_leads_elsewhere_is_refused(make, name: str, reason: str, tmp_path: Path) -> None:
    path = make(tmp_path / f"set{'.zip' if make is zipped else '.tar'}", {**FILES, name: b"evil"})
    source = sources.find(tmp_path, "set", ["set"])
    assert source is not None
    with pytest.raises(ValueError) as error:
        source.names()
    assert str(error.value).startswith(f"{path}: the member {name!r} {reason};")


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    archives: list[tuple[sources.Source, str]] = [
        (sources.Zip(zipped(tmp_path / "a.zip", FILES, "set/link.png")), "is a link"),
        (sources.Tar(tarred(tmp_path / "a.tar", FILES, "set/link.png")), "is a link"),
        (sources.Tar(tarred(tmp_path / "b.tar", FILES, "set/link.png", tarfile.LNKTYPE)), "is a link"),
        (sources.Tar(tarred(tmp_path / "c.tar", FILES, "set/link.png", tarfile.FIFOTYPE)), "is a device"),
    ]
    for archive, reason in archives:
        with pytest.raises(ValueError, match=f"the member 'set/link.png' {reason}; expected ordinary files"):
            archive.names()


def test_a_duplicate_member_is_named(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        path = zipped(tmp_path / "a.zip", FILES)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("set/images/0.png", b"again")
    with pytest.raises(ValueError, match="expected every file once. Received: 'set/images/0.png' twice"):
        sources.Zip(path).names()


@pytest.mark.parametrize("kind", [".zip", ".tar", ".tar.gz"])
def test_a_damaged_archive_is_named(kind: str, tmp_path: Path) -> None:
    path = (zipped if kind == ".zip" else tarred)(tmp_path / f"set{kind}", {"set/0.png": os.urandom(50_000), **FILES})
    path.write_bytes(path.read_bytes()[:20_000])
    source = sources.find(tmp_path, "set", ["set"])
    assert source is not None
    with pytest.raises(ValueError, match=f"set{kind}: the archive cannot be read "):
        list(source.read(source.names()))
    path.write_bytes(b"<html>Quota exceeded</html>")  # what Google Drive sometimes sends
    with pytest.raises(ValueError, match=f"set{kind}: the archive cannot be read "):
        source.names()


def test_an_image_of_the_right_size_keeps_its_bytes_and_a_larger_one_is_averaged() -> None:
    image = numbered_image(0, 16)
    file = png(image)
    assert images.prepare_png(file, 16, 16, "here") == file
    small = np.asarray(Image.open(io.BytesIO(images.prepare_png(file, 16, 8, "here"))))
    assert np.array_equal(small, image[::2, ::2])  # each 2x2 square has one colour
    noise = np.random.default_rng(0).integers(0, 256, [16, 16, 3], np.uint8)
    assert np.abs(images.reduce_image(noise, 4) - noise.reshape(4, 4, 4, 4, 3).mean(axis=(1, 3))).max() <= 1


def flip(file: bytes, at: int) -> bytes:
    return file[:at] + bytes([file[at] ^ 1]) + file[at + 1 :]


def deep(image: np.ndarray) -> bytes:
    """Encodes an image with 16 bits per channel, which Pillow opens as if it had 8."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in image.reshape(len(image), -1))
    head = struct.pack(">IIBBBBB", 16, 16, 16, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


IMAGE = numbered_image(0, 16)
STORED = png(IMAGE, compress_level=0)
BAD_PNG = {
    "empty": (b"", "the file is empty (0 bytes)"),
    "text": (
        b"not an image, but a text that is long enough",
        "expected a PNG file. Received: 44 bytes that start with",
    ),
    "size": (png(numbered_image(0, 8)), "expected 16x16 pixels, RGB, 8 bits per channel. Received: 8x8, RGB, 8 bits."),
    "not square": (png(IMAGE[:8]), "Received: 16x8, RGB, 8 bits."),
    "grey": (png(IMAGE[..., 0]), "Received: 16x16, grey, 8 bits."),
    "alpha": (png(np.dstack([IMAGE, IMAGE[..., :1]])), "Received: 16x16, RGBA, 8 bits."),
    "16 bits": (deep(IMAGE), "Received: 16x16, RGB, 16 bits."),
    "truncated": (png(IMAGE)[:-30], "the PNG file is damaged ("),
    "flipped bit": (flip(STORED, STORED.index(b"IDAT") + 50), "the PNG file is damaged ("),
    # The last byte before the 12 of IEND: pixels and their own checksum are right, but TensorFlow rejects the file.
    "checksum": (flip(STORED, len(STORED) - 13), "the PNG file is damaged ("),
}


@pytest.mark.parametrize(("file", "message"), BAD_PNG.values(), ids=BAD_PNG)
def test_a_bad_image_is_named(file: bytes, message: str) -> None:
    with pytest.raises(ValueError) as error:
        images.prepare_png(file, 16, 16, "images/000007.png")
    assert str(error.value).startswith("images/000007.png: ")
    assert message in str(error.value)


def test_results_come_in_order_from_several_threads_that_read_only_a_little_ahead() -> None:
    taken, meeting = [], threading.Barrier(2, timeout=30)

    def work(number: int) -> int:
        meeting.wait()  # passes only if another thread waits here too
        return number**2

    def items():
        for number in range(40):
            taken.append(number)
            yield number

    results = images.in_parallel(work, items(), threads=2)
    assert [next(results) for _ in range(4)] == [0, 1, 4, 9]
    assert len(taken) <= 4 + 4 * 2 + 1
    assert list(results) == [number**2 for number in range(4, 40)]


def test_an_exception_comes_in_place_of_its_result() -> None:
    results = images.in_parallel(lambda number: 1 // (3 - number), range(100), threads=2)
    assert [next(results), next(results), next(results)] == [0, 0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)
