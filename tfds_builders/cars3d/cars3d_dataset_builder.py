"""Cars3D (Reed et al. 2015) from the archive of .mat files -> a data set with three integer factors."""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from tfds_builders.shared import builders, pictures, sources
from tfds_builders.shared.grids import Grid, check_names

from .meshes import EDGE, read_views

GRID = Grid({"elevation": 4, "azimuth": 24, "object_type": 183})
FOLDERS = ("cars", "data/cars")  # As moved out of the archive, and as the archive has it.
ARCHIVE = "nips2015-analogy-data"
LIST = "list.txt"
_FILE = re.compile(rf"{re.escape(LIST)}|[^.].*\.mat")  # Systems leave files with a dot in front everywhere.
_CAR = re.compile(r"car_\d{3}_mesh\.mat")


@dataclasses.dataclass
class Cars3dConfig(builders.GridConfig):
    """At which size.

    Args:
        resolution: height and width in pixels, a power of two from 8 to 128 (that of the archive).
        first: see GridConfig. Every file must be there; those of other types are not read.
    """

    resolution: int = 64

    def check(self) -> None:
        """Raises ValueError, naming the field, for a value out of range."""
        edge = self.resolution
        if type(edge) is not int or not 8 <= edge <= EDGE or edge & (edge - 1):
            raise ValueError(f"resolution: expected a power of two from 8 to {EDGE}. Received: {edge!r}.")
        GRID.part(self.first)


class Builder(builders.GridBuilder):
    """A car's number is its place among the sorted file names. TFDS names the data set after this folder."""

    BUILDER_CONFIGS = [
        Cars3dConfig(name="64", description="17,568 pictures, averaged to 64x64 pixels.", resolution=64),
        Cars3dConfig(name="128", description="17,568 pictures of 128x128 pixels, as published.", resolution=128),
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = """\
        Download http://www.scottreed.info/files/nips2015-analogy-data.tar.gz into the folder of --manual_dir. It may
        stay as it is, or be unpacked there, which gives data/cars/list.txt and data/cars/car_001_mesh.mat ... (183
        files); a folder cars/ with these files does as well.
        """
    builder_config: Cars3dConfig

    def _info(self) -> tfds.core.DatasetInfo:
        self.builder_config.check()
        return self._grid_info(GRID, self.builder_config.resolution)

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        source, names = self._find(Path(dl_manager.manual_dir))
        files = check_files(source, names)
        types = [Path(name).name.removesuffix(".mat") for name in files]
        self._note(read_from=source.path.name, object_types=types)
        return {"train": self._generate_examples(source, files)}

    def _find(self, manual_dir: Path) -> tuple[sources.Source, list[str]]:
        """The folder or archive, and the names of the files that lie in its folder of cars."""
        for folder in FOLDERS:
            source = sources.find(manual_dir, folder, (ARCHIVE,) if folder == FOLDERS[-1] else ())
            if source is not None:
                names = [name for name in source.names() if name.rpartition("/")[0] == folder]
                return source, [name for name in names if _FILE.fullmatch(Path(name).name)]
        looked_for = [*(f"{folder}/" for folder in FOLDERS), f"{ARCHIVE}.tar.gz"]
        raise builders.not_found(looked_for, manual_dir, self.MANUAL_DOWNLOAD_INSTRUCTIONS)

    def _generate_examples(self, source: sources.Source, files: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
        edge = self.builder_config.resolution
        part = GRID.part(self.builder_config.first).factors
        types = {name: number for number, name in enumerate(files[: part["object_type"]])}

        def prepare(file: tuple[str, bytes]) -> list[tuple[dict[str, int], bytes]]:
            name, content = file
            views = read_views(content, f"{source.path}: {name}")[: part["elevation"], : part["azimuth"]]
            return [
                (
                    {"elevation": elevation, "azimuth": azimuth, "object_type": types[name]},
                    pictures.encode_png(pictures.reduce_image(view, edge)),
                )
                for elevation, ring in enumerate(views)
                for azimuth, view in enumerate(ring)
            ]

        for car in pictures.in_parallel(prepare, source.read(types)):
            for values, png in car:
                yield GRID.index_of(values), {"image": io.BytesIO(png), "factors": values}


def check_files(source: sources.Source, names: list[str]) -> list[str]:
    """The .mat files in sorted order, one a car: 183 of them, and those that list.txt names where it is there.

    Raises:
        ValueError: if there are fewer or more, or others.
    """
    count = GRID.factors["object_type"]
    lists = [name for name in names if name.endswith(f"/{LIST}")]
    files = sorted(name for name in names if name not in lists)
    if lists:
        ((path, content),) = source.read(lists)
        folder = path.rpartition("/")[0]
        listed = sorted({f"{folder}/{line.strip()}.mat" for line in content.decode("utf-8", "replace").split()})
        if len(listed) != count:
            raise ValueError(f"{source.path}: {path}: expected {count} different names. Received: {len(listed)}.")
        check_names(files, listed, listed, str(source.path))
        return files
    strange = [name for name in files if not _CAR.fullmatch(Path(name).name)]
    if len(files) != count or strange:
        reason = f"{strange[0]!r} among them" if strange else f"{len(files)}"
        raise ValueError(
            f"{source.path}: expected {count} files car_..._mesh.mat, since a car's number is its place among them. "
            f"Received: {reason}. Unpack the archive again, with its {LIST}, which says what is missing."
        )
    return files
