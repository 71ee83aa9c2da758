"""Labels of a folder of images: the rows of a table, or its subfolders, as factors of images."""

import collections
import dataclasses
import os
import unicodedata
from collections.abc import Sequence

from ssgan_tf.new.labels.columns import Reading, read_column
from ssgan_tf.new.labels.factor import Ambiguous, Factor, LeftOut
from ssgan_tf.new.labels.finding import find_table, image_column
from ssgan_tf.new.labels.formats import RawTable, read_table, short
from ssgan_tf.new.labels.image_names import ImageNames, SeveralImages
from ssgan_tf.new.labels.subfolders import add_subfolders, offer
from ssgan_tf.utils.validation import choose

_LONGEST = 200  # bytes of a factor's name, which becomes part of a file's name
_SHOWN = 3  # columns and examples in a sentence


@dataclasses.dataclass(frozen=True)
class LabelOptions:
    """Answers to what a table leaves open.

    Args:
        labels: Path of the table; empty to look for it in the folder.
        columns: Names of the columns of a table without a header.
        image_column: Name of the column that names the images.
        ignore: Names of columns to leave out.
        folders: Names of the factors that the levels of subfolders stand for; "-" for a level that is none.
        ending: Ending of the files that names without ending mean, if several files have the name.
        skip_bad: Whether rows whose image is not clear are left out.
        reading: Options of how cells are read.
    """

    labels: str = ""
    columns: tuple[str, ...] = ()
    image_column: str = ""
    ignore: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    ending: str = ""
    skip_bad: bool = False
    reading: Reading = Reading()


@dataclasses.dataclass(frozen=True)
class Labels:
    """Labels of a folder of images.

    Args:
        source: Where they come from, in words.
        images: Images with a row, in the order of the folder.
        factors: Factors, with a cell for each of these images.
        notes: Sentences on what was not taken as it was written.
    """

    source: str
    images: tuple[str, ...]
    factors: tuple[Factor, ...]
    notes: tuple[str, ...]

    @property
    def labelled(self) -> int:
        """Number of images with a label."""
        return sum(map(any, zip(*(factor.cells for factor in self.factors), strict=True)))

    @property
    def complete(self) -> int:
        """Number of images with all labels."""
        return sum(map(all, zip(*(factor.cells for factor in self.factors), strict=True)))

    def of(self, images: Sequence[str]) -> "Labels":
        """Returns the labels of some images; rows without any label are left out."""
        wanted = frozenset(images)
        kept = [
            k
            for k, image in enumerate(self.images)
            if image in wanted and any(factor.cells[k] for factor in self.factors)
        ]
        factors = (dataclasses.replace(factor, cells=tuple(factor.cells[k] for k in kept)) for factor in self.factors)
        if not kept:
            raise ValueError("labels: expected labels of images that are used. Received: only of those left out.")
        lost = self.labelled - len(kept)
        notes = (*self.notes, *[f"left out: {lost:,} of the {self.labelled:,} labelled images."] * bool(lost))
        return Labels(self.source, tuple(self.images[k] for k in kept), tuple(factors), notes)


def read_labels(folder: str, images: Sequence[str], options: LabelOptions) -> Labels:
    """Reads the labels of a folder of images.

    Args:
        folder: Folder with the images.
        images: Names of the images, relative to it.
        options: Answers to what the table leaves open.

    Raises:
        OSError: The table cannot be read.
        ValueError: There are no labels, or they can be read in several ways; the message names the option that settles
            it.
    """
    names, notes = ImageNames(images, options.ending), []
    if options.labels and not os.path.isfile(options.labels):
        raise FileNotFoundError(f"labels: expected the file of a table. Received: {options.labels!r}.")
    table = read_table(options.labels, options.columns) if options.labels else None
    if table is None:
        table = find_table(folder, images, names, options.columns)
    rows: dict[str, tuple[str, ...]] = {}
    columns: list[str] = []
    if table is not None:
        notes += table.notes
        image = image_column(table, names, options.image_column, notes)
        rows = _rows_of_images(table, image, names, options.skip_bad, notes)
        columns = _column_names([name for k, name in enumerate(table.header) if k != image], table.path)
    elif not options.folders:
        raise ValueError(_nothing(folder, images))
    if options.folders:
        columns, rows = add_subfolders(columns, rows, images, options.folders)
    elif sentence := offer(images):
        notes.append(sentence)
    kept = [image for image in images if image in rows]
    factors = _factors(columns, [rows[image] for image in kept], table.kinds if table else {}, options, notes)
    source = f"{table.path} ({table.format})" if table else ""
    if options.folders:
        source += f"{' and ' * bool(source)}the subfolders"
    return Labels(source, tuple(kept), tuple(factors), tuple(dict.fromkeys(notes)))


