"""Chooses among trained models without labels: the one that agrees most with the others (ModelCentrality), and UDR.

  python -m ssgan_tf.select --workdirs='runs/*' --out=selection
  python -m ssgan_tf.select --checkpoints_of=runs/one --out=selection --data_dir=data

Prints the ranking, and writes selection.json and matrix.png into --out. What was computed for a pair of models is kept
there: the same command goes on where it was stopped, and with more models only what is new is computed. See
docs/select.md.
"""

import dataclasses
import os
import tempfile
from typing import Any

import numpy as np
import tensorflow as tf
from absl import flags

from ssgan_tf import visualize
from ssgan_tf.evaluate import report
from ssgan_tf.select import cache, model_centrality, pairs, pool, report, udr, workers
from ssgan_tf.select.groups import Settings
from ssgan_tf.utils import files, program
from ssgan_tf.utils.progress_bar import make_bar

_WORKDIRS = flags.DEFINE_string("workdirs", None, "Folders of runs: patterns such as 'runs/*', with commas between.")
_CHECKPOINTS_OF = flags.DEFINE_string("checkpoints_of", None, "Compare all checkpoints of this workdir instead.")
_OUT = flags.DEFINE_string("out", "selection", "Folder for the results, and for what the next start goes on from.")
_METHOD = flags.DEFINE_enum("method", "centrality", list(report.METHODS), "The score that ranks and chooses.")
_GROUPS = flags.DEFINE_integer("groups", Settings.groups, "Groups of images that share a code, of each generator.", 1)
_SIZE = flags.DEFINE_integer("group", Settings.size, "Images in a group.", 2)
_DEVIATION = flags.DEFINE_integer(
    "deviation_images",
    Settings.deviation_images,
    "More images of each generator, over which codes' standard deviations are taken; 0: over the groups.",
    0,
)
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the data set, whose images UDR needs; without, no UDR.")
_UDR_IMAGES = flags.DEFINE_integer("udr_images", 1_000, "Real images that UDR looks at.", 10)
_MIXED = flags.DEFINE_bool("mixed_codes", False, "Compare models that have different numbers of codes all the same.")
_PROCESSES = flags.DEFINE_integer("processes", None, "Default: one per core; one where there is a GPU.", 1)
_SEED = flags.DEFINE_integer("seed", 0, "Of noise, codes and the choice of real images.", 0)


def find_pool() -> pool.Pool:
    """The models that the flags name, checked.

    Raises:
        OSError, ValueError: there are none, or they cannot be compared.
    """
    patterns, workdir = _WORKDIRS.value, _CHECKPOINTS_OF.value
    if (patterns is None) == (workdir is None):
        raise ValueError("expected one of --workdirs='runs/*' and --checkpoints_of=runs/one.")
    try:
        if workdir is not None:
            found = pool.of_checkpoints(workdir)
        else:
            found = pool.of_workdirs(pool.find_workdirs(patterns or ""))
    except (ValueError, OSError) as error:
        flag = "--workdirs:" if workdir is None else "--checkpoints_of:"
        raise ValueError(str(error).replace("--workdir:", flag, 1)) from error
    pool.check(found, _MIXED.value)
    return found


def real_images(members: tuple[pool.Candidate, ...]) -> tuple[np.ndarray | None, str]:
    """The images uint8 [N,R,R,C] that UDR looks at, or None and why.

    Raises:
        OSError, ValueError: --data_dir does not hold the data set.
    """
    if _DATA_DIR.value is None:
        return None, "UDR is left out: it needs real images. --data_dir says where they are."
    sets = sorted({m.dataset for m in members})
    if len(sets) > 1:
        return None, f"UDR is left out: the models were trained on different data sets ({', '.join(sets)})."
    return pool.real_images(members[0], _DATA_DIR.value, _UDR_IMAGES.value, _SEED.value), ""


def default_processes(gpus: int) -> int:
    return 1 if gpus else len(os.sched_getaffinity(0))


def plan(members: tuple[pool.Candidate, ...], missing: list[workers.Column], settings: Settings, processes: int) -> str:
    """What will be computed, and what was before."""
    count, each = len(members), settings.images
    pairs = sum(len(column.encoders) for column in missing)
    made = f"{len(missing) * each:,} images made, {pairs * each:,} readings" if pairs else "nothing to read"
    return (
        f"{count} models, {count * count} pairs of encoder and generator, {count * count - pairs} of them kept from "
        f"before.\n{settings.groups:,} groups of {settings.size} images of each generator: {made}; "
        f"processes: {processes}."
    )


def compute(members: tuple[pool.Candidate, ...], store: cache.Kept, images: np.ndarray | None) -> None:
    """Computes and keeps whatever is not kept yet.

    Raises:
        OSError, ValueError: naming the model at fault.
    """
    gpus = tf.config.list_physical_devices("GPU")
    processes = _PROCESSES.value or default_processes(len(gpus))
    with tempfile.TemporaryDirectory() as folder:
        missing = workers.missing_columns(members, store)
        tasks: list[workers.Task] = list(missing)
        print(plan(members, missing, store.settings, processes), flush=True)
        if images is not None:
            path = os.path.join(folder, "images.npy")
            np.save(path, images)
            tasks += workers.missing_readings(members, path, len(images), cache.name_of(images), store)
        with make_bar(sum(task.readings for task in tasks), "img", "reading") as bar:
            workers.do(tasks, processes, bar)


