"""Isaac3D (NVIDIA 2019): prepares manually downloaded files as a data set with nine integer factors."""

from tfds_builders.shared.grids import Grid
from tfds_builders.shared.png_grids import PngGridBuilder, Release, make_configs, make_instructions

# The published README assigns these index multipliers to the factors in another order. This is the order of the
# published program and of its example strips.
GRID = Grid(
    {
        "object_shape": 3,
        "robot_x_move": 8,
        "robot_y_move": 5,
        "camera_height": 4,
        "object_scale": 4,
        "lighting_intensity": 4,
        "lighting_y_dir": 6,
        "object_color": 4,
        "wall_color": 4,
    }
)
RELEASES = (
    Release(
        name="full",
        edge=512,
        folder="Isaac3D",
        archives=("Isaac3D",),
        labels="labels.npy",
        needs_labels=False,
        size="190 GB",
        drive="1vFkgK4CpHpCOBOU7l07yocrqAqr2uDox",
    ),
    Release(
        name="release128",
        edge=128,
        folder="Isaac3D_down128",
        archives=("Isaac3D_down128", "Isaac3D_128x128"),
        labels="labels.npy",
        needs_labels=True,
        size="13 GB",
        drive="1OmQ1G2wnm6eTsSFGTKFZZAh5D3nQTW1B",
    ),
)


class Builder(PngGridBuilder):
    """Reads a release from a folder or an archive. TFDS names the data set after the folder of this file."""

    GRID = GRID
    RELEASES = RELEASES
    BUILDER_CONFIGS = make_configs(GRID, RELEASES, smaller=(64, 256))
    MANUAL_DOWNLOAD_INSTRUCTIONS = make_instructions(RELEASES)
