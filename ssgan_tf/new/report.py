"""Report on labels: their source, the number of labels of each value, and what is odd about them."""

import collections
from collections.abc import Collection

from ssgan_tf.new import settings
from ssgan_tf.new.labels import Factor, Labels
from ssgan_tf.new.labels.formats import short
from ssgan_tf.new.wording import clip, count

_VALUES = 12  # values of a factor that are listed
_FACTORS = 60
_SHOWN = 4


def describe_labels(labels: Labels, images: int) -> list[str]:
    """Returns lines on the source, the factors and the notes.

    Args:
        labels: Labels of the images that are used.
        images: Number of these images.
    """
    lines = [
        f"labels: {labels.source}: {labels.labelled:,} of {count(images, 'image')} labelled, {labels.complete:,} of "
        "them with all labels"
    ]
    width = min(24, max(len(factor.name) for factor in labels.factors))
    lines += [f"  {factor.name:<{width}}  {_describe(factor)}" for factor in labels.factors[:_FACTORS]]
    if len(labels.factors) > _FACTORS:
        lines.append(f"  ... and {len(labels.factors) - _FACTORS:,} more factors")
    notes = [*labels.notes, *_odd(labels.factors)]
    if images < settings.FEW_IMAGES:
        few = settings.FEW_IMAGES
        notes.append(f"{images} images are few: the generator may only repeat them; {few} or more are better.")
    return lines + [f"  note: {clip(note)}" for note in notes]


def _describe(factor: Factor) -> str:
    counts = factor.counts
    known = count(sum(counts.values()), "label")
    if factor.kind == "numbers":
        return f"numbers from {factor.range[0]:g} to {factor.range[1]:g}: {known}, {len(counts):,} different"
    listed = ", ".join(f"{value} ({number:,})" for value, number in list(counts.items())[:_VALUES])
    more = f", ... and {len(counts) - _VALUES:,} more values" if len(counts) > _VALUES else ""
    kind = f"{len(counts)} names" if factor.kind == "names" else f"integers from 0 to {factor.size - 1}"
    return f"{kind}: {known}: {listed}{more}"


def _odd(factors: Collection[Factor]) -> list[str]:
    """Returns sentences on scarce values and on names whose order is only alphabetical."""
    notes = []
    scarce = [
        f"{factor.name}={value} ({number})"
        for factor in factors
        if factor.kind == "names" and len(factor.values) <= _VALUES
        for value, number in factor.counts.items()
        if number < settings.FEW_OF_A_VALUE
    ]
    if scarce:
        more = f" and {len(scarce) - _SHOWN:,} more" if len(scarce) > _SHOWN else ""
        few = settings.FEW_OF_A_VALUE
        notes.append(f"{count(len(scarce), 'value')} with fewer than {few} labels: {', '.join(scarce[:_SHOWN])}{more}.")
    unordered = [factor for factor in factors if factor.kind == "names" and not factor.in_order]
    if unordered:
        first = unordered[0]
        values = ",".join(first.values[:_SHOWN]) + ",..." * (len(first.values) > _SHOWN)
        others = f", and {len(unordered) - 1:,} more," if len(unordered) > 1 else ""
        notes.append(
            f"the slider of {first.name}{others} runs through its values in alphabetical order; "
            f"--values='{first.name}={values}' gives another."
        )
    return notes


def describe_differences(before: dict[str, dict[str, str]], after: dict[str, dict[str, str]]) -> list[str]:
    """Returns lines on what has changed from one table {image: {factor: cell}} of all images to another."""
    old, new = ({factor for cells in table.values() for factor in cells} for table in (before, after))
    found: collections.Counter[str] = collections.Counter()
    changed = []
    for image in before.keys() & after.keys():
        for factor in old & new:
            was, now = before[image][factor], after[image][factor]
            kind = "" if was == now else "added" if not was else "removed" if not now else "changed"
            found[kind] += 1
            if kind == "changed":
                changed.append(f"{short(image)} {factor} from {short(was)} to {short(now)}")
    lines = [f"{count(found['added'], 'label')} more of the same images and factors"] if found["added"] else []
    if changed:
        lines.append(f"{count(len(changed), 'label')} changed, such as {min(changed)}")
    if found["removed"]:
        lines.append(f"{count(found['removed'], 'label')} taken away")
    for names, what in ((new - old, "new"), (old - new, "gone")):
        if names:
            lines.append(f"{count(len(names), 'factor')} {what}: {', '.join(sorted(names)[:_SHOWN])}")
    for names, what in ((after.keys() - before.keys(), "new"), (before.keys() - after.keys(), "gone")):
        if names:
            lines.append(f"{count(len(names), 'image')} {what}, such as {short(min(names))}")
    return [f"  {line}" for line in lines]
