"""Selection as a function: finds the models, computes what is not cached, ranks them and writes the result."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from ssgan_tf import visualize
from ssgan_tf.evaluate.report import versions
from ssgan_tf.select import model_centrality, pool, report, scoring, workers
from ssgan_tf.select.cache import PairCache
from ssgan_tf.select.pairs import Settings
from ssgan_tf.utils import files
from ssgan_tf.utils.validation import choose


@dataclasses.dataclass(frozen=True, repr=False)
class Ranking:
    """Models ranked without labels, best first; prints as a table.

    Example: `load_run(ranking.workdir, ranking.step)` loads the selected model.

    Args:
        content: Content of selection.json.
        text: Table of the models, rank correlations, and the selected model.
        paths: Files that were written: selection.json and matrix.png.
    """

    content: Mapping[str, Any]
    text: str
    paths: tuple[str, str]

    @property
    def selected(self) -> str | None:
        """Name of the selected model: its workdir, or "step 1200" of one workdir. None if every score is 0."""
        return self.content["selected"]

    @property
    def workdir(self) -> str | None:
        """Workdir of the selected model."""
        return None if self.selected is None else self.content["models"][0]["workdir"]

    @property
    def step(self) -> int | None:
        """Step of the selected model's checkpoint."""
        return None if self.selected is None else self.content["models"][0]["step"]

    @property
    def scores(self) -> dict[str, dict[str, float]]:
        """Scores of the models, {method: {name of the model: score}}, in the order of the ranking."""
        models = self.content["models"]
        return {method: {m["name"]: m[method] for m in models} for method in report.METHODS if method in models[0]}

    @property
    def matrix(self) -> Image.Image:
        """Plot of the scores of every encoder on every generator's images."""
        return Image.open(self.paths[1])

    def __repr__(self) -> str:
        return self.text


def run(
    workdirs: str | Sequence[str] | None = None,
    checkpoints_of: str | None = None,
    out: str = "selection",
    *,
    method: str = "centrality",
    groups: int = Settings.groups,
    group: int = Settings.size,
    deviation_images: int = Settings.deviation_images,
    data_dir: str | None = None,
    udr_images: int = 1_000,
    mixed_codes: bool = False,
    processes: int | None = None,
    seed: int = 0,
    quiet: bool = False,
) -> Ranking:
    """Ranks trained models without labels, and writes selection.json and matrix.png into `out`.

    Scores of pairs of models are cached in `out`: a selection that was stopped continues there, and one with more
    models computes only the new pairs. The work is done in processes that Python spawns, so a script must call this
    function under `if __name__ == "__main__":`.

    Args:
        workdirs: Folders of runs, as patterns such as "runs/*", in a list or separated by commas.
        checkpoints_of: Workdir whose checkpoints are compared with each other, instead of `workdirs`.
        out: Folder of the results and the cache.
        method: Score to rank by, one of `report.METHODS`.
        groups: Number of groups of images that share a code, per generator.
        group: Number of images in a group.
        deviation_images: Number of additional images per generator for the codes' standard deviations; 0 to take
            them over the groups.
        data_dir: Folder of the prepared data sets, for the real images that UDR needs; None for no UDR.
        udr_images: Number of real images for UDR.
        mixed_codes: Whether models may have different numbers of codes.
        processes: Number of processes; None for one per core, or a single one on a machine with a GPU.
        seed: Seed of noise, codes and the choice of real images.
        quiet: Whether to print nothing and show no progress bar.

    Returns:
        The ranking; it prints as a table.

    Raises:
        ValueError, OSError, MemoryError: The models cannot be compared, or an argument cannot be used.
    """
    # Check everything before the first image is generated.
    settings = check_arguments(method, groups, group, deviation_images, data_dir, udr_images, processes, seed)
    workers.share_gpus()
    found = find_pool(workdirs, checkpoints_of, mixed_codes, quiet)
    members = found.members
    if not quiet:
        print("".join(f"Left out: {sentence}\n" for sentence in found.left_out), end="")
    with files.exclusive_folder(out, "selects"):
        images, no_udr = load_real_images(members, data_dir, udr_images, seed)
        if no_udr and method != "centrality":
            raise ValueError(f"method: cannot rank by {method!r}. {no_udr}")

        # Compute.
        cache = PairCache(out, settings)
        scoring.compute(members, cache, images, processes, quiet)
        matrix, problems = scoring.load_matrix(members, cache)
        scores = {"centrality": model_centrality.centrality(matrix)}
        if images is not None:
            by_udr, active = scoring.udr_scores(members, cache, images)
            scores |= by_udr
            inactive = "UDR: all its codes are inactive"
            problems = [p if count else (*p, inactive) for p, count in zip(problems, active, strict=True)]

        # Write.
        entries = make_entries(members, problems)
        used = {
            **dataclasses.asdict(settings),
            "udr_images": 0 if images is None else len(images),
            "mixed_codes": mixed_codes,
            "versions": versions(),
        }
        content = report.make_content(scores, matrix, entries, method, found.left_out, used)
        return Ranking(content, report.summary(scores, entries, method, no_udr), write(out, content))


