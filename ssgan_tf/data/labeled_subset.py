"""Choice of the labelled subset: uniform, or stratified so that every value of a factor gets its share."""

import numpy as np

from ssgan_tf.core.codes import UNKNOWN

_CANDIDATES = 256  # rows considered for each row of a stratified subset


def choose_labeled(
    factors: np.ndarray, fraction: float, seed: int, stratified: bool = False, excluded: np.ndarray | tuple[()] = ()
) -> np.ndarray:
    """Samples the labelled subset: round(fraction * M) of the M rows that are not excluded, with a known label.

    Args:
        factors: Labels [N,K], int, -1 if unknown.
        fraction: eta in [0, 1]; above 0 the subset has at least one row.
        seed: Seed of the choice.
        stratified: Whether every value of every factor gets its share of the rows, as closely as possible. Otherwise
            the rows are sampled uniformly.
        excluded: Rows whose labels must not be used.

    Returns:
        Sorted row numbers, int64. There are fewer than round(fraction * M) if fewer images have labels.

    Raises:
        ValueError: `fraction` is above 0 and no image has a label.
    """
    known = np.setdiff1d(np.flatnonzero((factors != UNKNOWN).any(axis=1)), excluded)
    if fraction == 0:
        return known[:0]
    if not len(known):
        raise ValueError("data.labeled_fraction: no image has a label of the chosen factors; set it to 0.")
    count = min(max(1, round(fraction * (len(factors) - len(excluded)))), len(known))
    rng = np.random.default_rng([seed, 1])
    if stratified:
        return np.sort(known[_choose_stratified(factors[known], count, rng)])
    return np.sort(rng.choice(known, count, replace=False))


def _choose_stratified(factors: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Chooses `count` different rows of [N,K] one by one, each time the candidate whose values lag furthest behind.

    Candidates are random rows, together with random rows that have the value furthest below its share.
    """
    # Number all values of all factors, and count how often each occurs.
    sizes = factors.max(axis=0) + 1
    ends = np.cumsum(sizes)
    cells = np.where(factors == UNKNOWN, ends[-1], factors + ends - sizes)  # [N,K]
    share = np.bincount(cells.ravel(), minlength=ends[-1] + 1) / len(factors)
    share[-1] = 0  # unknown labels need no share
    present = np.flatnonzero(share)
    order = rng.permutation(len(factors))
    queues = {cell: _Queue(rows) for k in range(len(sizes)) for cell, rows in _group(cells[:, k], order).items()}

    # Choose rows greedily.
    all_rows, taken = _Queue(order), np.zeros(len(share))
    used = np.zeros(len(factors), bool)
    chosen = np.empty(count, np.int64)
    for i in range(count):
        excess = np.zeros(len(share))
        excess[present] = (taken[present] - share[present] * i) / share[present]
        scarcest = present[np.argmin(excess[present])]
        candidates = np.concatenate([all_rows.peek(used), queues[scarcest].peek(used)])
        row = candidates[np.argmin(excess[cells[candidates]].sum(axis=1))]
        used[row], chosen[i] = True, row
        np.add.at(taken, cells[row], 1)
    return chosen


def _group(column: np.ndarray, order: np.ndarray) -> dict[int, np.ndarray]:
    """Returns {cell: its rows, in the given order} of a column of cells [N]."""
    cells, counts = np.unique(column, return_counts=True)
    ranks = np.searchsorted(cells, column[order])
    # NumPy sorts integers of 16 bits in linear time.
    ranks = ranks.astype(np.int16) if len(cells) <= np.iinfo(np.int16).max else ranks
    rows = order[np.argsort(ranks, kind="stable")]
    return dict(zip(cells.tolist(), np.split(rows, np.cumsum(counts)[:-1]), strict=True))


class _Queue:
    """Queue of rows in random order that skips the used ones."""

    def __init__(self, rows: np.ndarray):
        self._rows = rows
        self._first = 0

    def peek(self, used: np.ndarray) -> np.ndarray:
        """Returns the unused rows among the next `_CANDIDATES`, or an empty array if no unused row is left."""
        while self._first < len(self._rows) and used[self._rows[self._first]]:
            self._first += 1
        window = self._rows[self._first : self._first + _CANDIDATES]
        return window[~used[window]]
