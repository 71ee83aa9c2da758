"""Data sets of numbered PNG files, one for every combination of factors: Isaac3D and Falcor3D.

A release is a folder `<folder>/images/000000.png ...` or its archive, sometimes with a label table next to the image
folder. File names, their number and the labels are checked before the first image is read, each image when it is read.
"""

from __future__ import annotations

import dataclasses
import difflib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from tfds_builders.shared import builders, grids, images, sources

_ADDRESS = "https://drive.google.com/uc?export=download&id="


@dataclasses.dataclass(frozen=True)
class Release:
    """One published version of the images.

    Args:
        name: Name in configs and messages.
        edge: Height and width of its images in pixels.
        folder: Folder that its archive unpacks to, and in which it lies in the archive.
        archives: Possible names of the archive, without .zip, .tar, .tar.gz or .tgz, and other names of the folder.
        labels: File in `folder` with the label table, in .npy format whatever its extension.
        needs_labels: Whether the table must exist; if False, it is checked only if it does.
        size: Published size of the archive.
        drive: Google Drive id of the archive.
    """

    name: str
    edge: int
    folder: str
    archives: tuple[str, ...]
    labels: str
    needs_labels: bool
    size: str
    drive: str

    @property
    def folders(self) -> tuple[str, ...]:
        """Possible names of the folder, the usual one first."""
        return tuple(dict.fromkeys((self.folder, *self.archives)))


@dataclasses.dataclass
class PngGridConfig(builders.GridConfig):
    """Choice of the release and of the size of the prepared images.

    Args:
        resolution: Height and width of the prepared images in pixels; 0 for those of the release.
        release: Name of the release; empty for the first one that exists and is large enough. If both fields are
            empty, only the first release qualifies.
        first: See GridConfig. Files with other values may exist or not.
    """

    resolution: int = 0
    release: str = ""


def make_configs(grid: grids.Grid, releases: Sequence[Release], smaller: Sequence[int]) -> list[PngGridConfig]:
    """Returns one config per release at its own size, and one per resolution in `smaller`."""
    own = [
        PngGridConfig(
            name=release.name,
            description=f"{grid.size:,} images of {release.edge}x{release.edge} pixels, as published.",
            release=release.name,
        )
        for release in releases
    ]
    reduced = [
        PngGridConfig(
            name=str(edge),
            description=f"{grid.size:,} images of {edge}x{edge} pixels, averaged from larger ones.",
            resolution=edge,
        )
        for edge in smaller
    ]
    return own + reduced


def make_instructions(releases: Sequence[Release]) -> str:
    """Returns the instructions on what to download and where to put it."""
    lines = ["Download one of these archives from Google Drive into the folder given by --manual_dir, under this name:"]
    for r in releases:
        lines.append(
            f"{r.archives[0]}.zip ({r.size}, {r.edge}x{r.edge}): "
            f"{_ADDRESS}{r.drive} - leave it packed (.tar, .tar.gz and .tgz work "
            f"too) or unpack it there to {r.folder}/images/000000.png ..."
        )
    return "\n".join([*lines, "The builder's README.md says which release each config reads."])


