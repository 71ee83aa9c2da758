"""Lists the packages; everything else about them is in setup.cfg.

configs/ is a folder of the repository's root. In an install it becomes ssgan_tf/configs, inside the package, so that it
cannot collide with another `configs`. setup.cfg cannot express that beside `packages = find:`, hence this
file. `ssgan_tf.utils.shipped` finds the folder in both places.
"""

from setuptools import find_namespace_packages, find_packages, setup

folders = find_namespace_packages("configs", exclude=["__pycache__", "*.__pycache__"])
configs = ["ssgan_tf.configs", *(f"ssgan_tf.configs.{folder}" for folder in folders)]
setup(
    packages=[*find_packages(include=["ssgan_tf*", "tfds_builders*"]), *configs],
    package_dir={"ssgan_tf.configs": "configs"},
)
