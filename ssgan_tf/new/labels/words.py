"""Columns of words: names of values, several labels in one cell, or text that is no factor."""

import collections
from collections.abc import Sequence

from ssgan_tf.label.table import natural_key
from ssgan_tf.new.labels.factor import NUMBER, Ambiguous, Factor, as_names
from ssgan_tf.new.labels.formats import short

_RATHER_UNKNOWN = {"?", "??", "-", "--", "unknown", "missing", "n.a.", "undefined", "tbd"}
_FEWEST = 5  # cells by which free text is recognised


def check_words(name: str, known: list[str]) -> None:
    """Raises Ambiguous if words may be something other than the names of values."""
    numbers = [cell for cell in known if NUMBER.fullmatch(cell)]
    words = [cell for cell in known if not NUMBER.fullmatch(cell)]
    if numbers:
        raise Ambiguous(
            "mixed", name,
            f"column {{}} has numbers such as {short(numbers[0])} ({len(numbers)}) and words such as {short(words[0])} "
            f"({len(words)}): --unknown={{}}={words[0][:20]} if that word means unknown, --values='{{}}=names' if "
            "all of them are names.",
        )  # fmt: skip
    counts = collections.Counter(known)
    if word := next((cell for cell in counts if cell.casefold() in _RATHER_UNKNOWN), ""):
        raise Ambiguous(
            "unknown", name,
            f"column {{}} has {short(word)} ({counts[word]}) beside names: --unknown={{}}={word} if it means unknown, "
            "--values='{}=names' if it is a value.",
        )  # fmt: skip
    if parts := _parts(known):
        raise Ambiguous(
            "several", name,
            f"column {{}} has cells such as {short(next(cell for cell in known if _split(cell)[1:]))}: --values='{{}}="
            f"several' makes a factor with no and yes of each of the {len(parts)} labels, --values='{{}}=names' takes "
            " every cell as one name.",
        )  # fmt: skip
    if (
        len(known) >= _FEWEST
        and len(counts) == len(known)
        or len(known) >= 4 * _FEWEST
        and 2 * len(counts) > len(known)
    ):
        raise Ambiguous(
            "text", name,
            f"column {{}} has {len(counts)} different texts in {len(known)} rows, such as {short(known[0])}: "
            "--ignore={} leaves it out, --values='{}=names' takes them as names.",
        )  # fmt: skip
    twins = collections.defaultdict(list)
    for cell in sorted(counts, key=natural_key):
        twins[cell.casefold()].append(cell)
    if same := next((group for group in twins.values() if len(group) > 1), None):
        both = " and ".join(f"{short(cell)} ({counts[cell]})" for cell in same[:3])
        others = ",".join(max(group, key=lambda cell: counts[cell]) for group in twins.values())
        raise Ambiguous(
            "case", name,
            f"column {{}} has {both}: --values='{{}}={others[:150]}' takes them as one value, --values='{{}}=names' as "
            "several.",
        )  # fmt: skip


def _split(cell: str) -> list[str]:
    """Returns the labels in a cell such as "red|round", "red; round", "red, round" or "['red', 'round']"."""
    inner = cell[1:-1] if cell[:1] + cell[-1:] in ("[]", "()", "{}") else cell
    separator = next((mark for mark in "|;," if mark in inner), "")
    parts = inner.split(separator) if separator else [inner]
    return [part.strip().strip("'\"").strip() for part in parts]


def _parts(known: list[str]) -> set[str]:
    """Returns the labels in cells that look like lists; none if they do not."""
    if not any(len(_split(cell)) > 1 for cell in known):
        return set()
    counts = collections.Counter(part for cell in known for part in set(_split(cell)) if part)
    marked = any(mark in cell for cell in known for mark in "|;[")
    # Commas also stand in names such as "Doe, John", whose parts do not come back in other cells.
    repeated = sum(count > 1 for count in counts.values())
    return set(counts) if marked or len(counts) < len(set(known)) or 2 * repeated > len(counts) else set()


def read_several(name: str, cells: Sequence[str], notes: list[str]) -> list[Factor]:
    """Returns a factor with no and yes for each label that occurs in the cells, except where all rows agree."""
    found = [None if not cell else {part for part in _split(cell) if part} for cell in cells]
    labels = sorted({label for row in found if row for label in row}, key=natural_key)
    factors = []
    for label in labels:
        own = ["" if row is None else "yes" if label in row else "no" for row in found]
        if len({cell for cell in own if cell}) < 2:
            notes.append(f"column {name!r}: {short(label)} is in every row, and left out.")
            continue
        factors.append(as_names(label.replace("/", "_"), own, ("no", "yes")))
    notes.append(f"column {name!r}: a factor with no and yes for each of {', '.join(f.name for f in factors[:5])}.")
    return factors
