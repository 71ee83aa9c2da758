"""MPI3D (Gondal et al. 2019) from its .npz files -> data sets with seven integer factors."""

from __future__ import annotations

import dataclasses
import difflib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from tfds_builders.shared import builders, pictures
from tfds_builders.shared.grids import Grid

from .stream import EDGE, read_images

_REST = {"object_size": 2, "camera_height": 3, "background_color": 3, "horizontal_axis": 40, "vertical_axis": 40}
SMALL = Grid({"object_color": 4, "object_shape": 4, **_REST})  # 460,800
LARGE = Grid({"object_color": 6, "object_shape": 6, **_REST})  # 1,036,800


@dataclasses.dataclass(frozen=True)
class Release:
    """One published file.

    Args:
        grid: its pictures, in order.
        files: its name; several where it was published under several.
        place: where it was published.
    """

    grid: Grid
    files: tuple[str, ...]
    place: str


_DRIVE = "https://drive.google.com/file/d/1Tp8eTdHxgUMtsZv5uAoYAbJR1BOa_OQm"
_FIRST = "https://storage.googleapis.com/disentanglement_dataset/data_npz"
_SECOND = "https://huggingface.co/datasets/waleedgondal/mpi3d/resolve/main"
# A name without a number is the set that the literature on disentanglement means by it.
RELEASES = {
    "toy": Release(SMALL, ("sim_toy_64x_ordered_without_heldout_factors.npz", "mpi3d_toy.npz"), _FIRST),
    "realistic": Release(
        SMALL, ("sim_realistic_64x_ordered_without_heldout_factors.npz", "mpi3d_realistic.npz"), _FIRST
    ),
    "real": Release(LARGE, ("mpi3d_real.npz",), _SECOND),
    "real_complex": Release(SMALL, ("real3d_complicated_shapes_ordered.npz", "mpi3d_real_complex.npz"), _DRIVE),
    "toy_1036800": Release(LARGE, ("mpi3d_toy.npz",), _SECOND),
    "realistic_1036800": Release(LARGE, ("mpi3d_realistic.npz",), _SECOND),
}


@dataclasses.dataclass
class Mpi3dConfig(builders.GridConfig):
    """Which release.

    Args:
        release: a key of RELEASES.
        first: for trials: the file holds only the first values of some factors (name -> how many). Factors keep their
            number of values.
    """

    release: str = "toy"

    def check(self) -> None:
        """Raises ValueError, naming the field, for a value out of range."""
        if self.release not in RELEASES:
            near = difflib.get_close_matches(self.release, RELEASES, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"release: expected one of {list(RELEASES)}. Received: {self.release!r}.{hint}")
        RELEASES[self.release].grid.part(self.first)


def _instructions() -> str:
    lines = ["Download the file of the config that you want into the folder of --manual_dir, and leave it packed:"]
    for name, release in RELEASES.items():
        size = release.grid.size * EDGE * EDGE * 3
        lines.append(
            f"{name}: {' or '.join(release.files)} ({release.grid.size:,} pictures, {size / 2**30:.1f} GiB "
            f"uncompressed), from {release.place}"
        )
    return "\n".join(lines)


class Builder(builders.GridBuilder):
    """Reads one .npz file from front to back. TFDS names the data set after this folder."""

    BUILDER_CONFIGS = [
        Mpi3dConfig(name=name, description=f"{release.grid.size:,} pictures of 64x64 pixels.", release=name)
        for name, release in RELEASES.items()
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = _instructions()
    builder_config: Mpi3dConfig

    @property
    def _release(self) -> Release:
        return RELEASES[self.builder_config.release]

    def _info(self) -> tfds.core.DatasetInfo:
        self.builder_config.check()
        return self._grid_info(self._release.grid, EDGE)

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        folder, files = Path(dl_manager.manual_dir), self._release.files
        path = next((folder / name for name in files if (folder / name).is_file()), None)
        if path is None:
            raise builders.not_found(list(files), folder, self.MANUAL_DOWNLOAD_INSTRUCTIONS)
        part = self._release.grid.part(self.builder_config.first)
        other = ", ".join(name for name, release in RELEASES.items() if release.grid.size != self._release.grid.size)
        images = read_images(path, part.size, f"The other release of this name is another config; there are {other}.")
        self._note(release=self.builder_config.release, read_from=path.name)
        return {"train": self._generate_examples(images, part)}

    def _generate_examples(self, images: Iterator, part: Grid) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, png in enumerate(pictures.in_parallel(pictures.encode_png, images)):
            values = part.values_of(number)
            yield self._release.grid.index_of(values), {"image": io.BytesIO(png), "factors": values}