class PngGridBuilder(builders.GridBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Base builder of numbered PNG files.

    A subclass sets GRID, RELEASES (largest first), BUILDER_CONFIGS and MANUAL_DOWNLOAD_INSTRUCTIONS.
    """

    GRID: ClassVar[grids.Grid]
    RELEASES: ClassVar[tuple[Release, ...]]
    builder_config: PngGridConfig

    def _candidates(self) -> list[Release]:
        """Returns the releases from which the config can be prepared, in order of preference.

        Raises:
            ValueError: naming the config field that is out of range.
        """
        c = self.builder_config
        names = [release.name for release in self.RELEASES]
        if c.release and c.release not in names:
            near = difflib.get_close_matches(c.release, names, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"release: expected one of {names}, or none. Received: {c.release!r}.{hint}")
        chosen = [release for release in self.RELEASES if c.release in ("", release.name)]
        edge = c.resolution or chosen[0].edge
        if type(edge) is not int or edge < 8 or edge & (edge - 1) or edge > chosen[0].edge:
            raise ValueError(
                f"resolution: expected a power of two from 8 to {chosen[0].edge}, since images are never enlarged. "
                f"Received: {c.resolution!r}."
            )
        self.GRID.part(c.first)
        return [release for release in chosen if release.edge >= edge]

    def _info(self) -> tfds.core.DatasetInfo:
        candidates = self._candidates()  # also validates the config
        return self._grid_info(self.GRID, self.builder_config.resolution or candidates[0].edge)

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        release, source = self._find(Path(dl_manager.manual_dir))
        names = source.names()
        folder = next((f for f in release.folders if any(name.startswith(f"{f}/images/") for name in names)), "")
        release = dataclasses.replace(release, folder=folder or release.folder)
        self._check(release, source, names)
        self._add_metadata(release=release.name, read_from=source.path.name, read_resolution=release.edge)
        return {"train": self._generate_examples(release, source)}

    def _find(self, manual_dir: Path) -> tuple[Release, sources.Source]:
        candidates = self._candidates()
        for release in candidates:
            places = [(folder, ()) for folder in release.folders] + [(release.folder, release.archives)]
            for folder, archives in places:
                if source := sources.find(manual_dir, folder, archives):
                    return release, source
        looked_for = [f"{folder}/images/" for r in candidates for folder in r.folders]
        looked_for += [f"{r.archives[0]}.zip" for r in candidates]
        files = " or ".join(f"{r.archives[0]}.zip ({r.size}) from {_ADDRESS}{r.drive}" for r in candidates)
        raise builders.not_found(looked_for, manual_dir, f"Download {files}; the builder's README.md says more.")

    def _check(self, release: Release, source: sources.Source, names: list[str]) -> None:
        """Checks that the files are complete, that there are no others, and that the labels match the file numbers."""
        folder, table = f"{release.folder}/images/", f"{release.folder}/{release.labels}"
        found = [name for name in names if name.startswith(folder) and name.endswith(".png")]
        known = [_file_name(release, index) for index in range(self.GRID.size)]
        expected = [known[index] for index in self.GRID.indices(self.builder_config.first)]
        grids.check_names(found, expected, known, str(source.path))
        if table in names:
            ((_, content),) = source.read([table])
            grids.check_labels(_load(content, f"{source.path}: {table}"), self.GRID, f"{source.path}: {table}")
        elif release.needs_labels:
            raise ValueError(
                f"{source.path}: expected {table!r} next to the images. Received: no such file. It is part of the "
                f"archive {release.archives[0]}.zip; the order of the files is checked against it."
            )

    def _generate_examples(self, release: Release, source: sources.Source) -> Iterator[tuple[int, dict[str, Any]]]:
        edge = self.info.features["image"].shape[0]
        wanted = {_file_name(release, int(i)): int(i) for i in self.GRID.indices(self.builder_config.first)}

        def prepare(file: tuple[str, bytes]) -> tuple[int, bytes]:
            name, content = file
            where = f"{source.path}: {name}" if source.path.is_file() else str(source.path.parent / name)
            return wanted[name], images.prepare_png(content, release.edge, edge, where)

        for index, png in images.in_parallel(prepare, source.read(wanted)):
            yield index, {"image": io.BytesIO(png), "factors": self.GRID.values_of(index)}


def _file_name(release: Release, index: int) -> str:
    return f"{release.folder}/images/{index:06d}.png"


def _load(content: bytes, where: str) -> np.ndarray:
    try:
        return np.load(io.BytesIO(content), allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(
            f"{where}: NumPy cannot read this label table ({error}). Expected a .npy file of numbers; unpack or "
            "download it again."
        ) from error
