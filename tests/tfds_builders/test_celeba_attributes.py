"""celeba_attributes: builds from good files, and errors about bad ones. The faces are noise."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssgan_tf import data
from tests.support import grid_files
from tfds_builders.celeba_attributes import attributes, faces
from tfds_builders.celeba_attributes.celeba_attributes_dataset_builder import Builder, CelebaConfig
from tfds_builders.shared.areas import average_areas

COUNT = 4
TINY = CelebaConfig(name="tiny", resolution=16, count=COUNT)
FOLDER, TABLE = "img_align_celeba", "list_attr_celeba.txt"


def labels() -> np.ndarray:
    """Returns random labels 0 or 1 [COUNT, 40]."""
    return np.random.default_rng(0).integers(0, 2, [COUNT, 40])


def jpeg(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95)
    return file.getvalue()


def face(number: int) -> bytes:
    coarse = np.random.default_rng(number).integers(0, 256, [22, 18, 3], np.uint8)
    return jpeg(np.repeat(np.repeat(coarse, 10, 0), 10, 1)[:218, :178])


def table(rows: np.ndarray) -> list[str]:
    lines = [str(len(rows)), " ".join(attributes.NAMES) + " "]  # the published line ends with a space
    return lines + [f"{i:06d}.jpg " + " ".join(f"{2 * v - 1:2d}" for v in row) for i, row in enumerate(rows, start=1)]


def make_folder(folder: Path, archive: bool = True) -> Path:
    """Writes the two files of CelebA with COUNT faces, and returns their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TABLE).write_text("\n".join(table(labels())) + "\n")
    files = {f"{FOLDER}/{number:06d}.jpg": face(number) for number in range(1, COUNT + 1)}
    if archive:
        with zipfile.ZipFile(folder / f"{FOLDER}.zip", "w") as file:
            file.writestr(f"{FOLDER}/", b"")  # the folder itself is a member too
            for name in sorted(files, reverse=True):  # the order in the archive does not matter
                file.writestr(name, files[name])
    else:
        (folder / FOLDER).mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
    return folder


def build(folder: Path, data_dir: Path, config: CelebaConfig = TINY) -> data.FactorDataset:
    """Prepares the data set and reads it as training does."""
    grid_files.prepare(Builder, config, folder, data_dir)
    return data.load(f"celeba_attributes/{config.name}", str(data_dir), attributes.NAMES)


class CelebaTest(grid_files.BuilderTestCase):
    DATASET_CLASS = Builder
    BUILDER_CONFIG_NAMES_TO_TEST = [TINY]
    SPLITS = {"train": COUNT}

    @classmethod
    def write_files(cls, folder):
        make_folder(folder)


@pytest.mark.parametrize("archive", [True, False])
def test_faces_and_attributes_belong_together(archive, tmp_path):
    made = build(make_folder(tmp_path / "manual", archive), tmp_path / "data")
    assert made.spec.names == attributes.NAMES and set(made.spec.sizes) == {2}
    assert len(made) == COUNT
    whole = {tuple(row): number for number, row in enumerate(labels().tolist(), start=1)}
    seen = set()
    for image, row in zip(made.images, made.factors.tolist(), strict=True):
        number = whole[tuple(row)]
        square = Image.open(io.BytesIO(face(number))).crop((0, 20, 178, 198))
        np.testing.assert_array_equal(image, average_areas(square, 16))
        seen.add(number)
    assert seen == {1, 2, 3, 4}


def test_folder_and_archive_write_the_same_bytes(tmp_path):
    written = []
    for archive in (True, False):
        where = tmp_path / str(archive)
        build(make_folder(where / "manual", archive), where / "data")
        written.append([file.read_bytes() for file in sorted(where.rglob("*.tfrecord*"))])
    assert written[0] and written[0] == written[1]


def as_published(folder: Path) -> None:
    for name, parent in ((TABLE, "Anno"), (FOLDER, "Img")):
        (folder / parent).mkdir()
        (folder / name).rename(folder / parent / name)


def packed_as_published(folder: Path) -> None:
    grid_files.pack(folder / FOLDER, folder / f"{FOLDER}.zip")
    (folder / "Img").mkdir()
    (folder / f"{FOLDER}.zip").rename(folder / "Img" / f"{FOLDER}.zip")


def as_at_kaggle(folder: Path) -> None:
    (folder / FOLDER).rename(folder / "inner")
    (folder / FOLDER).mkdir()
    (folder / "inner").rename(folder / FOLDER / FOLDER)
    _, names, *rows = (folder / TABLE).read_text().splitlines()
    lines = ["image_id," + ",".join(names.split()), *(",".join(row.split()) for row in rows)]
    (folder / "list_attr_celeba.csv").write_text("\r\n".join(lines) + "\r\n")
    (folder / TABLE).unlink()


