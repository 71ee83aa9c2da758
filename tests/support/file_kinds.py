"""Every kind of file that the package reads and that people may edit or damage: how it is written, and how it is read.

Each reader does what the programs do with the file. It returns or raises ValueError, OSError or MemoryError with one
line that names the file, or it takes the file as missing where a file may be missing.
"""

import atexit
import dataclasses
import functools
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ssgan_tf import data
from ssgan_tf.config import Config
from ssgan_tf.core.codes import CodeSpec, FactorSpec
from ssgan_tf.editing import exports
from ssgan_tf.evaluate import compare, evaluation, score_table
from ssgan_tf.runs import Workdir
from ssgan_tf.select.cache import PairCache
from ssgan_tf.select.pairs import Pair
from ssgan_tf.select.report import load_known
from ssgan_tf.train.distribution.cluster import read_cluster
from tests.support import fakes
from tests.support.tiny_run import CONFIG
from tests.support.toy_models import GOOD, SETTINGS

SPEC = CodeSpec((FactorSpec("hue", 3), FactorSpec("shape", 2, ("cube", "ball")), FactorSpec("size", 9, range=(0.5, 2))))
TABLE = data.FactorDataset(
    "fake/tiny", np.zeros([40, 8, 8, 3], np.uint8), np.arange(120).reshape(40, 3) % [3, 2, 9], SPEC
)
GENERATOR: Any
ENCODER: Any
GENERATOR, ENCODER, *_ = GOOD
LABELED = Config(data.DataOptions(labeled_fraction=0.25))
SCORES: dict[str, Any] = {
    "encoder": {"mig": 0.9, "mig/gap/hue": 0.8, "l2": 0.1, "dci": 0.5},
    "generator": {"mig": 0.5},
    "images": {"fid": 12.5},
    "intervals": {"encoder": {"mig": [0.8, 0.95]}, "generator": {}, "images": {}},
    "refused": {"encoder": {}, "generator": {"l2": "no labels were used"}, "images": {}},
    "oracle": {"l2/samples": 9, "mig": 0.9, "l2": 0.1},
    "chance_l2": 1.2,
    "settings": {
        "checkpoint": "abc", "samples_encoder": 300, "samples_generator": 400, "labels": 12, "labeled_fraction": 0.25,
        "images_trained": 70, "bins": 20, "seed": 0, "bootstrap": {"mig": 20}, "features": None,
        "versions": {"numpy": "1.26.4"},
    },
}  # fmt: skip
CARD = {
    "made_by": "ssgan_tf 0.1.0",
    "run": "toy",
    "model": "semi_stylegan",
    "dataset": "fake/tiny",
    "images_trained": 70,
    "factors": [
        {"name": "hue", "size": 5},
        {"name": "shape", "size": 3, "values": ["cube", "ball", "2"]},
        {"name": "scale", "size": 1001, "range": [10.0, 20.0]},
    ],
    "resolution": 4,
    "channels": 1,
    "noise_size": 4,
    "style_size": 7,
    "style_layers": 2,
}


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of file.

    Args:
        make: Writes the file, and whatever is needed to read it, into an empty folder; returns the file's path.
        read: Reads the file as the package does.
    """

    make: Callable[[Path], Path]
    read: Callable[[Path], object]


def _write_config(folder: Path) -> Path:
    Workdir(str(folder)).write_config(CONFIG)
    return folder / "config.json"


def _write_factors(folder: Path) -> Path:
    Workdir(str(folder)).write_factors(SPEC)
    return folder / "factors.json"


def _write_labels(folder: Path) -> Path:
    Workdir(str(folder)).record_labels(TABLE)
    return folder / "data.json"


def _write_labeled_rows(folder: Path) -> Path:
    Workdir(str(folder)).labeled_rows(TABLE, LABELED)
    return folder / "labeled_subset.npy"


def _write_skipped_steps(folder: Path) -> Path:
    Workdir(str(folder)).write_skipped_steps([3, 70])
    return folder / "skipped_steps.json"


def _write_replicas(folder: Path) -> Path:
    Workdir(str(folder)).record_replicas(2)
    return folder / "replicas.json"


def _write_scores(folder: Path) -> Path:
    (folder / "metrics.json").write_text(json.dumps(SCORES))
    return folder / "metrics.json"


def _read_scores(path: Path) -> None:
    """Merges new scores with those in the file as `ssgan evaluate` does, reads them for `select`, compares them."""
    merged = evaluation.merge_previous(json.loads(json.dumps(SCORES)), Workdir(str(path.parent)))
    assert score_table.to_text(merged)
    assert all(np.isfinite(score) for score in load_known(str(path.parent), "abc").values())
    compare.run([str(path.parent)], str(path.parent / "comparison"))


def _write_card(folder: Path) -> Path:
    (folder / "assets").mkdir()
    (folder / "assets" / "codes.json").write_text(json.dumps(CARD))
    return folder / "assets" / "codes.json"


def _read_card(path: Path) -> None:
    try:
        exports.read_factors(exports.read_card(str(path.parents[1])))
    except ValueError as error:
        assert "codes.json" in str(error)
        raise


def _cache(folder: Path) -> PairCache:
    return PairCache(str(folder), SETTINGS)


def _write_pair(folder: Path) -> Path:
    _cache(folder).save_pair(GENERATOR, ENCODER, Pair(((5, 0), (1, 4)), 2, False))
    return Path(_cache(folder).pair_path(GENERATOR, ENCODER))


def _read_pair(path: Path) -> None:
    pair = _cache(path.parents[2]).load_pair(GENERATOR, ENCODER)
    assert pair is None or 0 <= pair.score <= 1


def _write_codes(folder: Path) -> Path:
    _cache(folder).save_codes(ENCODER, "digest", np.ones([6, ENCODER.codes], np.float32))
    return Path(_cache(folder).codes_path(ENCODER, "digest"))


def _read_codes(path: Path) -> None:
    codes = _cache(path.parents[1]).load_codes(ENCODER, "digest", 6)
    assert codes is None or (codes.shape == (6, ENCODER.codes) and np.isfinite(codes).all())


def _write_cluster(folder: Path) -> Path:
    text = '{"cluster": {"worker": ["a:2222", "b:2222"]}, "task": {"type": "worker", "index": 0}}'
    (folder / "TF_CONFIG.json").write_text(text)
    return folder / "TF_CONFIG.json"


def _read_cluster(path: Path) -> None:
    read_cluster({"TF_CONFIG": path.read_bytes().decode(errors="replace")})


@functools.cache
def _prepared() -> Path:
    """Returns a folder with the data set `fake/tiny`, which is prepared once."""
    folder = fakes.prepare(Path(tempfile.mkdtemp()))
    atexit.register(shutil.rmtree, folder)
    return folder


def write_data(name: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        shutil.copytree(_prepared() / fakes.DATASET, folder / fakes.DATASET)
        (folder / fakes.DATASET / "1.0.0" / "metadata.json").write_text('{"ranges": {"angle": [0.0, 9.0]}}')
        (path,) = (folder / fakes.DATASET / "1.0.0").glob(name)
        return path

    return write


def _inspect_data(path: Path) -> None:
    data.inspect(fakes.DATASET, str(path.parents[3]))


def load_data(path: Path) -> None:
    data.load(fakes.DATASET, str(path.parents[3]), memory_gib=0.1)


CHEAP = {
    "config.json": Kind(_write_config, lambda path: Workdir(str(path.parent)).read_config()),
    "factors.json": Kind(_write_factors, lambda path: Workdir(str(path.parent)).read_factors()),
    "data.json": Kind(_write_labels, lambda path: Workdir(str(path.parent)).record_labels(TABLE)),
    "labeled_subset.npy": Kind(
        _write_labeled_rows, lambda path: Workdir(str(path.parent)).labeled_rows(TABLE, LABELED)
    ),
    "skipped_steps.json": Kind(_write_skipped_steps, lambda path: Workdir(str(path.parent)).read_skipped_steps()),
    "replicas.json": Kind(_write_replicas, lambda path: Workdir(str(path.parent)).record_replicas(2)),
    "metrics.json": Kind(_write_scores, _read_scores),
    "codes.json of an export": Kind(_write_card, _read_card),
    "pair of a selection": Kind(_write_pair, _read_pair),
    "codes of a selection": Kind(_write_codes, _read_codes),
    "TF_CONFIG": Kind(_write_cluster, _read_cluster),
    "features.json of a data set": Kind(write_data("features.json"), _inspect_data),
    "dataset_info.json": Kind(write_data("dataset_info.json"), load_data),
    "metadata.json of a data set": Kind(write_data("metadata.json"), _inspect_data),
}
"""Kinds that take milliseconds to read."""


def outcome(kind: Kind, path: Path) -> str:
    """Reads the file; returns "read", "refused", or what is wrong with the refusal: it must name the place."""
    try:
        kind.read(path)
    except (ValueError, OSError, MemoryError) as error:
        message = str(error)
        if "\n" in message or len(message) > 1500:
            return f"a message of several lines: {message}"
        named = any(str(part) in message for part in (path.name, path.stem, *list(path.parents)[:4], fakes.DATASET))
        return "refused" if named else f"a message that does not name the file: {error!r}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "read"
