"""Verdict on sliders: names those that do next to nothing, or change more of what they should keep."""

from collections.abc import Mapping
from typing import Any

_WEAK = 0.25  # A slider with less of the change that it should make has no visible effect. Our choice.
_MOST = 0.5  # A slider with more of its change elsewhere changes something else. Our choice.


def find(scores: Mapping[str, Any]) -> dict[str, str]:
    """Returns {factor: what is wrong with its slider}, for those sliders that fail.

    Where codes name images, their pixels decide, and elsewhere the oracle.

    Args:
        scores: Content of metrics.json, of which any part may be missing.
    """
    images, generator = (scores.get(group) or {} for group in ("images", "generator"))
    if "sliders" in images:
        return _verdicts(
            images, "sliders/ratio/", "sliders/outside/",
            "no visible effect; images change {} % as much as real ones",
            "{} % of the change is where real images do not change",
        )  # fmt: skip
    return _verdicts(
        generator, "read_sliders/effect/", "read_sliders/others/",
        "no visible effect; the oracle reads {} % of the change",
        "{} % of the change that the oracle reads is in other factors",
    )  # fmt: skip


def _verdicts(scores: Mapping[str, float], effect: str, elsewhere: str, weak: str, wrong: str) -> dict[str, str]:
    """Returns the verdicts, given the prefixes of the keys of effects and of changes elsewhere."""
    found = {}
    for key in scores:
        name = key.removeprefix(effect)
        if name == key:
            continue
        other = scores.get(elsewhere + name, 0.0)
        if scores[key] < _WEAK:
            found[name] = weak.format(round(100 * scores[key]))
        elif other > _MOST:
            found[name] = wrong.format(round(100 * other))
    return found