def matrix_of(members: tuple[pool.Candidate, ...], store: cache.Kept) -> tuple[np.ndarray, list[tuple[str, ...]]]:
    """A [N, N], and notes on each model."""
    pairs = [[pairs.expect(store.pair(maker, encoder)) for maker in members] for encoder in members]
    matrix = np.array([[pair.score for pair in row] for row in pairs])
    return matrix, [pairs.notes(row, made) for row, made in zip(pairs, zip(*pairs, strict=True), strict=True)]


def udr_scores(
    members: tuple[pool.Candidate, ...], store: cache.Kept, images: np.ndarray
) -> tuple[dict[str, np.ndarray], list[int]]:
    """{"udr_lasso", "udr_spearman": scores [N]}, and how many codes of each model counted."""
    name = cache.name_of(images)
    codes = [pairs.expect(store.codes(m, name)) for m in members]
    live = [udr.live_codes(c, np.array(m.prior_variance)) for c, m in zip(codes, members, strict=True)]
    scores = {key: udr.udr(codes, live, relation) for key, relation in udr.RELATIONS.items()}
    return scores, [int(mask.sum()) for mask in live]


def entries_of(members: tuple[pool.Candidate, ...], notes: list[tuple[str, ...]]) -> list[report.Entry]:
    """The models, as they are reported."""
    facts = ("workdir", "step", "fingerprint", "kind", "images", "codes", "dataset")
    return [
        report.Entry(m.name, {f: getattr(m, f) for f in facts}, report.read_known(m.workdir, m.fingerprint), notes[i])
        for i, m in enumerate(members)
    ]


def settings_of(store: cache.Kept, images: np.ndarray | None) -> dict[str, Any]:
    """What the scores depend on beside the models."""
    return {
        **dataclasses.asdict(store.settings),
        "udr_images": 0 if images is None else len(images),
        "mixed_codes": _MIXED.value,
        "versions": report.versions(),
    }


def select() -> int:
    """The whole program, but for what is at fault."""
    tf.config.set_visible_devices([], "GPU")  # the processes that read have it
    settings = Settings(_GROUPS.value, _SIZE.value, _DEVIATION.value, _SEED.value)
    if _METHOD.value != "centrality" and _DATA_DIR.value is None:
        raise ValueError(f"--method={_METHOD.value}: expected --data_dir beside it, since UDR looks at real images.")
    found = find_pool()
    for sentence in found.left_out:
        print(f"Left out: {sentence}")
    members, out = found.members, _OUT.value
    with files.exclusive_folder(out, "selects"):
        images, why = real_images(members)
        if why and _METHOD.value != "centrality":
            raise ValueError(f"--method={_METHOD.value}: {why}")
        store = cache.Kept(out, settings)
        compute(members, store, images)
        matrix, notes = matrix_of(members, store)
        scores = {"centrality": model_centrality.centrality(matrix)}
        if images is not None:
            more, live = udr_scores(members, store, images)
            scores |= more
            blind = "UDR: none of its codes counts"
            notes = [n if count else (*n, blind) for n, count in zip(notes, live, strict=True)]
        entries = entries_of(members, notes)
        print(tell(scores, entries, why))
        for path in write(out, scores, matrix, entries, found, settings_of(store, images)):
            print(path)
    return 0


def tell(scores: report.Scores, entries: list[report.Entry], why: str) -> str:
    """What is printed: the ranking, the rank correlations, the medoid."""
    method = _METHOD.value
    places = report.order(scores[method])
    title, best = report.METHODS[method], [i for i in places if scores[method][i] == scores[method][places[0]]]
    ties = f" (so have {', '.join(entries[i].name for i in best[1:])})" if len(best) > 1 else ""
    what = "Medoid of the pool" if method == "centrality" else "First"
    correlations = report.correlation_table(report.correlations(scores, entries))
    parts = [report.table(scores, entries, method), why, correlations, report.unlike(entries)]
    sizes = sorted({entry.facts["codes"] for entry in entries})
    if len(sizes) > 1:
        parts.append(
            f"The models have {' and '.join(map(str, sizes))} codes: by chance a score is 1 / codes of the generator, "
            "and more, so those with few have the higher ones."
        )
    if scores[method].max() > 0:
        parts.append(f"{what}: {entries[places[0]].name}, {title} {scores[method][places[0]]:.4f}{ties}")
    else:
        parts.append(f"None is chosen: {title} is 0 for all of them, so none agrees with any other in anything.")
    return "\n" + "\n\n".join(filter(None, parts))


def write(
    out: str,
    scores: report.Scores,
    matrix: np.ndarray,
    entries: list[report.Entry],
    found: pool.Pool,
    settings: dict[str, Any],
) -> list[str]:
    """Writes selection.json and matrix.png; their paths."""
    matrices = {"A": matrix, "B": model_centrality.symmetric(matrix)}
    result = report.result(scores, matrices, entries, _METHOD.value)
    result |= {"correlations": report.correlations(scores, entries), "left_out": list(found.left_out)}
    paths = [os.path.join(out, name) for name in ("selection.json", "matrix.png")]
    files.write_json(result | {"settings": settings}, paths[0])
    names = [model["name"] for model in result["models"]]
    picture = report.draw(np.array(result["A"]), names, np.array([model["centrality"] for model in result["models"]]))
    visualize.save_png(picture, paths[1])
    return paths


def main() -> int:
    try:
        return select()
    except (ValueError, OSError, MemoryError) as error:
        return program.fail(error)


if __name__ == "__main__":
    program.start(main)