@pytest.mark.parametrize("arrange", [as_published, packed_as_published, as_at_kaggle, lambda folder: None])
def test_layouts_in_which_it_is_found(arrange: Callable[[Path], None], tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "manual", archive=False)
    grid_files.litter(folder / FOLDER, "000001.jpg")
    arrange(folder)
    assert np.array_equal(attributes.read(folder, COUNT), labels())
    source, numbers = faces.find(folder, COUNT)
    assert sorted(numbers.values()) == [1, 2, 3, 4] and len(list(faces.read(source, numbers, 128, 32))) == 4


def test_errors_in_kaggles_table_name_the_line(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "manual", archive=False)
    as_at_kaggle(folder)
    path = folder / "list_attr_celeba.csv"
    good = path.read_text().splitlines()
    for line, changed, message in (
        (0, good[0].replace("Bald", "Blad"), "csv, line 1: expected the 40 attribute names. Received: 'Blad' in"),
        (2, good[3], "csv, line 3: expected the image '000002.jpg'. Received: '000003.jpg'."),
        (4, "", "csv: expected 4 lines after the first. Received: 3."),
    ):
        path.write_text("\n".join([*good[:line], changed, *good[line + 1 :]]))
        with pytest.raises(ValueError) as error:
            attributes.read(folder, COUNT)
        assert message in str(error.value)


def test_the_square_is_cropped_from_the_middle_and_averaged():
    pixels = np.zeros([218, 178, 3], np.uint8)
    pixels[45:173, 25:153] = 255
    image = Image.fromarray(pixels)
    assert (faces.crop_and_resize(image, 128, 32) == 255).all()
    assert (faces.crop_and_resize(image, 128, 128) == 255).all()
    square = faces.crop_and_resize(image, 178, 64)
    assert square.mean() == pytest.approx(255 * (128 / 178) ** 2, abs=0.5)
    assert square[0, 0, 0] == 0 and square[32, 32, 0] == 255
    blocks = np.random.default_rng(0).integers(0, 256, [218, 178, 3], np.uint8)
    wanted = blocks[45:173, 25:153].reshape(32, 4, 32, 4, 3).mean(axis=(1, 3))
    assert np.abs(faces.crop_and_resize(Image.fromarray(blocks), 128, 32) - wanted).max() <= 1


def test_a_face_is_enlarged_smoothly():
    x = np.broadcast_to(np.linspace(0, 255, 178)[None, :, None], [218, 178, 3])
    large = faces.crop_and_resize(Image.fromarray(x.astype(np.uint8)), 178, 256)
    assert large.shape == (256, 256, 3)
    assert np.abs(large[100, :, 0] - (np.arange(256) + 0.5) * 178 / 256 * 255 / 177).max() < 3


def test_configs(tmp_path):
    expected = {"crop178_256": (178, 256), "crop178_128": (178, 128), "crop178_64": (178, 64), "crop128_32": (128, 32)}
    for config in Builder.BUILDER_CONFIGS:
        assert (config.crop, config.resolution) == expected.pop(config.name)
        features = Builder(config=config.name, data_dir=tmp_path).info.features
        assert features["image"].shape == (config.resolution, config.resolution, 3)
        assert tuple(features["factors"]) == attributes.NAMES and len(attributes.NAMES) == 40
        assert config.count == 202_599
    assert not expected


def change(number: int, line: str) -> Callable[[Path], None]:
    """Returns a function that replaces a line of the table, counted from 0."""

    def write(folder: Path) -> None:
        lines = table(labels())
        lines[number] = line
        (folder / TABLE).write_text("\n".join(lines))

    return write


def archive(files: dict[str, bytes], link: str = "") -> Callable[[Path], None]:
    """Returns a function that replaces the archive by one with these files."""

    def write(folder: Path) -> None:
        with zipfile.ZipFile(folder / f"{FOLDER}.zip", "w") as file:
            for name, content in files.items():
                file.writestr(name, content)
            if link:
                member = zipfile.ZipInfo(link)
                member.external_attr = 0o120777 << 16
                file.writestr(member, "/etc/passwd")

    return write


def with_face(content: bytes) -> Callable[[Path], None]:
    return archive({**GOOD, f"{FOLDER}/000002.jpg": content})


def truncate(folder: Path) -> None:
    path = folder / f"{FOLDER}.zip"
    path.write_bytes(path.read_bytes()[:-500])