def check_arguments(
    method: str,
    groups: int,
    group: int,
    deviation_images: int,
    data_dir: str | None,
    udr_images: int,
    processes: int | None,
    seed: int,
) -> Settings:
    """Checks those arguments of `run` that need no file; returns the settings of the pairs.

    Raises:
        ValueError: One is out of range; the message names it.
    """
    choose("method", method, report.METHODS)
    for name, value, least in (("group", group, 2), ("udr_images", udr_images, 10), ("processes", processes, 1)):
        if value is not None and value < least:
            raise ValueError(f"{name}: expected {least} or more. Received: {value}.")
    if method != "centrality" and data_dir is None:
        raise ValueError(f"data_dir: expected a folder, since {method} needs real images. Received: none.")
    return Settings(groups, group, deviation_images, seed)


def find_pool(
    workdirs: str | Sequence[str] | None, checkpoints_of: str | None, mixed_codes: bool, quiet: bool
) -> pool.Pool:
    """Finds the models and checks that they can be compared; the arguments are those of `run`.

    Raises:
        OSError, ValueError: There are none, or they cannot be compared.
    """
    if (workdirs is None) == (checkpoints_of is None):
        received = "none" if workdirs is None else "both"
        raise ValueError(f"workdirs: expected either workdirs or checkpoints_of. Received: {received}.")
    name = "workdirs" if checkpoints_of is None else "checkpoints_of"
    try:
        if checkpoints_of is not None:
            found = pool.of_checkpoints(checkpoints_of, quiet)
        else:
            found = pool.of_workdirs(pool.find_workdirs(workdirs or ""), quiet)
    except (ValueError, OSError) as error:
        # `load_run` names its own argument; here that is one item of workdirs, or checkpoints_of.
        raise ValueError(str(error).replace("workdir:", f"{name}:", 1)) from error
    pool.check_comparable(found, mixed_codes)
    return found


def load_real_images(
    members: Sequence[pool.Candidate], data_dir: str | None, count: int, seed: int
) -> tuple[np.ndarray | None, str]:
    """Loads the images uint8 [N,R,R,C] that UDR needs; None, and the reason, if UDR is left out.

    Raises:
        OSError, ValueError: The folder does not contain the data set.
    """
    if data_dir is None:
        return None, "UDR is left out: it needs real images. Set data_dir to their folder."
    datasets = sorted({m.dataset for m in members})
    if len(datasets) > 1:
        return None, f"UDR is left out: the models were trained on different data sets ({', '.join(datasets)})."
    return pool.load_real_images(members[0], data_dir, count, seed), ""


def make_entries(members: Sequence[pool.Candidate], problems: list[tuple[str, ...]]) -> list[report.Entry]:
    """Returns the report's entries for the models, with their scores that were measured with labels."""
    facts = ("workdir", "step", "fingerprint", "kind", "images", "codes", "dataset")
    return [
        report.Entry(m.name, {f: getattr(m, f) for f in facts}, report.load_known(m.workdir, m.fingerprint), found)
        for m, found in zip(members, problems, strict=True)
    ]


def write(out: str, content: Mapping[str, Any]) -> tuple[str, str]:
    """Writes selection.json and matrix.png into `out`; returns their paths."""
    paths = os.path.join(out, "selection.json"), os.path.join(out, "matrix.png")
    files.write_json(content, paths[0])
    models = content["models"]
    centrality = np.array([model["centrality"] for model in models])
    plot = report.plot_matrix(np.array(content["A"]), [model["name"] for model in models], centrality)
    visualize.save_png(plot, paths[1])
    return paths
