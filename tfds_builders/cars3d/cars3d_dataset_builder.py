"""Cars3D (Reed et al. 2015): prepares the archive of .mat files as a data set with three integer factors."""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from tfds_builders.shared import builders, images, sources
from tfds_builders.shared.grids import Grid, check_names
from tfds_builders.shared.png import encode_png

from .meshes import EDGE, read_views

GRID = Grid({"elevation": 4, "azimuth": 24, "object_type": 183})
FOLDERS = ("cars", "data/cars")  # moved out of the archive's folder, or as unpacked
ARCHIVE = "nips2015-analogy-data"
LIST = "list.txt"
_FILE = re.compile(rf"{re.escape(LIST)}|[^.].*\.mat")  # no hidden files, which operating systems leave in any folder
_CAR = re.compile(r"car_\d{3}_mesh\.mat")


@dataclasses.dataclass
class Cars3dConfig(builders.GridConfig):
    """Choice of the image size.

    Args:
        resolution: Height and width in pixels, a power of two from 8 to 128, the published size.
        first: See GridConfig. All files must exist, but those of other cars are not read.
    """

    resolution: int = 64

    def check(self) -> None:
        """Raises ValueError naming the field if a value is out of range."""
        edge = self.resolution
        if type(edge) is not int or not 8 <= edge <= EDGE or edge & (edge - 1):
            raise ValueError(f"resolution: expected a power of two from 8 to {EDGE}. Received: {edge!r}.")
        GRID.part(self.first)


class Builder(builders.GridBuilder):
    """Numbers the cars by their sorted file names. TFDS names the data set after the folder of this file."""

    BUILDER_CONFIGS = [
        Cars3dConfig(name="64", description="17,568 images, averaged to 64x64 pixels.", resolution=64),
        Cars3dConfig(name="128", description="17,568 images of 128x128 pixels, as published.", resolution=128),
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = """\
        Download http://www.scottreed.info/files/nips2015-analogy-data.tar.gz into the folder given by --manual_dir.
        Leave it packed, or unpack it there to data/cars/list.txt and data/cars/car_001_mesh.mat ... (183 files); a
        folder cars/ with these files works too.
        """
    builder_config: Cars3dConfig

    def _info(self) -> tfds.core.DatasetInfo:
        self.builder_config.check()
        return self._grid_info(GRID, self.builder_config.resolution)

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        source, names = self._find(Path(dl_manager.manual_dir))
        files = check_files(source, names)
        types = [Path(name).name.removesuffix(".mat") for name in files]
        self._add_metadata(read_from=source.path.name, object_types=types)
        return {"train": self._generate_examples(source, files)}

    def _find(self, manual_dir: Path) -> tuple[sources.Source, list[str]]:
        """Returns the folder or archive, and the names of the files in its folder of cars."""
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
                    encode_png(images.reduce_image(view, edge)),
                )
                for elevation, ring in enumerate(views)
                for azimuth, view in enumerate(ring)
            ]

        for car in images.in_parallel(prepare, source.read(types)):
            for values, png in car:
                yield GRID.index_of(values), {"image": io.BytesIO(png), "factors": values}


def check_files(source: sources.Source, names: list[str]) -> list[str]:
    """Returns the 183 .mat files in sorted order, one per car. If list.txt exists, they must be the ones it names.

    Raises:
        ValueError: if files are missing or unexpected.
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
            f"{source.path}: expected {count} files car_..._mesh.mat, since cars are numbered by their sorted names. "
            f"Received: {reason}. Unpack the archive again, with its {LIST}, which tells what is missing."
        )
    return files
