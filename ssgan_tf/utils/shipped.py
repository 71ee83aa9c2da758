"""Folders that are shipped beside the code: example configs and the builders of data sets."""

import os

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def shipped_folder(name: str) -> str:
    """Returns the path of a shipped folder, both in an installed package and in a checkout of the repository.

    An install has configs inside the package, where they cannot collide with those of another distribution, and
    tfds_builders beside it, where `import tfds_builders` finds them. A checkout has both beside the package.

    Args:
        name: "configs" or "tfds_builders".

    Raises:
        FileNotFoundError: The folder is in neither place, e.g. because only the package was copied.
    """
    places = [os.path.join(_PACKAGE, name), os.path.join(os.path.dirname(_PACKAGE), name)]
    for place in places:
        if os.path.isdir(place):
            return place
    raise FileNotFoundError(f"expected the folder {name} of ssgan_tf. Received: none at {' or '.join(places)}.")
