"""Falcor3D (NVIDIA 2019): prepares manually downloaded files as a data set with seven integer factors."""

from tfds_builders.shared.grids import Grid
from tfds_builders.shared.png_grids import PngGridBuilder, Release, make_configs, make_instructions

GRID = Grid(
    {
        "lighting_intensity": 5,
        "lighting_x_dir": 6,
        "lighting_y_dir": 6,
        "lighting_z_dir": 6,
        "camera_x_pos": 6,
        "camera_y_pos": 6,
        "camera_z_pos": 6,
    }
)
RELEASES = (
    Release(
        name="full",
        edge=1024,
        folder="Falcor3D",
        archives=("Falcor3D",),
        labels="train-rec.labels",
        needs_labels=False,
        size="98 GB",
        drive="15njKf7WsBYoFVoLDGyXe4na3MYnTYXOF",
    ),
    Release(
        name="release128",
        edge=128,
        folder="Falcor3D_down128",
        archives=("Falcor3D_down128", "Falcor3D_128x128"),
        labels="train-rec.labels",
        needs_labels=True,
        size="3.7 GB",
        drive="1XAQfFK1x6cpN1eiovbP0hVfLTm5SsSoJ",
    ),
)


class Builder(PngGridBuilder):
    """Reads a release from a folder or an archive. TFDS names the data set after the folder of this file."""

    GRID = GRID
    RELEASES = RELEASES
    BUILDER_CONFIGS = make_configs(GRID, RELEASES, smaller=(64, 256, 512))
    MANUAL_DOWNLOAD_INSTRUCTIONS = make_instructions(RELEASES)
