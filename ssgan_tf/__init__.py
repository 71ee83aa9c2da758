"""Semi-StyleGAN for TensorFlow: semi-supervised disentanglement at high resolution.

Programs: the command `ssgan`, whose verbs are `ssgan train`, `ssgan evaluate`, ...; `ssgan --help` lists them.
Importing the package itself imports nothing else: `ssgan_tf.editing` stays free of model code.
"""

import os

# TensorFlow reads it once, when it is first imported. What it would say at every start and for every new graph is
# harmless; what is wrong comes as an exception. 0 shows everything.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

__version__ = "0.1.0"