def _rows_of_images(
    table: RawTable, column: int, names: ImageNames, skip_bad: bool, notes: list[str]
) -> dict[str, tuple[str, ...]]:
    """Returns {image: cells without the image's name}."""
    rows: dict[str, tuple[str, ...]] = {}
    places: dict[str, str] = {}
    differences: dict[str, list[str]] = collections.defaultdict(list)
    skipped: dict[str, list[str]] = collections.defaultdict(list)
    for row, place in zip(table.rows, table.places, strict=True):
        name, cells = row[column], (*row[:column], *row[column + 1 :])
        try:
            match = names.find(name)
            if match is not None and rows.get(match.image, cells) != cells:
                raise ValueError(
                    f"{short(match.image)} has another row with other labels, {places[match.image]}. Keep one, or "
                    "--skip_bad keeps the first"
                )
        except ValueError as error:
            if not skip_bad:
                advice = "; write the whole name, --ending=.png chooses by ending, or --skip_bad leaves such rows out"
                advice = advice if isinstance(error, SeveralImages) else ""
                raise ValueError(f"labels: {table.path}, {place}: {error}{advice}.") from None
            skipped["have no clear image, or a second row, and are left out"].append(place)
            continue
        if match is None:
            skipped["name no image of the folder"].append(f"{short(name)}, {place}")
            continue
        if match.image in rows:
            skipped["repeat another row"].append(f"{short(name)}, {place}")
            continue
        if match.difference:
            differences[match.difference].append(f"{short(name)} is {short(match.image)}")
        rows[match.image], places[match.image] = cells, place
    total = len(table.rows)
    for reason, examples in skipped.items():
        notes.append(f"{len(examples):,} of {total:,} rows {reason}: {'; '.join(examples[:_SHOWN])}.")
    for difference, examples in differences.items():
        notes.append(f"{len(examples):,} names differ {difference}: {'; '.join(examples[:_SHOWN])}.")
    if not rows:
        raise ValueError(
            f"labels: {table.path}: expected names of images of the folder. Received: {short(table.rows[0][column])}, "
            f"and no row of {total:,} names one."
        )
    return rows


def _column_names(names: Sequence[str], path: str) -> list[str]:
    """Returns the names of columns as names of factors."""
    result = []
    for k, name in enumerate(names, 1):
        clean = " ".join(unicodedata.normalize("NFC", name).split()).replace("/", "_") or f"column {k}"
        clean = "image label" if clean == "image" else clean
        if len(clean.encode()) > _LONGEST:
            raise ValueError(
                f"labels: {path}: expected names of columns of at most {_LONGEST} bytes. Received: {short(name)}."
            )
        if clean in result:
            raise ValueError(f"labels: {path}: expected every column once. Received: {short(name)} twice. Rename one.")
        result.append(clean)
    return result


def _nothing(folder: str, images: Sequence[str]) -> str:
    text = f"labels: expected a table of labels in {folder}. Received: none. "
    if sentence := offer(images):
        return f"{text}{sentence} Or name a table: --labels=TABLE."
    return (
        f"{text}Label some images with `ssgan label {folder} --factors='shape=cube,ball;size=0..1'`, or name a table."
    )


def _factors(
    columns: Sequence[str],
    rows: Sequence[tuple[str, ...]],
    kinds: dict[str, str],
    options: LabelOptions,
    notes: list[str],
) -> list[Factor]:
    """Returns the factors that the columns become; raises ValueError with the questions of all of them at once."""
    known = {name: name for name in columns}
    for argument, wanted in (("ignore", options.ignore), ("values", options.reading.values)):
        for name in wanted:
            choose(argument, name, known)
    for name in options.reading.unknown:
        if name:
            choose("unknown", name, known)
    factors: list[Factor] = []
    questions: list[Ambiguous] = []
    for k, name in enumerate(columns):
        cells = [row[k] for row in rows]
        if name in options.ignore:
            continue
        if _is_index(name, cells):
            notes.append(f"column {name!r} numbers the rows, and is left out.")
            continue
        try:
            factors += read_column(name, cells, options.reading, notes, kinds.get(name, ""))
        except Ambiguous as question:
            questions.append(question)
        except LeftOut as reason:
            notes.append(f"column {name!r} {reason}, and is left out.")
    if questions:
        raise ValueError(_ask(questions))
    if not factors:
        raise ValueError(f"labels: expected a factor with two values or more. Received: none. {' '.join(notes[-2:])}")
    names = [factor.name for factor in factors]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"labels: expected every factor once. Received: {twice[0]!r} twice; rename a column.")
    return factors


def _is_index(name: str, cells: Sequence[str]) -> bool:
    """Returns whether a column is the index that pandas writes."""
    if name.casefold() not in ("column 1", "unnamed: 0", "index"):
        return False
    numbers = [cell.strip() for cell in cells]
    return all(cell.isdigit() for cell in numbers) and len(set(numbers)) == len(numbers)


def _ask(questions: Sequence[Ambiguous]) -> str:
    """Returns the first question, for all columns that share it, and says how many follow."""
    first = questions[0]
    same = [question.column for question in questions if question.kind == first.kind]
    text = f"labels: {first}"
    if len(same) > 1:
        more = f" and {len(same) - 1 - _SHOWN:,} more" if len(same) > 1 + _SHOWN else ""
        text += (
            f" The same is open for {', '.join(same[1 : 1 + _SHOWN])}{more}; name them all, with ; in --values and , "
        )
        text += "in --ignore and --unknown."
    if others := len(questions) - len(same):
        text += f" {others} more column{'s' * (others > 1)} will be asked about next."
    return text
