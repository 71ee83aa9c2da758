"""Guesses of exported models about an image's labels."""

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ssgan_tf import editing
from ssgan_tf.editing.exports import read_factors
from ssgan_tf.label.factors import Factor
from ssgan_tf.label.proposals import Guess


class Guesser:
    """Guesses of one model, or of several that were trained with different seeds.

    Creating it reads only the descriptions of the exports; TensorFlow is imported by the first guess.

    Args:
        folder: Folder of the images.
        exports: Folders written by `ssgan export`.
        factors: Factors that are asked for; models are matched to them by name.

    Raises:
        OSError: There is no such export; the message begins with "model:".
        ValueError: An export is damaged, or has none of the factors.
    """

    def __init__(self, folder: str, exports: Sequence[str], factors: Mapping[str, Factor]):
        self._folder, self._factors = folder, factors
        self._editors: list[Any] = []
        try:
            self._paths = [editing.find_export(path) for path in exports]
            cards = [editing.read_card(path) for path in self._paths]
            self._columns = [{f.name: (k, f) for k, f in enumerate(read_factors(card))} for card in cards]
        except (OSError, ValueError) as error:
            raise type(error)(f"model: {error}") from error
        for path, columns in zip(exports, self._columns, strict=True):
            if not set(columns) & set(factors):
                raise ValueError(
                    f"model: expected an export with a factor among {', '.join(factors)}. Received: {path!r}, which "
                    f"has {', '.join(columns)}."
                )

    def guess(self, image: str) -> Guess:
        """Returns the models' guess about one image.

        Raises:
            OSError: The image's file cannot be read.
            ValueError: It is not an image.
            RuntimeError: A model cannot be loaded.
        """
        if not self._editors:
            try:
                self._editors = [editing.Editor.load(path) for path in self._paths]
            except (OSError, ValueError) as error:
                raise RuntimeError(f"model: {error}") from error
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", editing.ImageNotice)
            codes = [editor.encode(os.path.join(self._folder, image))[0] for editor in self._editors]
        cells, disagreement = {}, {}
        for name, factor in self._factors.items():
            found = [
                (code[columns[name][0]], columns[name][1])
                for code, columns in zip(codes, self._columns, strict=True)
                if name in columns
            ]
            if not found:
                continue
            values = np.array([code for code, _ in found])
            disagreement[name] = float(values.std())
            if cell := to_cell(factor, found[0][1], float(values.mean())):
                cells[name] = cell
        return Guess(cells, disagreement)


def to_cell(factor: Factor, model: editing.Factor, code: float) -> str:
    """Returns the cell that a model's code in [0, 1] stands for; "" if it is not a value of the factor.

    Args:
        factor: The factor that is asked for.
        model: The model's factor of the same name.
        code: The model's code.
    """
    if factor.range:
        low, high = model.range or factor.range
        return factor.cell(min(max(low + code * (high - low), factor.range[0]), factor.range[1]))
    index = round(min(max(code, 0.0), 1.0) * (model.size - 1))
    text = model.values[index] if model.values else str(index)
    by_name = {value.casefold(): value for value in factor.values}
    if text.casefold() in by_name:
        return by_name[text.casefold()]
    return factor.values[index] if not model.values and len(factor.values) == model.size else ""