GOOD = {f"{FOLDER}/{number:06d}.jpg": face(number) for number in range(1, COUNT + 1)}
ROW = table(labels())[3]
BAD_INPUT = {
    "no table": (lambda folder: (folder / TABLE).unlink(), f"manual/{TABLE}: missing."),
    "no text": (lambda folder: (folder / TABLE).write_bytes(b"4\n\xff"), f"{TABLE}: expected plain text."),
    "empty": (lambda folder: (folder / TABLE).write_text(""), "line 1: expected the number of images, 4. Received: ''"),
    "count": (change(0, "5"), "line 1: expected the number of images, 4. Received: '5'"),
    "name": (change(1, " ".join(attributes.NAMES).replace("Bald", "Blad")), "line 2: expected the 40 attribute names"),
    "names": (change(1, " ".join(attributes.NAMES[:39])), "Received: 39 names."),
    "rows": (change(5, ""), "expected 4 lines after the second. Received: 3."),
    "order": (change(3, table(labels())[4]), "line 4: expected the image '000002.jpg'. Received: '000003.jpg'."),
    "short": (change(3, ROW[:-3]), "line 4: expected 40 attributes for '000002.jpg'. Received: 39."),
    "value": (change(3, ROW[:-2] + " 0"), "line 4, Young: expected -1 or 1. Received: '0'."),
    "no images": (lambda folder: (folder / f"{FOLDER}.zip").unlink(), "expected img_align_celeba.zip or a folder"),
    "one missing": (
        archive({name: content for name, content in GOOD.items() if "2" not in name}),
        "img_align_celeba.zip: expected 4 files, '000001.jpg' to '000004.jpg'. Received: 1 missing, the first "
        "'000002.jpg'",
    ),
    "one more": (archive({**GOOD, f"{FOLDER}/000005.jpg": face(5)}), "1 unexpected, the first '000005.jpg'"),
    "twice": (archive({**GOOD, "000001.jpg": face(1)}), "expected every image once. Received: "),
    "parent": (archive({**GOOD, "../000001.jpg": face(1)}), "the member '../000001.jpg' leads out"),
    "absolute": (archive({**GOOD, "/000001.jpg": face(1)}), "the member '/000001.jpg' has an absolute path"),
    "link": (archive(GOOD, link=f"{FOLDER}/000009.jpg"), f"the member '{FOLDER}/000009.jpg' is a link"),
    "broken archive": (truncate, "img_align_celeba.zip: the archive cannot be read"),
    "empty image": (with_face(b""), "000002.jpg: the image cannot be read: the file is empty"),
    "no image": (with_face(b"text"), "000002.jpg: the image cannot be read: "),
    "cut off": (with_face(face(2)[:3000]), "000002.jpg: the image cannot be read: "),
    "size": (with_face(jpeg(np.zeros([100, 90, 3], np.uint8))), "expected an RGB image of 178x218, aligned"),
    "grey": (with_face(jpeg(np.zeros([218, 178], np.uint8))), "000002.jpg: expected an RGB image of 178x218"),
}


@pytest.mark.parametrize(("spoil", "message"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input(spoil: Callable[[Path], None], message: str, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "manual")
    spoil(folder)
    with pytest.raises((ValueError, FileNotFoundError)) as error:
        build(folder, tmp_path / "data")
    assert message in str(error.value)
    assert not list(tmp_path.rglob("dataset_info.json"))


def test_no_folder_at_all(tmp_path):
    with pytest.raises(AssertionError, match="(?s)nowhere does not exist or is empty.*img_align_celeba.zip"):
        build(tmp_path / "nowhere", tmp_path / "data")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"crop": 218}, "crop: expected one of .128, 178.. Received: 218"),
        ({"resolution": 100}, "resolution: expected one of .*Received: 100"),
        ({"count": 0}, "count: expected 1 to 202599. Received: 0"),
    ],
)
def test_bad_configs_name_the_field(fields, message):
    with pytest.raises(ValueError, match=message):
        CelebaConfig(name="bad", **fields)


@pytest.mark.slow
@pytest.mark.parametrize("more", [[], ["--file_format=array_record"]], ids=["tfrecord", "array_record"])
def test_the_command_line_builds_it(more, repository, tmp_path):
    config = {"name": "few", "crop": 128, "resolution": 32, "count": 4}
    manual, data_dir = make_folder(tmp_path / "manual"), tmp_path / "data"
    grid_files.run_tfds_build(repository, "tfds_builders/celeba_attributes", config, manual, data_dir, *more)
    made = data.load("celeba_attributes/few", str(tmp_path / "data"), ["Young", "Bald"])
    assert made.images.shape == (COUNT, 32, 32, 3)
    assert sorted(made.factors.tolist()) == sorted(labels()[:, [39, 4]].tolist())
