"""Choice of the images whose labels are used: uniform, or stratified so that every value gets its share."""

import numpy as np

from ssgan_tf.core.codes import UNKNOWN

_CANDIDATES = 256  # rows that are looked at for each that a stratified subset takes


def choose_labeled(factors: np.ndarray, fraction: float, seed: int, stratified: bool = False) -> np.ndarray:
    """Draws the labelled subset: round(fraction * N) rows, sorted, among those with any known label.

    Args:
        factors: [N,K] int.
        fraction: eta in [0, 1]; above 0 at least one row is drawn.
        seed: the same seed gives the same subset.
        stratified: give every value of every factor its share of the rows, as nearly as can be; otherwise draw
            uniformly.

    Returns:
        int64 row numbers. Fewer than asked for where fewer images have labels at all.

    Raises:
        ValueError: if labels are asked for and no image has one.
    """
    known = np.flatnonzero((factors != UNKNOWN).any(axis=1))
    if fraction == 0:
        return known[:0]
    if not len(known):
        raise ValueError("data.labeled_fraction: no image has a label of the chosen factors; set it to 0.")
    count = min(max(1, round(fraction * len(factors))), len(known))
    rng = np.random.default_rng([seed, 1])
    if stratified:
        return np.sort(known[_choose_stratified(factors[known], count, rng)])
    return np.sort(rng.choice(known, count, replace=False))


def _choose_stratified(factors: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` different rows of [N,K], taken one by one: of some candidates that whose values are scarcest so far.

    Candidates are random rows, and random rows that have the scarcest value of all.
    """
    sizes = factors.max(axis=0) + 1
    ends = np.cumsum(sizes)
    cells = np.where(factors == UNKNOWN, ends[-1], factors + ends - sizes)  # [N,K], a number for each value of each
    share = np.bincount(cells.ravel(), minlength=ends[-1] + 1) / len(factors)
    share[-1] = 0  # an unknown label fills no share
    there = np.flatnonzero(share)
    order = rng.permutation(len(factors))
    queues = {cell: _Queue(order[(cells[order] == cell).any(axis=1)]) for cell in there}
    every, taken = _Queue(order), np.zeros(len(share))
    used = np.zeros(len(factors), bool)
    chosen = np.empty(count, np.int64)
    for i in range(count):
        excess = np.zeros(len(share))
        excess[there] = (taken[there] - share[there] * i) / share[there]
        scarcest = there[np.argmin(excess[there])]
        candidates = np.concatenate([every.some(used), queues[scarcest].some(used)])
        row = candidates[np.argmin(excess[cells[candidates]].sum(axis=1))]
        used[row], chosen[i] = True, row
        np.add.at(taken, cells[row], 1)
    return chosen


class _Queue:
    """Rows in random order, of which those in use drop out."""

    def __init__(self, rows: np.ndarray):
        self._rows = rows
        self._first = 0

    def some(self, used: np.ndarray) -> np.ndarray:
        """Unused rows among the next ones; none only if none is left."""
        while self._first < len(self._rows) and used[self._rows[self._first]]:
            self._first += 1
        window = self._rows[self._first : self._first + _CANDIDATES]
        return window[~used[window]]
