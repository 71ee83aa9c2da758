"""Builds data sets and shows their images.

    ssgan data list                                                  the shipped builders
    ssgan data build scene3d --config=demo --data_dir=data           prepares a data set with `tfds build`
    ssgan data show --dataset=scene3d/demo --data_dir=data --out=data.png
"""

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence

from ssgan_tf.data import build
from ssgan_tf.utils.program import ArgumentParser

_SHOW = """Shows images of a prepared data set with their labels, and how much neighbouring values differ in pixels.

    ssgan data show --dataset=scene3d/demo --data_dir=data --out=data.png

The image has one row per factor and one column per value, which is written below. Other factors are fixed as far as
the data set has such images. The table gives the mean absolute pixel change (of 255 levels) between images that have
neighbouring values of one factor and equal values of all others."""

_BUILD = """Prepares a data set: runs `tfds build` with a shipped builder, found by its name, or with your own.

    ssgan data build scene3d --config=demo --data_dir=data
    ssgan data build scene3d/demo                                the same
    ssgan data build path/to/my_builder --manual_dir=downloads   your own, by its folder or file
    ssgan data build dsprites                                    one of TFDS's own

The name comes first; all flags of `tfds build` may follow (--config, --manual_dir, --file_format, --overwrite, ...).
`ssgan data build scene3d --help` lists them. --data_dir is "data" unless it is given."""


def list_builders(arguments: Sequence[str]) -> int:
    """Prints the names of all data sets that can be built by name."""
    parser = _make_parser("list", "Lists the data sets that `ssgan data build` knows by name.")
    parser.parse_args(arguments)
    width = max(map(len, build.shipped_builders()))
    for name in build.shipped_builders():
        print(f"{name:<{width}}  {build.describe(name)}")
    print(f"\nOf TFDS's own catalogue, configs use {', '.join(build.CATALOGUE)}.")
    return 0


def build_data(arguments: Sequence[str]) -> int:
    """Replaces this process with `tfds build`, so that signals and the exit code are those of that program."""
    parser = _make_parser("build", _BUILD)
    parser.usage = "ssgan data build NAME [flags of tfds build]"
    parser.add_argument("name", metavar="NAME", help="name of a data set (see `ssgan data list`), or path of a builder")
    flags = parser.parse_args(arguments[:1])
    try:
        command = build.make_command(flags.name, arguments[1:])
    except (ValueError, OSError) as error:
        parser.stop(error)
    os.execv(command[0], command)


def show_data(arguments: Sequence[str]) -> int:
    """Plots images and prints the pixel changes."""
    parser = _make_parser("show", _SHOW)
    add = parser.add_argument
    add("--dataset", default="scene3d/demo", help="name/config of a prepared data set (default: %(default)s)")
    add("--data_dir", default="data", help="folder of the prepared data sets (default: %(default)s)")
    add("--split", default="train", help="split of the data set (default: %(default)s)")
    add("--out", default="data.png", help="image to write (default: %(default)s)")
    add("--columns", type=int, default=12, help="maximum number of values to show per factor (default: %(default)s)")
    add("--factors", default="", help="comma-separated factors to show (default: all, in alphabetical order)")
    add("--seed", type=int, default=0, help="seed of the choice of the base image of all rows, and of the pairs")
    add("--pairs", type=int, default=2000, help="maximum number of image pairs to compare per factor (default: 2000)")
    add("--memory_gib", type=float, default=4.0, help="maximum memory for the decoded images, in GiB (default: 4)")
    flags = parser.parse_args(arguments)
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")  # read when TensorFlow is first imported; nothing needs a GPU
    from absl import logging

    from ssgan_tf.data import show

    logging.set_verbosity(logging.ERROR)  # TFDS logs every step
    try:
        view = show.run(**vars(flags))
    except (ValueError, OSError, MemoryError) as error:
        parser.stop(re.sub(r"^data\.", "", str(error)))  # fields of a config have the names of these flags
    print(f"{view}\nImage grid: {view.path}")
    return 0


def _make_parser(action: str, description: str) -> ArgumentParser:
    parser = ArgumentParser(description)
    parser.prog = f"ssgan data {action}"
    return parser


ACTIONS: dict[str, Callable[[Sequence[str]], int]] = {"list": list_builders, "build": build_data, "show": show_data}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs an action; returns the exit code, or exits with 2 if the input is invalid."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = ArgumentParser(__doc__)
    parser.prog = "ssgan data"
    parser.add_argument("action", choices=ACTIONS, help="what to do; `ssgan data ACTION --help` lists the flags")
    parser.add_argument("flags", nargs=argparse.REMAINDER, help="flags of the action")
    action = parser.parse_args(words[:1]).action
    return ACTIONS[action](words[1:])


if __name__ == "__main__":
    sys.exit(main())
