"""MPI3D (Gondal et al. 2019): prepares its .npz files as data sets with seven integer factors."""

from __future__ import annotations

import dataclasses
import difflib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from tfds_builders.shared import builders
from tfds_builders.shared.grids import Grid
from tfds_builders.shared.images import in_parallel
from tfds_builders.shared.png import encode_png

from .stream import EDGE, read_images

_REST = {"object_size": 2, "camera_height": 3, "background_color": 3, "horizontal_axis": 40, "vertical_axis": 40}
SMALL = Grid({"object_color": 4, "object_shape": 4, **_REST})  # 460,800 images
LARGE = Grid({"object_color": 6, "object_shape": 6, **_REST})  # 1,036,800 images


@dataclasses.dataclass(frozen=True)
class Release:
    """One published file.

    Args:
        grid: Factors of its images, in file order.
        files: Names under which it was published.
        address: Address at which it was published.
    """

    grid: Grid
    files: tuple[str, ...]
    address: str


_DRIVE = "https://drive.google.com/file/d/1Tp8eTdHxgUMtsZv5uAoYAbJR1BOa_OQm"
_FIRST = "https://storage.googleapis.com/disentanglement_dataset/data_npz"
_SECOND = "https://huggingface.co/datasets/waleedgondal/mpi3d/resolve/main"
# A name without a number refers to the data set of that name in the disentanglement literature.
RELEASES = {
    "toy": Release(SMALL, ("sim_toy_64x_ordered_without_heldout_factors.npz", "mpi3d_toy.npz", "toy.npz"), _FIRST),
    "realistic": Release(
        SMALL,
        ("sim_realistic_64x_ordered_without_heldout_factors.npz", "mpi3d_realistic.npz", "realistic.npz"),
        _FIRST,
    ),
    "real": Release(LARGE, ("mpi3d_real.npz", "real.npz"), _SECOND),
    "real_complex": Release(
        SMALL, ("real3d_complicated_shapes_ordered.npz", "mpi3d_real_complex.npz", "real_complex.npz"), _DRIVE
    ),
    "toy_1036800": Release(LARGE, ("mpi3d_toy.npz", "toy.npz"), _SECOND),
    "realistic_1036800": Release(LARGE, ("mpi3d_realistic.npz", "realistic.npz"), _SECOND),
}


@dataclasses.dataclass
class Mpi3dConfig(builders.GridConfig):
    """Choice of the release.

    Args:
        release: Key of RELEASES.
        first: Trials only: factor name -> number of its first values, if the file holds only those. The schema still
            declares all values.
    """

    release: str = "toy"

    def check(self) -> None:
        """Raises ValueError naming the field if a value is out of range."""
        if self.release not in RELEASES:
            near = difflib.get_close_matches(self.release, RELEASES, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"release: expected one of {list(RELEASES)}. Received: {self.release!r}.{hint}")
        RELEASES[self.release].grid.part(self.first)


def _instructions() -> str:
    lines = ["Download the file for your config into the folder given by --manual_dir, and leave it packed:"]
    for name, release in RELEASES.items():
        size = release.grid.size * EDGE * EDGE * 3
        lines.append(
            f"{name}: {' or '.join(release.files)} ({release.grid.size:,} images, {size / 2**30:.1f} GiB "
            f"uncompressed), from {release.address}"
        )
    return "\n".join(lines)


class Builder(builders.GridBuilder):
    """Reads one .npz file from front to back. TFDS names the data set after the folder of this file."""

    BUILDER_CONFIGS = [
        Mpi3dConfig(name=name, description=f"{release.grid.size:,} images of 64x64 pixels.", release=name)
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
        # disentanglement_lib keeps each file in a folder of its own, mpi3d_real/mpi3d_real.npz.
        places = [folder / parent / name for name in files for parent in ("", name.removesuffix(".npz"))]
        path = next((place for place in places if place.is_file()), None)
        if path is None:
            advice = f"Download the file from {self._release.address}; the builder's README.md says more."
            raise builders.not_found(list(files), folder, advice)
        part = self._release.grid.part(self.builder_config.first)
        other = ", ".join(name for name, release in RELEASES.items() if release.grid.size != self._release.grid.size)
        images = read_images(path, part.size, f"The other release of this file has its own config: one of {other}.")
        self._add_metadata(release=self.builder_config.release, read_from=path.name)
        return {"train": self._generate_examples(images, part)}

    def _generate_examples(self, images: Iterator, part: Grid) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, png in enumerate(in_parallel(encode_png, images)):
            values = part.values_of(number)
            yield self._release.grid.index_of(values), {"image": io.BytesIO(png), "factors": values}
